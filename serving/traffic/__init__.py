"""Several versions at once: who answers which share of the requests, what comes of it, and when that was enough."""
