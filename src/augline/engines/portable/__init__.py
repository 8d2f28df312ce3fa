"""The plan's execution, once, for any array namespace that follows the Python array API standard.

On NumPy with float64 it is the reference: slow, short, and the definition of what every other engine has to give.
"""
