"""The portable program on TensorFlow."""
