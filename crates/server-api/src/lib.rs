//! The part of the server's module API that gearframe uses, behind safe types.
//!
//! A server gives a module one function, which looks all others up by name. Valkey answers to the
//! names of Redis, so one table serves both. Pointers and calls across the border stand in
//! `raw.rs` alone; what the constants mean is in `constants.rs`.

mod constants;
mod raw;

pub use constants::{ContextFlags, KeyKind, LogLevel, Verdict};
pub use raw::{
    BlockedClient, CallMode, ClientKey, ConfigValue, Context, ContextLock, Event, HashFields,
    KeyView, LoadError, ModuleEntry, OpenedKey, Reply, ScanCursor, StreamId, StreamPart,
    ThreadContext, User, has_database_rights, on_main_thread, one_shot,
};
