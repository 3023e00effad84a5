"""Layers, one family of networks a file."""
