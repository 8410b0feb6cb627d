"""A whole catalog in a file, and back, from any store into any other."""
