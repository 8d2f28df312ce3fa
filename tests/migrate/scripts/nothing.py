"""Nothing here is ours."""
import numpy as np

print(np.zeros(3))
