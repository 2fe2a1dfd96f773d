"""Keys of every type as Python objects: what a gear that runs on the client is given."""
