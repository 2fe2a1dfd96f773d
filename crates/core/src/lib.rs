//! RESP bytes to frames to Arrow columns, and back.
//!
//! Data flows one way: `net` → `resp` → `keys` → `column` → `read`; and `write` from Arrow to `net`.

pub mod column;
pub mod error;
pub mod keys;
pub mod net;
pub mod read;
pub mod resp;
pub mod write;

pub use error::{BadValue, Error, ErrorKind, Result};
