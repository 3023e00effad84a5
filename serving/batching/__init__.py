"""Requests into batches: a core that decides and a shell that does."""
