//! What goes wrong on the way to a server, before it is known who asked and how often.

use std::io;

use crate::{Error, ErrorKind};

/// A reason and a hint, kept apart so that a count of attempts can stand between them.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) reason: String,
    pub(super) hint: String,
    /// Whether another attempt to connect can succeed.
    pub(super) again: bool,
}

/// The result of the inner parts of `net`.
pub(super) type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(super) fn new(kind: ErrorKind, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            hint: hint.into(),
            again: matches!(kind, ErrorKind::Connection | ErrorKind::Loading),
        }
    }

    pub(super) fn for_good(mut self) -> Self {
        self.again = false;
        self
    }

    pub(super) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled by the caller", "")
    }

    /// The time-out of connecting: another attempt may be luckier.
    pub(super) fn connect_timeout(seconds: f64, what: &str) -> Self {
        let mut failure = Self::new(
            ErrorKind::Timeout,
            format!("{what} took longer than {seconds:.1} s (connect_timeout)"),
            "is the address right, and does a firewall let it through?",
        );
        failure.again = true;
        failure
    }

    pub(super) fn closed() -> Self {
        Self::new(
            ErrorKind::Connection,
            "the server closed the connection",
            "was it restarted, or was this client killed there (CLIENT KILL, timeout, client-output-buffer-limit)?",
        )
    }

    pub(super) fn io(error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::ConnectionRefused => "is the server running there?",
            io::ErrorKind::NotFound => "is the server running, with `unixsocket` at that path?",
            io::ErrorKind::PermissionDenied => "may this user open the socket (`unixsocketperm`)?",
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Self::closed(),
            _ => "",
        };
        Self::new(ErrorKind::Connection, io_reason(error), hint)
    }

    /// The error for a person, about this endpoint.
    pub(super) fn into_error(self, label: &str) -> Error {
        let message = format!("{label}: {}", self.reason);
        Error::new(self.kind, with_hint(message, &self.hint))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.kind, error.message, "")
    }
}

pub(super) fn with_hint(message: String, hint: &str) -> String {
    match hint {
        "" => message,
        hint => format!("{message}; {hint}"),
    }
}

fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.chars()
        .enumerate()
        .map(|(i, c)| if i == 0 { c.to_ascii_lowercase() } else { c })
        .collect()
}
