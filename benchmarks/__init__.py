"""Benchmarks: one file a question, each answered against a floor or a peer in the same run."""
