//! Reading keys into record batches: SCAN, fetch and decoding overlap on one native thread.
//!
//! `request` says what is wanted, `plan` which commands that takes, `worker` sends them and
//! receives the replies in `pages`, `rows` gathers batches, `reader` hands them to the consumer.

mod batch;
mod commands;
mod fetch;
mod hashes;
mod pages;
mod plan;
mod reader;
mod replies;
mod request;
mod rows;
mod sample;
mod scan;
mod second_look;
mod stats;
mod worker;

pub use reader::{Next, Reader};
pub use request::{Kind, OnError, OutputColumn, ReadRequest, Selection, Source};
pub use stats::{ReadStats, StatsSnapshot};
