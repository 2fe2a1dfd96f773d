"""Real servers, fault injection between them and a client, and the fixtures for both."""
