//! The errors of the core. Each names the Python class that stands for it.

use std::fmt;

/// What went wrong, in the terms of `gearframe.exceptions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument cannot be used.
    Option,
    /// The server is not reached, or is gone.
    Connection,
    /// The server was silent for longer than the time-out.
    Timeout,
    /// Wrong user or password.
    Authentication,
    /// The bytes received are not RESP, or not the reply that was asked for.
    Protocol,
    /// The server answered with an error that has no kind of its own.
    Reply,
    /// The ACL forbids a command or a key.
    Permission,
    /// The server is loading its data set.
    Loading,
    /// The server runs a script and takes nothing else.
    Busy,
    /// The server refuses writes.
    ReadOnly,
    /// The server is above its maxmemory.
    OutOfMemory,
    /// A value does not fit the wanted type.
    Data,
    /// A key changed while it was read in pieces.
    Changed,
    /// The caller asked to stop. Never shown to a person: who cancels does not read on.
    Cancelled,
}

impl ErrorKind {
    /// The name of the Python class in `gearframe.exceptions`.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Option => "OptionError",
            Self::Connection => "ServerConnectionError",
            Self::Timeout => "ServerTimeoutError",
            Self::Authentication => "AuthenticationError",
            Self::Protocol => "ProtocolError",
            Self::Reply => "ReplyError",
            Self::Permission => "PermissionDeniedError",
            Self::Loading => "ServerLoadingError",
            Self::Busy => "ServerBusyError",
            Self::ReadOnly => "ServerReadOnlyError",
            Self::OutOfMemory => "ServerOutOfMemoryError",
            Self::Data => "DataError",
            Self::Changed => "KeyChangedError",
            Self::Cancelled => "GearframeError",
        }
    }
}

/// Where a value stands that does not fit, for the attributes of `DataError`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadValue {
    /// The key that holds the value.
    pub key: Vec<u8>,
    /// The column, where there is one.
    pub field: Option<String>,
    /// The first bytes of the value.
    pub value: Vec<u8>,
    /// The wanted type, as Polars writes it.
    pub dtype: String,
}

/// An error with a message for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What was given, what was expected, what to try.
    pub message: String,
    /// For [`ErrorKind::Data`]; for [`ErrorKind::Changed`] the key alone.
    pub bad_value: Option<Box<BadValue>>,
}

impl Error {
    /// An error of a kind with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            bad_value: None,
        }
    }

    /// The bytes received are not RESP.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// An argument cannot be used.
    pub fn option(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Option, message)
    }

    /// Turns the text of an error reply (without its leading `-`) into an error, by its code word.
    ///
    /// `command` is what was asked, and goes into the message.
    pub fn from_reply(command: &str, text: &[u8]) -> Self {
        let text = shown(&String::from_utf8_lossy(text));
        let code = text.split(' ').next().unwrap_or("");
        let (kind, hint) = match code {
            "NOPERM" => (
                ErrorKind::Permission,
                "; grant it with ACL SETUSER, or connect as another user",
            ),
            "NOAUTH" => (
                ErrorKind::Authentication,
                "; give user and password in the URL or to connect()",
            ),
            "WRONGPASS" => (ErrorKind::Authentication, "; check user and password"),
            "LOADING" => (
                ErrorKind::Loading,
                "; the server is loading its data set: try again when it has finished",
            ),
            "BUSY" => (
                ErrorKind::Busy,
                "; a script is running there: wait for it, or end it with SCRIPT KILL",
            ),
            "READONLY" | "MISCONF" | "NOREPLICAS" => (
                ErrorKind::ReadOnly,
                "; connect to the primary, or see the server's log",
            ),
            "OOM" => (
                ErrorKind::OutOfMemory,
                "; raise maxmemory, or let keys be evicted",
            ),
            _ => (ErrorKind::Reply, ""),
        };
        Self::new(
            kind,
            format!("{command}: the server answered «{text}»{hint}"),
        )
    }
}

/// The most characters of a server's text in a message.
const SHOWN: usize = 500;

/// A server's text for a message: cut, and without characters that would steer a terminal.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for char in text.chars().take(SHOWN) {
        match char.is_control() {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;
