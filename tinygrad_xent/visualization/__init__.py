"""What one sees of a graph: pictures, traces, players, live pages, and the first bad number."""
