"""The pipeline as a pure TensorFlow graph: order, reading, decoding, draws, plan and pixels; no Python runs in it."""
