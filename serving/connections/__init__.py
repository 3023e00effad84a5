"""Callers' HTTP connections: what each may send and how slowly, how many there are, and their TLS."""
