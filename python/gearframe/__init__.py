"""Ask questions of live Redis and Valkey data from Python, as DataFrames."""
