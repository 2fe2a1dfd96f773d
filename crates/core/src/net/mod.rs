//! Connections to a server: sockets, TLS, the handshake.

mod address;
mod cancel;
mod cluster;
mod connection;
mod failure;
mod handshake;
mod input;
mod options;
mod poll;
mod retry;
mod server_info;
mod stream;
mod tls;
mod tls_failure;
mod tls_stream;

pub use cancel::Cancel;
pub use connection::Connection;
pub use options::{ConnectOptions, Endpoint, TlsOptions};
pub use server_info::ServerInfo;

#[cfg(test)]
mod tests;
