//! Numbers of the module API: kinds of keys, flags of a context, levels of the log.

/// What a key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// There is no such key.
    Empty,
    /// A string.
    String,
    /// A list.
    List,
    /// A hash.
    Hash,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A type that a module brought, JSON for one.
    Module,
    /// A stream.
    Stream,
}

impl KeyKind {
    /// Reads the number that `KeyType` gives; one that is not known is a module's.
    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Empty,
            1 => Self::String,
            2 => Self::List,
            3 => Self::Hash,
            4 => Self::Set,
            5 => Self::Zset,
            7 => Self::Stream,
            _ => Self::Module,
        }
    }

    /// The name that records carry in `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::String => "string",
            Self::List => "list",
            Self::Hash => "hash",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Module => "module",
            Self::Stream => "stream",
        }
    }
}

/// The flags of a context: where a command comes from, and what state the server is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ContextFlags(pub(crate) i32);

impl ContextFlags {
    const LUA: i32 = 1;
    const MULTI: i32 = 1 << 1;
    const CLUSTER: i32 = 1 << 5;
    const DENY_BLOCKING: i32 = 1 << 21;
    const RESP3: i32 = 1 << 22;

    /// Whether the command may wait: not in MULTI, in a script, or where blocking is denied.
    pub fn may_block(self) -> bool {
        self.0 & (Self::LUA | Self::MULTI | Self::DENY_BLOCKING) == 0
    }

    /// Whether the server is part of a cluster.
    pub fn cluster(self) -> bool {
        self.0 & Self::CLUSTER != 0
    }

    /// Whether the client speaks RESP3.
    pub fn resp3(self) -> bool {
        self.0 & Self::RESP3 != 0
    }
}

/// Levels of the server's log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogLevel {
    /// For those who look for a fault in the module.
    Debug,
    /// Much, but not all.
    Verbose,
    /// What an operator wants to know.
    Notice,
    /// What an operator must know.
    Warning,
}

impl LogLevel {
    /// The level with this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "debug" => Some(Self::Debug),
            "verbose" => Some(Self::Verbose),
            "notice" => Some(Self::Notice),
            "warning" => Some(Self::Warning),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static std::ffi::CStr {
        match self {
            Self::Debug => c"debug",
            Self::Verbose => c"verbose",
            Self::Notice => c"notice",
            Self::Warning => c"warning",
        }
    }
}

/// What the server says to a command of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It may be run.
    Allowed,
    /// None of the user's rights holds in the database.
    OtherDatabase,
    /// It may not be run, whatever the database.
    Refused,
    /// The server gives no reason: it has no such command, or is older than rights to databases.
    Unexplained,
}

impl Verdict {
    /// What stands where the server writes its reason, until it does.
    pub(crate) const NO_REASON: i32 = -1;
    const DATABASE: i32 = 4;

    pub(crate) fn of(allowed: bool, reason: i32) -> Self {
        match reason {
            _ if allowed => Self::Allowed,
            Self::NO_REASON => Self::Unexplained,
            Self::DATABASE => Self::OtherDatabase,
            _ => Self::Refused,
        }
    }
}
