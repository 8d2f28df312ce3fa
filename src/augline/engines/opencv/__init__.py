"""The CPU engine: OpenCV's SIMD kernels, the GIL released, integers kept as integers, each result written into its slot."""
