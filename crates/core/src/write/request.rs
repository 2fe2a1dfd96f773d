//! What to write, and how: plain data, made by `gearframe.io` and read from JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::collections::{Collection, CollectionRequest};

/// The type of key that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Hashes: one field a column.
    Hashes,
    /// Strings: the one column is the value.
    Strings,
    /// JSON documents: one member a column, or one column with whole documents.
    Json,
}

/// What to do with a key that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IfExists {
    /// Put the new value in place of the old one, at once.
    Replace,
    /// Leave it alone and report it.
    Fail,
    /// Add to it: fields to a hash, bytes to a string, members to a document.
    Append,
}

/// A whole write of either sort; which, the name of its kind tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// One key a row.
    Rows(WriteRequest),
    /// Many rows a key.
    Collections(CollectionRequest),
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let request = serde_json::Value::deserialize(from)?;
        let kind = request.get("kind").unwrap_or(&serde_json::Value::Null);
        let read = match Collection::deserialize(kind) {
            Ok(_) => serde_json::from_value(request).map(Self::Collections),
            Err(_) => serde_json::from_value(request).map(Self::Rows),
        };
        read.map_err(D::Error::custom)
    }
}

/// The time to live of one field, the same for all hashes or of each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldTtl {
    /// The field.
    pub field: String,
    /// In milliseconds.
    pub ms: Option<i64>,
    /// The name of an Int64 column with milliseconds; null for none.
    pub column: Option<String>,
}

/// A whole write of one key a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WriteRequest {
    /// The type of key.
    pub kind: Kind,
    /// What to do with keys that exist.
    pub if_exists: IfExists,
    /// The name of the column with the keys.
    pub key: String,
    /// The names of the columns with the values, in order; of a string, one.
    pub fields: Vec<String>,
    /// What every key begins with.
    pub key_prefix: Vec<u8>,
    /// The name of an Int64 column with the time to live in milliseconds; null for none.
    pub ttl_column: Option<String>,
    /// The time to live of all keys, in milliseconds.
    pub ttl_ms: Option<i64>,
    /// Whether to look for keys that come twice; not where the caller has done so.
    pub find_duplicates: bool,
    /// Of hashes: the times to live of fields.
    #[serde(default)]
    pub field_ttls: Vec<FieldTtl>,
    /// Of JSON: the one column has whole documents as text.
    #[serde(default)]
    pub is_document: bool,
    /// Of JSON: where in the document of a key the value goes.
    #[serde(default = "root")]
    pub path: String,
}

/// The path of a whole document.
const ROOT: &str = "$";

fn root() -> String {
    ROOT.to_owned()
}

impl WriteRequest {
    /// Whether what is written is all that the key holds.
    pub(super) fn is_whole(&self) -> bool {
        self.path == ROOT
    }

    /// Whether a row can have a time to live.
    pub(super) fn expires(&self) -> bool {
        self.ttl_ms.is_some() || self.ttl_column.is_some()
    }
}
