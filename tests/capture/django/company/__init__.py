"""The app of a small Django host."""
