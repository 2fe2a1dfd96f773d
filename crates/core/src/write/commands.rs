//! The commands that write one row, encoded.

use super::check_json::check_json;
use super::json::{self, NotFinite};
use super::table::{Field, Table};
use crate::resp::encode;

pub(super) const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
pub(super) const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";
pub(super) const UNWATCH: &[u8] = b"*1\r\n$7\r\nUNWATCH\r\n";

/// Encodes rows. Holds the bytes of one value, whose length comes before it.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    value: Vec<u8>,
}

/// Why a row cannot be written.
pub(super) type Refusal = String;

impl Encoder {
    /// `HSET key field value …` with the fields that are not null, of which there is one at least.
    #[inline]
    pub(super) fn hset(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
    ) -> Result<(), Refusal> {
        encode::header(out, 2 + 2 * table.width(row));
        out.extend_from_slice(b"$4\r\nHSET\r\n");
        table.put_key(out, row);
        for field in &table.fields {
            if table.is_full || !field.text.is_null(row) {
                out.extend_from_slice(&field.head);
                self.value(out, field, row)?;
            }
        }
        Ok(())
    }

    /// `SET key value [NX] [PX ms]`.
    pub(super) fn set(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
        only_new: bool,
    ) -> Result<(), Refusal> {
        let ttl = table.ttl(row);
        let options = usize::from(only_new) + 2 * usize::from(ttl.is_some());
        encode::header(out, 3 + options);
        out.extend_from_slice(b"$3\r\nSET\r\n");
        table.put_key(out, row);
        self.only_value(out, table, row)?;
        if only_new {
            out.extend_from_slice(b"$2\r\nNX\r\n");
        }
        if let Some(ttl) = ttl {
            out.extend_from_slice(b"$2\r\nPX\r\n");
            number(out, ttl);
        }
        Ok(())
    }

    /// `APPEND key value`.
    pub(super) fn append(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
    ) -> Result<(), Refusal> {
        out.extend_from_slice(b"*3\r\n$6\r\nAPPEND\r\n");
        table.put_key(out, row);
        self.only_value(out, table, row)
    }

    /// `JSON.SET key path document [NX]`.
    pub(super) fn json_set(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
        only_new: bool,
    ) -> Result<(), Refusal> {
        encode::header(out, 4 + usize::from(only_new));
        out.extend_from_slice(b"$8\r\nJSON.SET\r\n");
        self.place_and_document(out, table, row)?;
        if only_new {
            out.extend_from_slice(b"$2\r\nNX\r\n");
        }
        Ok(())
    }

    /// `JSON.MERGE key path document`.
    pub(super) fn json_merge(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
    ) -> Result<(), Refusal> {
        out.extend_from_slice(b"*4\r\n$10\r\nJSON.MERGE\r\n");
        self.place_and_document(out, table, row)
    }

    fn place_and_document(
        &mut self,
        out: &mut Vec<u8>,
        table: &Table,
        row: usize,
    ) -> Result<(), Refusal> {
        table.put_key(out, row);
        out.extend_from_slice(&table.path);
        if !table.is_document {
            self.object(table, row)?;
            encode::bulk(out, &self.value);
            return Ok(());
        }
        let field = table.fields.first();
        let text = field.and_then(|field| field.text.kept(row));
        let text = text.unwrap_or_default();
        check_json(text).map_err(|reason| format!("the document {reason}"))?;
        encode::bulk(out, text);
        Ok(())
    }

    /// Makes a JSON object of a row: one member a column.
    fn object(&mut self, table: &Table, row: usize) -> Result<(), Refusal> {
        self.value.clear();
        self.value.push(b'{');
        for (index, field) in table.fields.iter().enumerate() {
            if index > 0 {
                self.value.push(b',');
            }
            self.value.extend_from_slice(&field.head);
            json::value(&field.text, row, &mut self.value, NotFinite::Refused)
                .map_err(|reason| refusal(field, reason))?;
        }
        self.value.push(b'}');
        Ok(())
    }

    fn only_value(&mut self, out: &mut Vec<u8>, table: &Table, row: usize) -> Result<(), Refusal> {
        match table.fields.first() {
            Some(field) => self.value(out, field, row),
            None => Err("there is no column with values".to_owned()),
        }
    }

