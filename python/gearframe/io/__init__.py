"""Reading and writing each data type."""
