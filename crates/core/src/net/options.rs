//! How to reach a server. Made and checked in Python, by `gearframe.options.ConnectOptions`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::{Error, Result};

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Endpoint {
    /// A host, by name or address, and a port.
    Tcp {
        /// The host, without the brackets of IPv6.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket.
    Unix {
        /// Its path.
        path: PathBuf,
    },
}

/// How TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOptions {
    /// The authorities to trust, in PEM; without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate and its chain, in PEM.
    pub cert_file: Option<PathBuf>,
    /// The client's private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// Whether the certificate must be for this host; its chain is verified either way.
    pub check_hostname: bool,
    /// The name to ask for and to verify, where it is not the host's.
    pub server_name: Option<String>,
}

/// How to reach a server, and how long to wait for it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectOptions {
    /// Where the server listens.
    pub endpoint: Endpoint,
    /// TLS, or none.
    pub tls: Option<TlsOptions>,
    /// The ACL user; without it, the default user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The number of the database.
    pub db: u32,
    /// For each attempt to connect, TLS included, in milliseconds.
    pub connect_timeout_ms: u64,
    /// The longest silence of the server, in milliseconds.
    pub read_timeout_ms: u64,
    /// How many times more to try to connect after the first.
    pub retries: u32,
    /// The longest pause before the second attempt, in milliseconds; it doubles with each.
    pub backoff_ms: u64,
    /// The longest pause of all, in milliseconds.
    pub max_backoff_ms: u64,
    /// What `CLIENT LIST` shows.
    pub client_name: Option<String>,
    /// 2 or 3 to insist on a protocol; without it, RESP3 where the server speaks it.
    pub protocol: Option<u8>,
}

impl ConnectOptions {
    /// Reads the JSON that `ConnectOptions.to_json()` writes in Python.
    pub fn from_json(json: &str) -> Result<Self> {
        // The text of serde names fields and positions, never values of strings that fit.
        serde_json::from_str(json).map_err(|e| Error::option(format!("connect options: {e}")))
    }

    /// `host:port` or `unix:/path`, for messages.
    pub fn label(&self) -> String {
        match &self.endpoint {
            Endpoint::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Endpoint::Tcp { host, port } => format!("{host}:{port}"),
            Endpoint::Unix { path } => format!("unix:{}", path.display()),
        }
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.read_timeout_ms)
    }
}

/// Without the password: what is printed ends up in logs.
impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("endpoint", &self.endpoint)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("db", &self.db)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("read_timeout_ms", &self.read_timeout_ms)
            .field("retries", &self.retries)
            .field("backoff_ms", &self.backoff_ms)
            .field("max_backoff_ms", &self.max_backoff_ms)
            .field("client_name", &self.client_name)
            .field("protocol", &self.protocol)
            .finish()
    }
}
