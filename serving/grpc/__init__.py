"""The gRPC protocols: translation between messages and `serving/predict.py`, nothing else."""
