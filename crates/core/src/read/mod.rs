//! Reading keys into record batches: SCAN, fetch and decoding overlap on one native thread.
//!
//! `request` says what is wanted, `plan` which commands that takes, `worker` sends them and
//! receives the replies in `pages`, `rows` gathers batches, `reader` hands them to the consumer.

mod batch;
mod commands;
mod cursors;
mod elements;
mod entries;
mod facts;
mod fetch;
mod field_ttl;
mod hashes;
mod indexed;
mod json;
mod json_paths;
mod json_reply;
mod json_sample;
mod key_parts;
mod large;
mod members;
mod numbers;
mod pages;
mod plan;
mod reader;
mod replies;
mod request;
mod row;
mod rows;
mod sample;
mod samples;
mod scan;
mod second_look;
mod stats;
mod vector_column;
mod vectors;
mod windows;
mod worker;

pub use reader::{Next, Reader};
pub use request::{
    EntryRange, Kind, OnChange, OnError, OutputColumn, ReadRequest, SampleRange, Selection, Source,
    ZsetRange,
};
pub use stats::{ReadStats, StatsSnapshot};
