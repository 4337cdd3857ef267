"""Retention: what goes, when, and the manifest that says so."""
