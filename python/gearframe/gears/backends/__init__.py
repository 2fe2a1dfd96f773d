"""Where a gear that a client starts is run: in the server's module, or on the client."""
