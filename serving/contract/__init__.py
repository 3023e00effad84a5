"""What training and serving agree on: pure data and rules, no I/O."""
