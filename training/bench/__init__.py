"""Benchmarks of training: what the shipped jobs reach on real data, and how fast they get there."""
