//! Walks over the keys of a database: the records of KeysReader.
//!
//! A thread of its own reads, in holds of the server's lock that are far below a millisecond, and
//! stays a few batches ahead of Python. So the server is read while Python computes, and neither
//! waits for the other's lock.

mod batch;
mod collections;
mod elements;
mod in_place;
mod later;
mod list;
mod options;
mod pieces;
mod reader;
mod registry;
mod rights;
mod shapes;
mod stream;
mod texts;

pub(crate) use options::Options;
pub(crate) use registry::Walks;
