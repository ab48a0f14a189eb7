"""What one sees of a graph: pictures, traces, the player, and the first bad number."""
