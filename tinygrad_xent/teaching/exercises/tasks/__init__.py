"""One module for each exercise; `tinygrad_xent.teaching.exercises` says how they are built."""
