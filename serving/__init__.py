"""Serving: the gateway that decodes, batches and answers prediction requests, and the model store it reads."""
