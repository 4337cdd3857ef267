"""Recording: the way in, from a complete entry to a commit with its leaf."""
