//! HPTTL: the remaining time to live of single fields (Redis 7.4, Valkey 9).

use super::elements::Target;
use super::fetch::FieldNames;
use super::replies::Head;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::resp::encode::{bulk, header};
use crate::resp::tokens::Shape;

/// HPTTL's answer for a field that is not there.
const NO_FIELD: i64 = -2;

/// `HPTTL key FIELDS n field …`, with the fields encoded once.
#[derive(Debug)]
pub(super) struct Hpttl {
    fields: Vec<u8>,
    count: usize,
}

impl Hpttl {
    pub(super) fn new<'f>(names: impl Iterator<Item = &'f [u8]>) -> Self {
        let (mut fields, mut count) = (Vec::new(), 0);
        for name in names {
            bulk(&mut fields, name);
            count += 1;
        }
        Self { fields, count }
    }

    /// How many fields are asked for.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn ask(&self, out: &mut Vec<u8>, key: &[u8]) {
        header(out, 4 + self.count);
        bulk(out, b"HPTTL");
        bulk(out, key);
        bulk(out, b"FIELDS");
        bulk(out, itoa::Buffer::new().format(self.count).as_bytes());
        out.extend_from_slice(&self.fields);
    }
}

impl Worker<'_> {
    /// Receives HPTTL's answer for so many fields into `ttls`.
    pub(super) fn receive_field_ttls(&mut self, count: usize, ttls: &mut Vec<i64>) -> Result<()> {
        match self.replies.next_head()? {
            Head::Array(found) if found == count => {
                for _ in 0..count {
                    ttls.push(self.replies.next_integer("HPTTL")?);
                }
                Ok(())
            }
            Head::Array(found) => Err(Error::protocol(format!(
                "HPTTL of {count} fields was answered with {found} numbers"
            ))),
            // What the key is by now, its values tell.
            Head::Other(shape)
                if shape == Shape::Scalar && self.replies.is_null()
                    || shape == Shape::Error && self.replies.text().starts_with(b"WRONGTYPE") =>
            {
                ttls.extend(std::iter::repeat_n(NO_FIELD, count));
                Ok(())
            }
            Head::Other(shape) => Err(self.replies.unexpected(shape, "HPTTL")),
        }
    }

    /// Makes the rows of fields whose times to live have been asked for.
    pub(super) fn receive_fields_with_ttl(
        &mut self,
        key: &[u8],
        ttl: i64,
        fields: &FieldNames,
    ) -> Result<()> {
        let mut ttls = Vec::with_capacity(fields.names.len());
        self.receive_field_ttls(fields.names.len(), &mut ttls)?;
        let target = Target {
            key,
            ttl,
            present: true,
        };
        for (index, &field_ttl) in ttls.iter().enumerate() {
            if field_ttl == NO_FIELD {
                // Gone since HSCAN: as a row it would look like one that never expires.
                continue;
            }
            target.push(&mut self.rows, |row| {
                row.name(fields.names.get(index))?;
                row.field_ttls(&[field_ttl]);
                row.value(fields.values.get(index))
            })?;
        }
        Ok(())
    }
}
