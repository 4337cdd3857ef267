"""Proofs: signed heads, evidence and keys over a store."""
