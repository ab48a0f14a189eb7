"""Pages that compute: change a number, and every value and every gradient follows."""
