//! A record batch ready to be cut into keys: what one row is.

use arrow_array::{Array, Int64Array, RecordBatch};

use super::request::CollectionRequest;
use crate::Result;
use crate::resp::encode;
use crate::write::table::{column, keys, ttls_of};
use crate::write::text::Text;

/// One column whose values are elements, or parts of them.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// The name as an argument of a command, encoded once.
    pub(super) head: Vec<u8>,
    pub(super) text: Text,
}

/// A batch. Its arrays are shared with whoever made it.
#[derive(Debug)]
pub(super) struct Batch {
    prefix: Vec<u8>,
    keys: Text,
    ttls: Option<Int64Array>,
    ttl_ms: Option<i64>,
    pub(super) fields: Vec<Field>,
    pub(super) id: Option<Field>,
    pub(super) labels: Vec<Field>,
    pub(super) rows: usize,
}

impl Batch {
    pub(super) fn new(request: &CollectionRequest, batch: &RecordBatch) -> Result<Self> {
        let fields = |names: &[String]| -> Result<Vec<Field>> {
            names.iter().map(|name| field(batch, name)).collect()
        };
        let ttls = request.ttl_column.as_deref();
        let id = request.id.as_deref();
        Ok(Self {
            prefix: request.key_prefix.clone(),
            keys: keys(batch, &request.key)?,
            ttls: ttls.map(|name| ttls_of(batch, name)).transpose()?,
            ttl_ms: request.ttl_ms,
            fields: fields(&request.fields)?,
            id: id.map(|name| field(batch, name)).transpose()?,
            labels: fields(&request.label_columns)?,
            rows: batch.num_rows(),
        })
    }

    /// The key of a row without the prefix.
    #[inline]
    pub(super) fn bare_key(&self, row: usize) -> &[u8] {
        self.keys.kept(row).unwrap_or_default()
    }

    /// The key as the server knows it.
    pub(super) fn key(&self, row: usize) -> Vec<u8> {
        [&self.prefix, self.bare_key(row)].concat()
    }

    /// The time to live of a row in milliseconds.
    #[inline]
    pub(super) fn ttl(&self, row: usize) -> Option<i64> {
        match &self.ttls {
            Some(ttls) => (!ttls.is_null(row)).then(|| ttls.value(row)),
            None => self.ttl_ms,
        }
    }
}

fn field(batch: &RecordBatch, name: &str) -> Result<Field> {
    let text = Text::new(column(batch, name)?).map_err(|mut error| {
        error.message = format!("column {name:?}: {}", error.message);
        error
    })?;
    let mut head = Vec::new();
    encode::bulk(&mut head, name.as_bytes());
    Ok(Field {
        name: name.to_owned(),
        head,
        text,
    })
}
