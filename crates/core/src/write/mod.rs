//! Writing record batches as keys: Arrow values to RESP commands, encoded while the server works.
//!
//! `request` says how, `table` holds a batch ready to be encoded by `text`, `json` and `temporal`
//! (`check_json` looks at documents that are text already);
//! `features` asks what the server has, `worker` drives units of rows: `put` sends them in the way of their mode, `transaction`,
//! `singles` and `look` read their replies, `settle` acts on these, `tally` counts. `writer` is
//! what the caller holds. All that is for one key a row; keys with many rows are `collections`.

mod check_json;
mod collections;
mod commands;
mod features;
mod field_ttls;
mod json;
mod look;
mod owed;
mod put;
mod request;
mod settle;
mod singles;
mod stats;
mod table;
mod tally;
mod temporal;
mod text;
mod transaction;
mod worker;
mod writer;

#[cfg(test)]
mod round_trip;

pub use collections::{Collection, CollectionRequest};
pub use request::{IfExists, Kind, Request, WriteRequest};
pub use stats::{WriteSnapshot, WriteStats};
pub use tally::WriteOutcome;
pub use writer::{Offer, Writer};
