"""Batches handed over: to Python loops, to TensorFlow."""
