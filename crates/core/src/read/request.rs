//! What to read: plain data, made by `gearframe.io` and read from JSON.

use serde::Deserialize;

use crate::column::ColumnType;

/// What is read of which type of key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Kind {
    /// Hashes: one row a key, one column a field.
    Hashes,
    /// Strings: one row a key, one value.
    Strings,
    /// Hashes in long format: one row a field.
    Fields,
    /// Sets: one row a member.
    Sets,
    /// Lists: one row an element.
    Lists {
        /// The places of the first and last element, as LRANGE takes them.
        range: (i64, i64),
    },
    /// Sorted sets: one row a member.
    Zsets(ZsetRange),
    /// Streams: one row an entry.
    Streams(EntryRange),
    /// JSON documents: one row a key.
    Json,
    /// Time series: one row a sample, or a bucket of samples.
    Timeseries(SampleRange),
    /// Vector sets: one row a member.
    Vectors,
    /// Keys themselves, of any type: one row a key.
    Keys {
        /// The only type that is wanted.
        #[serde(rename = "type")]
        type_name: Option<String>,
    },
}

/// Which members of a sorted set are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum ZsetRange {
    /// Those of these ranks, both included; below 0 from the end.
    Rank {
        /// The first and the last.
        range: (i64, i64),
    },
    /// Those with a score between these, written as ZRANGE takes them: `(1.5`, `+inf`.
    Score {
        /// The lowest and the highest.
        range: (String, String),
    },
}

/// Which entries of a stream are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EntryRange {
    /// The first, as XRANGE takes it.
    pub start: String,
    /// The last.
    pub end: String,
    /// The most of each key.
    pub count: Option<u64>,
}

/// Which samples of which series are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SampleRange {
    /// The time of the first, as TS.RANGE takes it.
    pub start: String,
    /// Of the last.
    pub end: String,
    /// The most of each series.
    pub count: Option<u64>,
    /// What is made of the samples of a bucket, such as `avg`; none for the samples themselves.
    pub aggregation: Option<String>,
    /// The length of a bucket in milliseconds.
    pub bucket: Option<u64>,
    /// What the labels of a series must be, as TS.QUERYINDEX takes it; empty for any.
    pub filters: Vec<String>,
}

/// What to do with a list or a ranked set that changes while it is read piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnChange {
    /// Stop with an error.
    #[default]
    Raise,
    /// Keep what came, and count the key.
    Keep,
}

impl Kind {
    /// The name that TYPE answers with, and that SCAN's TYPE option takes; none for any type.
    pub fn type_name(&self) -> Option<&[u8]> {
        Some(match self {
            Self::Hashes | Self::Fields => b"hash",
            Self::Strings => b"string",
            Self::Sets => b"set",
            Self::Lists { .. } => b"list",
            Self::Zsets(_) => b"zset",
            Self::Streams(_) => b"stream",
            Self::Json => b"ReJSON-RL",
            Self::Timeseries(_) => b"TSDB-TYPE",
            Self::Vectors => b"vectorset",
            Self::Keys { type_name } => return type_name.as_ref().map(|name| name.as_bytes()),
        })
    }
}

