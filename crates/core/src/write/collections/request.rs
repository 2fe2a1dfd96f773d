//! What to write with many rows a key, and how: plain data, made by `gearframe.io`.

use std::time::Duration;

use serde::Deserialize;

use crate::write::request::IfExists;

/// The type of key that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// Sets: the one column is the member.
    Sets,
    /// Lists: the one column is the element.
    Lists,
    /// Sorted sets: the columns are member and score.
    Zsets,
    /// Streams: a row is an entry, a column a field of it.
    Streams,
    /// Time series: the columns are timestamp and value.
    Timeseries,
}

/// A whole write of keys with many elements.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CollectionRequest {
    /// The type of key.
    pub kind: Collection,
    /// What to do with keys that exist.
    pub if_exists: IfExists,
    /// The name of the column with the keys.
    pub key: String,
    /// The names of the columns with the values, in the order that the kind gives them.
    pub fields: Vec<String>,
    /// What every key begins with.
    pub key_prefix: Vec<u8>,
    /// The name of an Int64 column with the time to live in milliseconds; null for none.
    pub ttl_column: Option<String>,
    /// The time to live of all keys, in milliseconds.
    pub ttl_ms: Option<i64>,
    /// Whether the rows of a key may stand in several places: it is complete at the end only.
    #[serde(rename = "find_duplicates")]
    pub is_scattered: bool,
    /// Of streams: the name of the column with the ids.
    #[serde(default)]
    pub id: Option<String>,
    /// Of streams: what stands between key and id, such as `MAXLEN ~ 1000`.
    #[serde(default)]
    pub trim: Vec<String>,
    /// Of time series: options of `TS.CREATE`, its labels excepted.
    #[serde(default)]
    pub create: Vec<String>,
    /// Of time series: labels that are the same for all.
    #[serde(default)]
    pub labels: Vec<(String, String)>,
    /// Of time series: the names of the columns whose value is a label.
    #[serde(default)]
    pub label_columns: Vec<String>,
    /// How long a key that is built aside lives when nobody looks after it, in milliseconds.
    #[serde(default = "ten_minutes")]
    pub temporary_ms: u32,
}

fn ten_minutes() -> u32 {
    600_000
}

impl CollectionRequest {
    /// Whether elements are added to what is there.
    pub(super) fn appends(&self) -> bool {
        self.if_exists == IfExists::Append
    }

    /// Whether every key is built under another name, however small it is. A series is, because
    /// a sample can be refused inside of EXEC, when the old series would be gone already.
    pub(super) fn builds_all_aside(&self) -> bool {
        !self.appends() && (self.is_scattered || self.kind == Collection::Timeseries)
    }

    /// How often temporary keys get a longer life.
    pub(super) fn refresh_every(&self) -> Duration {
        Duration::from_millis(u64::from(self.temporary_ms / 3))
    }

    /// The most elements of one chunk: a chunk holds the server for about a millisecond at most.
    pub(super) fn chunk_elements(&self) -> usize {
        match self.kind {
            Collection::Streams => 256,
            Collection::Zsets => 512,
            _ => 1024,
        }
    }
}
