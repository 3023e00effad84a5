"""Load tests: how fast it is, and how much it can take."""
