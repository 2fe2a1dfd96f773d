//! The loadable module: it finds keys, holds the server's lock, runs commands, replies, and hosts
//! the Python that does all the rest.
//!
//! A command of a client goes to the queue, from there to Python (`gearframe.shard`), and its
//! answer comes back through [`replies`]. Python sees the server through the functions of
//! `functions.rs`.
//!
//! The order of locks, which no thread may break: first the server's lock (`lock.rs`), then the
//! GIL. A function called by Python gives the GIL back before it does anything, so nobody waits for
//! the server's lock with the GIL in hand. The server's main thread never waits for the GIL.

mod arguments;
mod calls;
mod commands;
mod entry;
mod facts;
mod functions;
mod host;
mod interpreter;
mod lock;
mod mailboxes;
mod replies;
mod resp;
mod settings;
mod tokens;
mod wake;
mod walk;
