"""Finding: the way out. What a viewer may see of the entries, found and put on pages."""
