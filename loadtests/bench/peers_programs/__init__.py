"""Other model servers serving the same SavedModel in their own usual way; each runs in an environment of its own.

Nothing here is imported by our code: each file is run by its peer's Python.
"""
