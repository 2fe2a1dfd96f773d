//! Rows of a Struct column, from JSON objects: missing fields are null, others are ignored.
//!
//! A field that comes twice is a mismatch; an ignored member may come as often as it likes.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{DataType, Field, Fields};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::column::Column;
use super::json::{Cell, Fault, Step};
use super::rows::Rows;
use crate::{Error, ErrorKind, Result};

/// Rows of a Struct column.
pub(super) struct StructRows {
    fields: Vec<(String, Column)>,
    /// Which fields the object being read has had so far.
    seen: Vec<bool>,
    nulls: NullBufferBuilder,
}

impl StructRows {
    pub(super) fn new(fields: Vec<(String, Column)>, capacity: usize) -> Result<Self> {
        for (index, (name, _)) in fields.iter().enumerate() {
            if fields.iter().take(index).any(|(other, _)| other == name) {
                return Err(Error::option(format!(
                    "Struct: two fields are called {name:?}"
                )));
            }
        }
        Ok(Self {
            seen: vec![false; fields.len()],
            fields,
            nulls: NullBufferBuilder::new(capacity),
        })
    }

    pub(super) fn visitor<'a>(&'a mut self, fault: &'a mut Fault) -> StructVisitor<'a> {
        StructVisitor { rows: self, fault }
    }

    fn arrow_fields(&self) -> Fields {
        let field = |(name, column): &(String, Column)| Field::new(name, column.arrow_type(), true);
        self.fields.iter().map(field).collect()
    }
}

impl Rows for StructRows {
    fn arrow_type(&self) -> DataType {
        DataType::Struct(self.arrow_fields())
    }

    fn len(&self) -> usize {
        self.nulls.len()
    }

    fn push_null(&mut self) {
        for (_, column) in &mut self.fields {
            column.push_null();
        }
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.nulls.truncate(len);
        for (_, column) in &mut self.fields {
            column.truncate(len);
        }
    }

    fn memory(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(_, column)| column.memory()).sum();
        self.nulls.allocated_size() + fields
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let len = self.len();
        let fields = self.arrow_fields();
        let columns = self.fields.iter_mut().map(|(_, column)| column.finish());
        let columns = columns.collect::<Result<Vec<_>>>()?;
        StructArray::try_new_with_length(fields, columns, self.nulls.finish(), len)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|e| Error::new(ErrorKind::Data, format!("Struct column: {e}")))
    }
}

/// Reads one row.
pub(super) struct StructVisitor<'a> {
    rows: &'a mut StructRows,
    fault: &'a mut Fault,
}

impl<'de> Visitor<'de> for StructVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_none<E>(self) -> std::result::Result<(), E> {
        self.rows.push_null();
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, parser: D) -> std::result::Result<(), D::Error> {
        parser.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let Self { rows, fault } = self;
        rows.seen.fill(false);
        let mut likely = 0;
        while let Some(found) = map.next_key_seed(FieldIndex {
            fields: &rows.fields,
            likely,
        })? {
            let Some(((name, column), seen)) = found.and_then(|index| {
                likely = index + 1;
                Some((rows.fields.get_mut(index)?, rows.seen.get_mut(index)?))
            }) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(seen, true) {
                return Err(fault.stop(format!("has the member {name:?} twice")));
            }
            map.next_value_seed(Cell { column, fault })
                .map_err(|e| fault.at(Step::Member(name.clone()), e))?;
        }
        for ((_, column), seen) in rows.fields.iter_mut().zip(&rows.seen) {
            if !seen {
                column.push_null();
            }
        }
        rows.nulls.append_non_null();
        Ok(())
    }
}

/// Finds the field of a member's name, without a copy of the name.
struct FieldIndex<'a> {
    fields: &'a [(String, Column)],
    /// Where to look first: objects tend to keep the order of their members.
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for FieldIndex<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Option<usize>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldIndex<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<Option<usize>, E> {
        let (before, after) = self
            .fields
            .split_at_checked(self.likely)
            .unwrap_or((self.fields, &[]));
        let position = |fields: &[(String, Column)]| fields.iter().position(|(n, _)| n == name);
        Ok(position(after)
            .map(|index| index + before.len())
            .or_else(|| position(before)))
    }
}
