"""What runs the models: siblings behind `serving/backend_protocol.py`."""
