"""TensorFlow Serving's files, the doctor who reads them, and the recording of live requests."""
