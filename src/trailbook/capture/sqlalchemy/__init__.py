"""SQLAlchemy: a host's writes through it, captured in the host's own transaction."""
