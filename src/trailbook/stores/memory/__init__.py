"""Memory: the engine in plain dicts and lists that every other is compared with."""