/// What to do with a value that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Stop with an error that names key, field, value and type.
    Raise,
    /// Put a null in its place, and count it.
    Null,
    /// Leave the row out, and count it.
    Skip,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Source {
    /// The key itself.
    Key,
    /// Its remaining time to live, in milliseconds.
    Ttl,
    /// A field of a hash.
    Field {
        /// The field's name.
        field: String,
    },
    /// The value of a string, the element of a list, the member of a set, the value of a field.
    Value,
    /// The score of a member.
    Score,
    /// The place of an element in its list, or the rank of a member in its sorted set.
    Index,
    /// The name of a field.
    Name,
    /// The remaining time to live of a field, in milliseconds.
    #[serde(rename = "field_ttl")]
    FieldTtl {
        /// The field; none where each row is a field.
        field: Option<String>,
    },
    /// The id of an entry.
    Id,
    /// The time in an entry's id, or of a sample.
    Timestamp,
    /// The number behind the time in an entry's id.
    Sequence,
    /// A label of a series.
    Label {
        /// The label's name.
        label: String,
    },
    /// The vector of a member.
    Vector {
        /// How many numbers it has.
        dim: usize,
    },
    /// A part of the key; see [`ReadRequest::key_literals`].
    #[serde(rename = "key_part")]
    KeyPart {
        /// Which.
        part: usize,
    },
    /// What a JSONPath matches in a document.
    Path {
        /// The path.
        path: String,
        /// Whether it may match more than one value; then all of them are wanted.
        all: bool,
        /// The name of the document's member that the path stands for, if it is that simple.
        #[serde(default)]
        member: Option<String>,
    },
    /// The text of a JSON document.
    Document,
    /// The type of a key, as TYPE answers.
    Type,
    /// How the server keeps a key, as OBJECT ENCODING answers.
    Encoding,
    /// The bytes that a key takes, as MEMORY USAGE answers.
    Memory,
    /// Seconds since a key was used last.
    Idle,
    /// The number of a key's elements, or of a string's bytes.
    Length,
    /// Nothing: rows are counted only.
    Nothing,
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub source: Source,
    /// Its type; not looked at where the source has one of its own, as a time to live has.
    pub dtype: ColumnType,
}

/// Which keys to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those that match a glob pattern, found by SCAN.
    Pattern(Vec<u8>),
    /// These, without a SCAN. A key that stands here twice is read once.
    Keys(Vec<Vec<u8>>),
}

/// A whole read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReadRequest {
    /// The type of key, and which part of it.
    pub kind: Kind,
    /// What stands before, between and behind the parts of a key; empty if keys have no parts.
    #[serde(default)]
    pub key_literals: Vec<String>,
    /// What to do when a key changes while it is read piece by piece.
    #[serde(default)]
    pub on_change: OnChange,
    /// The columns, in the order of the result.
    pub columns: Vec<OutputColumn>,
    /// Stop after so many rows.
    pub limit: Option<u64>,
    /// What to do with values that do not fit.
    pub on_error: OnError,
    /// The most rows in a batch.
    pub batch_rows: usize,
    /// The most bytes of values in a batch; one row may be larger.
    pub batch_bytes: usize,
    /// COUNT of SCAN: buckets looked at in one call.
    pub scan_count: usize,
    /// The most keys fetched in one pipeline.
    pub pipeline_keys: usize,
    /// The most keys a second; none for no limit.
    pub throttle: Option<f64>,
}

impl ReadRequest {
    /// The names of the fields that the columns come from.
    pub fn fields(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Field { field } => Some(field.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The names of the fields whose time to live is asked for.
    pub fn ttl_fields(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::FieldTtl { field } => field.as_deref(),
                _ => None,
            })
            .collect()
    }

    /// The names of the labels that the columns come from.
    pub fn labels(&self) -> Vec<&str> {
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Label { label } => Some(label.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Whether any column comes from a label.
    pub fn wants_labels(&self) -> bool {
        let mut sources = self.columns.iter().map(|column| &column.source);
        sources.any(|source| matches!(source, Source::Label { .. }))
    }

    /// How many numbers a vector has, if any column has vectors.
    pub fn dim(&self) -> Option<usize> {
        self.columns.iter().find_map(|column| match column.source {
            Source::Vector { dim } => Some(dim),
            _ => None,
        })
    }

    /// Whether any column wants to know more of a key than its name and its time to live.
    pub fn wants_facts(&self) -> bool {
        use Source::{Encoding, Idle, Length, Memory, Type};
        [Encoding, Idle, Length, Memory, Type]
            .iter()
            .any(|source| self.wants(source))
    }

    /// Whether any column comes from `source`.
    pub fn wants(&self, source: &Source) -> bool {
        self.columns.iter().any(|column| column.source == *source)
    }
}
