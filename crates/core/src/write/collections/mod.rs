//! Keys with many rows: rows are cut into keys, keys into chunks, and chunks become commands.
//!
//! `cut` gathers the rows of one key as a `group`. A small one goes into a transaction with others
//! (`together`); a large one, and one whose end is not known yet, is a `target` that gets chunk
//! after chunk: the key itself to append, or a temporary key that takes its place at the end
//! (`aside`; `refresh` keeps it alive). `settle` acts on the replies that `answers` has read, `lost` on those that never
//! come. `worker` drives, `job` is what the thread runs.

mod answers;
mod aside;
mod batch;
mod chunk;
mod cut;
mod elements;
mod group;
mod job;
mod lost;
mod owed;
mod refresh;
mod request;
mod settle;
mod stream_id;
mod tally;
mod target;
mod temporary;
mod together;
mod worker;

pub use request::{Collection, CollectionRequest};
