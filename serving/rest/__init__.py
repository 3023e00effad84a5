"""The REST protocols: translation between HTTP and `serving/predict.py`, nothing else."""
