"""The constant that stands in the graph of the storms' model. Knows no TensorFlow, so that tests may import it."""

SHIFT = 1024.0
