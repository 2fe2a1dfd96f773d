//! A record batch ready to be encoded: keys, times to live, and the text of each field.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array};
use arrow_schema::DataType;

use super::json;
use super::request::{FieldTtl, Kind, WriteRequest};
use super::text::Text;
use crate::resp::encode;
use crate::{Error, Result};

/// One column that becomes a field, a member, or the value of a string.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// The name as it stands before the value, encoded once: an argument, or `"name":` in JSON.
    pub(super) head: Vec<u8>,
    pub(super) text: Text,
    ttls: Option<Ttls>,
}

impl Field {
    /// The time to live of the field in a row, in milliseconds.
    #[inline]
    pub(super) fn ttl(&self, row: usize) -> Option<i64> {
        self.ttls.as_ref().and_then(|ttls| ttls.of(row))
    }
}

/// Times to live in milliseconds.
#[derive(Debug)]
enum Ttls {
    Fixed(i64),
    Rows(Int64Array),
}

impl Ttls {
    #[inline]
    fn of(&self, row: usize) -> Option<i64> {
        match self {
            Self::Fixed(ttl) => Some(*ttl),
            Self::Rows(ttls) => (!ttls.is_null(row)).then(|| ttls.value(row)),
        }
    }

    fn new(batch: &RecordBatch, ms: Option<i64>, column: Option<&str>) -> Result<Option<Self>> {
        match column {
            Some(name) => ttls_of(batch, name).map(Self::Rows).map(Some),
            None => Ok(ms.map(Self::Fixed)),
        }
    }
}

/// A batch. Its arrays are shared with whoever made it.
#[derive(Debug)]
pub(super) struct Table {
    prefix: Vec<u8>,
    keys: Text,
    ttls: Option<Ttls>,
    pub(super) fields: Vec<Field>,
    /// Whether a field can have a time to live of its own.
    pub(super) has_field_ttls: bool,
    pub(super) rows: usize,
    /// Where in a document the values go, as an argument.
    pub(super) path: Vec<u8>,
    /// Whether the one field has JSON already.
    pub(super) is_document: bool,
    /// Whether each row has all fields, so that none needs to be counted.
    pub(super) is_full: bool,
}

impl Table {
    pub(super) fn new(request: &WriteRequest, batch: &RecordBatch) -> Result<Self> {
        let fields = request.fields.iter();
        let fields = fields.map(|name| field(batch, name, request));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let mut path = Vec::new();
        encode::bulk(&mut path, request.path.as_bytes());
        Ok(Self {
            prefix: request.key_prefix.clone(),
            keys: keys(batch, &request.key)?,
            ttls: Ttls::new(batch, request.ttl_ms, request.ttl_column.as_deref())?,
            has_field_ttls: fields.iter().any(|field| field.ttls.is_some()),
            is_full: !fields.iter().any(|field| field.text.has_nulls()),
            fields,
            rows: batch.num_rows(),
            path,
            is_document: request.is_document,
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

    /// Appends the key as an argument of a command.
    #[inline]
    pub(super) fn put_key(&self, out: &mut Vec<u8>, row: usize) {
        let key = self.bare_key(row);
        if self.prefix.is_empty() {
            return encode::bulk(out, key);
        }
        let mut digits = itoa::Buffer::new();
        let length = digits.format(self.prefix.len() + key.len());
        out.push(b'$');
        out.extend_from_slice(length.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(key);
        out.extend_from_slice(b"\r\n");
    }

    /// The time to live of a row in milliseconds.
    #[inline]
    pub(super) fn ttl(&self, row: usize) -> Option<i64> {
        self.ttls.as_ref().and_then(|ttls| ttls.of(row))
    }

    /// How many fields of a row are not null.
    #[inline]
    pub(super) fn width(&self, row: usize) -> usize {
        if self.is_full {
            return self.fields.len();
        }
        let present = self.fields.iter().filter(|field| !field.text.is_null(row));
        present.count()
    }
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    match batch.column_by_name(name) {
        Some(array) => Ok(array),
        None => Err(Error::option(format!("the frame has no column {name:?}"))),
    }
}

fn field(batch: &RecordBatch, name: &str, request: &WriteRequest) -> Result<Field> {
    let text = Text::new(column(batch, name)?).map_err(|mut error| {
        error.message = format!("column {name:?}: {}", error.message);
        error
    })?;
    let mut head = Vec::new();
    match request.kind {
        Kind::Json => json::member(&mut head, name),
        _ => encode::bulk(&mut head, name.as_bytes()),
    }
    let is_it = |ttl: &&FieldTtl| ttl.field == name;
    let ttls = match request.field_ttls.iter().find(is_it) {
        Some(ttl) => Ttls::new(batch, ttl.ms, ttl.column.as_deref())?,
        None => None,
    };
    Ok(Field {
        name: name.to_owned(),
        head,
        text,
        ttls,
    })
}

pub(super) fn keys(batch: &RecordBatch, name: &str) -> Result<Text> {
    use DataType as D;
    let array = column(batch, name)?;
    match array.data_type() {
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Binary | D::LargeBinary | D::BinaryView => {}
        other => {
            return Err(Error::option(format!(
                "the keys in column {name:?} are {other}; expected text or bytes"
            )));
        }
    }
    let keys = Text::new(array)?;
    if keys.has_nulls() {
        return Err(Error::option(format!(
            "column {name:?} has a null for a key"
        )));
    }
    Ok(keys)
}

pub(super) fn ttls_of(batch: &RecordBatch, name: &str) -> Result<Int64Array> {
    let array = column(batch, name)?;
    let ttls = array.as_primitive_opt::<Int64Type>().ok_or_else(|| {
        Error::option(format!(
            "the times to live in column {name:?} are {}; expected Int64 milliseconds",
            array.data_type()
        ))
    })?;
    if ttls.iter().flatten().any(|ttl| ttl <= 0) {
        return Err(Error::option(format!(
            "column {name:?} has a time to live that is not above 0"
        )));
    }
    Ok(ttls.clone())
}
