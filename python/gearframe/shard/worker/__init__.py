"""Runs scripts and executions in one interpreter, on a pool of threads."""
