"""The pipeline as a pure TensorFlow graph: order, reading, decoding, draws, plan and pixels, without a line of Python in it."""
