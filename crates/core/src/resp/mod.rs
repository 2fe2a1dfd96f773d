//! RESP2 and RESP3: commands out, replies in.

pub mod element;
pub mod encode;
pub mod extent;
pub mod reply;
pub mod tokens;

pub use encode::command;
pub use reply::{Reply, parse_reply};
