//! Connections to a server: sockets, TLS, the handshake.
