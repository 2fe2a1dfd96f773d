"""What runs inside the server: the control plane, and the workers that run scripts.

Nothing here imports polars, pyarrow, redis or the native part: interpreters with a GIL of their own
refuse them.
"""
