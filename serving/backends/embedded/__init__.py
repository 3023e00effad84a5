"""TensorFlow's C API in this process; never TensorFlow's Python."""
