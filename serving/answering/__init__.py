"""Between a decoded request and the batcher: what a model's settings or manifest put there, and nothing else."""
