"""The small servers that the gateway is measured beside: as little as possible, and what a tutorial writes."""
