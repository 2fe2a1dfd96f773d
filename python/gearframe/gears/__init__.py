"""Map-reduce over records: the same engine in a server, on a client and in a test.

It imports the standard library only: an interpreter with its own GIL refuses Polars and its like.
"""
