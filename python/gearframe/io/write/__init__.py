"""Frames written as keys: one file a type of key, over the same options, checks and run."""
