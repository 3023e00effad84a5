"""The tfserving backend: models run in TensorFlow Serving, on this machine or others, reached over gRPC."""
