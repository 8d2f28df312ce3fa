"""Adapters: namespaces of the Python array API standard for frameworks that do not follow it themselves."""
