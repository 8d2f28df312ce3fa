"""The CPU engine: OpenCV's SIMD kernels without the GIL, integers kept as integers, results written into place."""
