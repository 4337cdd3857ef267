"""Deployment: an open store with its settings and secrets, and what runs beside it."""