    #[inline]
    pub(super) fn value(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        row: usize,
    ) -> Result<(), Refusal> {
        if let Some(kept) = field.text.kept(row) {
            encode::bulk(out, kept);
            return Ok(());
        }
        self.value.clear();
        field
            .text
            .append(row, &mut self.value)
            .map_err(|reason| refusal(field, reason))?;
        encode::bulk(out, &self.value);
        Ok(())
    }
}

fn refusal(field: &Field, reason: &str) -> Refusal {
    format!("the value of column {:?} {reason}", field.name)
}

/// `DEL key`.
#[inline]
pub(super) fn del(out: &mut Vec<u8>, table: &Table, row: usize) {
    out.extend_from_slice(b"*2\r\n$3\r\nDEL\r\n");
    table.put_key(out, row);
}

/// `EXISTS key`.
pub(super) fn exists(out: &mut Vec<u8>, table: &Table, row: usize) {
    out.extend_from_slice(b"*2\r\n$6\r\nEXISTS\r\n");
    table.put_key(out, row);
}

/// `PEXPIRE key ms`.
#[inline]
pub(super) fn pexpire(out: &mut Vec<u8>, table: &Table, row: usize, ttl: i64) {
    out.extend_from_slice(b"*3\r\n$7\r\nPEXPIRE\r\n");
    table.put_key(out, row);
    number(out, ttl);
}

/// `WATCH key …`.
pub(super) fn watch(out: &mut Vec<u8>, table: &Table, rows: &[usize]) {
    encode::header(out, 1 + rows.len());
    out.extend_from_slice(b"$5\r\nWATCH\r\n");
    for row in rows {
        table.put_key(out, *row);
    }
}

pub(super) fn number(out: &mut Vec<u8>, number: i64) {
    encode::bulk(out, itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::write::request::{IfExists, Kind, WriteRequest};

    type Anything = Box<dyn std::error::Error>;

    fn table(prefix: &str) -> Result<Table, Anything> {
        let columns: [(&str, ArrayRef); 3] = [
            ("k", Arc::new(StringArray::from(vec!["a", "b"]))),
            ("n", Arc::new(Int64Array::from(vec![Some(7), None]))),
            ("s", Arc::new(StringArray::from(vec!["x\r\n", ""]))),
        ];
        let request = WriteRequest {
            kind: Kind::Hashes,
            if_exists: IfExists::Replace,
            key: "k".to_owned(),
            fields: vec!["n".to_owned(), "s".to_owned()],
            key_prefix: prefix.as_bytes().to_vec(),
            ttl_column: None,
            ttl_ms: Some(1500),
            find_duplicates: true,
            field_ttls: Vec::new(),
            is_document: false,
            path: "$".to_owned(),
        };
        Ok(Table::new(&request, &RecordBatch::try_from_iter(columns)?)?)
    }

    #[test]
    fn hashes() -> Result<(), Anything> {
        let table = table("")?;
        let mut out = Vec::new();
        Encoder::default().hset(&mut out, &table, 0)?;
        let first =
            "*6\r\n$4\r\nHSET\r\n$1\r\na\r\n$1\r\nn\r\n$1\r\n7\r\n$1\r\ns\r\n$3\r\nx\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), first);
        out.clear();
        Encoder::default().hset(&mut out, &table, 1)?;
        let second = "*4\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\ns\r\n$0\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), second);
        Ok(())
    }

    #[test]
    fn keys_have_the_prefix() -> Result<(), Anything> {
        let table = table("u:")?;
        let mut out = Vec::new();
        del(&mut out, &table, 1);
        pexpire(&mut out, &table, 1, 1500);
        watch(&mut out, &table, &[0, 1]);
        let expected = "*2\r\n$3\r\nDEL\r\n$3\r\nu:b\r\n\
            *3\r\n$7\r\nPEXPIRE\r\n$3\r\nu:b\r\n$4\r\n1500\r\n\
            *3\r\n$5\r\nWATCH\r\n$3\r\nu:a\r\n$3\r\nu:b\r\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        assert_eq!(table.key(0), b"u:a");
        Ok(())
    }

    #[test]
    fn strings() -> Result<(), Anything> {
        let table = table("")?;
        let mut out = Vec::new();
        Encoder::default().set(&mut out, &table, 0, true)?;
        let expected =
            "*6\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n$2\r\nNX\r\n$2\r\nPX\r\n$4\r\n1500\r\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        Ok(())
    }
}
