"""Several processes as one gateway: a supervisor that holds the ports, and workers that answer on them."""
