//! Hashes whose fields expire one by one.
//!
//! `HSETEX` sets values and one time to live together. It is used where it makes one command of
//! two, that is for all fields of a hash; for some of them `HSET` and `HPEXPIRE` take the server
//! no longer (docs/decisions/0010-write-commands.md).

use super::commands::{Encoder, Refusal, number};
use super::table::{Field, Table};
use crate::resp::encode;

/// How many of each command a hash took.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldCommands {
    pub(super) hset: usize,
    pub(super) hsetex: usize,
    pub(super) hpexpire: usize,
}

impl Encoder {
    /// `HSETEX`, or `HSET` and one `HPEXPIRE` for each time to live.
    pub(super) fn hash_with_ttls(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
        has_hsetex: bool,
    ) -> Result<FieldCommands, Refusal> {
        let present = table.fields.iter().filter(|field| !field.text.is_null(row));
        let present: Vec<&Field> = present.collect();
        let groups = by_ttl(&present, row);
        if let ([(ttl, fields)], true) = (groups.as_slice(), has_hsetex)
            && fields.len() == present.len()
        {
            self.hsetex(out, table, row, *ttl, fields)?;
            return Ok(FieldCommands {
                hsetex: 1,
                ..FieldCommands::default()
            });
        }
        self.hset(out, table, row)?;
        for (ttl, fields) in &groups {
            hpexpire(out, table, row, *ttl, fields);
        }
        Ok(FieldCommands {
            hset: 1,
            hsetex: 0,
            hpexpire: groups.len(),
        })
    }

    /// `HSETEX key PX ms FIELDS n field value …`.
    fn hsetex(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
        ttl: i64,
        fields: &[&Field],
    ) -> Result<(), Refusal> {
        encode::header(out, 6 + 2 * fields.len());
        out.extend_from_slice(b"$6\r\nHSETEX\r\n");
        table.put_key(out, row);
        out.extend_from_slice(b"$2\r\nPX\r\n");
        number(out, ttl);
        count(out, fields);
        for field in fields {
            out.extend_from_slice(&field.head);
            self.value(out, field, row)?;
        }
        Ok(())
    }
}

/// `HPEXPIRE key ms FIELDS n field …`.
fn hpexpire(out: &mut Vec<u8>, table: &Table, row: usize, ttl: i64, fields: &[&Field]) {
    encode::header(out, 5 + fields.len());
    out.extend_from_slice(b"$8\r\nHPEXPIRE\r\n");
    table.put_key(out, row);
    number(out, ttl);
    count(out, fields);
    for field in fields {
        out.extend_from_slice(&field.head);
    }
}

/// `FIELDS n`.
fn count(out: &mut Vec<u8>, fields: &[&Field]) {
    out.extend_from_slice(b"$6\r\nFIELDS\r\n");
    encode::bulk(out, itoa::Buffer::new().format(fields.len()).as_bytes());
}

/// The fields that expire, those with the same time to live together.
fn by_ttl<'a>(fields: &[&'a Field], row: usize) -> Vec<(i64, Vec<&'a Field>)> {
    let mut groups: Vec<(i64, Vec<&Field>)> = Vec::new();
    for field in fields {
        let Some(ttl) = field.ttl(row) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == ttl) {
            Some((_, group)) => group.push(field),
            None => groups.push((ttl, vec![field])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::write::request::{FieldTtl, IfExists, Kind, WriteRequest};

    type Anything = Box<dyn std::error::Error>;

    fn table() -> Result<Table, Anything> {
        let columns: [(&str, ArrayRef); 4] = [
            ("k", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
            (
                "n",
                Arc::new(Int64Array::from(vec![Some(7), None, Some(8)])),
            ),
            ("s", Arc::new(StringArray::from(vec!["x", "y", "z"]))),
            (
                "t",
                Arc::new(Int64Array::from(vec![Some(9), Some(9), None])),
            ),
        ];
        let ttl = |field: &str, ms: Option<i64>, column: Option<&str>| FieldTtl {
            field: field.to_owned(),
            ms,
            column: column.map(str::to_owned),
        };
        let request = WriteRequest {
            kind: Kind::Hashes,
            if_exists: IfExists::Replace,
            key: "k".to_owned(),
            fields: vec!["n".to_owned(), "s".to_owned()],
            key_prefix: Vec::new(),
            ttl_column: None,
            ttl_ms: None,
            find_duplicates: false,
            field_ttls: vec![ttl("n", Some(9), None), ttl("s", None, Some("t"))],
            is_document: false,
            path: "$".to_owned(),
        };
        Ok(Table::new(&request, &RecordBatch::try_from_iter(columns)?)?)
    }

    fn words(row: usize, has_hsetex: bool) -> Result<String, Anything> {
        let mut out = Vec::new();
        Encoder::default().hash_with_ttls(&mut out, &table()?, row, has_hsetex)?;
        let text = String::from_utf8(out)?;
        let words = text.split("\r\n").filter(|word| !word.starts_with('$'));
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn one_time_for_all_fields() -> Result<(), Anything> {
        assert_eq!(words(0, true)?, "*10 HSETEX a PX 9 FIELDS 2 n 7 s x ");
        assert_eq!(
            words(0, false)?,
            "*6 HSET a n 7 s x *7 HPEXPIRE a 9 FIELDS 2 n s "
        );
        assert_eq!(words(1, true)?, "*8 HSETEX b PX 9 FIELDS 1 s y ");
        Ok(())
    }

    #[test]
    fn a_time_for_some_fields() -> Result<(), Anything> {
        let expected = "*6 HSET c n 8 s z *6 HPEXPIRE c 9 FIELDS 1 n ";
        assert_eq!(words(2, true)?, expected);
        assert_eq!(words(2, false)?, expected);
        Ok(())
    }
}
