"""One module for each exercise; `tinygrad_xent.exercises` says how they are built."""
