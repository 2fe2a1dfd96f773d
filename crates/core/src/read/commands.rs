//! The commands that reading sends, encoded.

use crate::keys::KeyPage;
use crate::resp::encode::{bulk, command, header};

/// `SCAN cursor MATCH pattern COUNT count [TYPE type]`.
pub(super) fn scan(
    out: &mut Vec<u8>,
    cursor: u64,
    pattern: &[u8],
    count: usize,
    kind: Option<&[u8]>,
) {
    header(out, if kind.is_some() { 8 } else { 6 });
    bulk(out, b"SCAN");
    bulk(out, itoa::Buffer::new().format(cursor).as_bytes());
    bulk(out, b"MATCH");
    bulk(out, pattern);
    bulk(out, b"COUNT");
    bulk(out, itoa::Buffer::new().format(count).as_bytes());
    if let Some(kind) = kind {
        bulk(out, b"TYPE");
        bulk(out, kind);
    }
}

/// `name key` for each key.
pub(super) fn each_key(out: &mut Vec<u8>, name: &[u8], keys: &KeyPage) {
    for key in keys.iter() {
        command(out, &[name, key]);
    }
}

/// `name subcommand key` for each key.
pub(super) fn each_key_of(out: &mut Vec<u8>, name: &[u8], subcommand: &[u8], keys: &KeyPage) {
    for key in keys.iter() {
        command(out, &[name, subcommand, key]);
    }
}

/// `MGET key key …`.
pub(super) fn mget(out: &mut Vec<u8>, keys: &KeyPage) {
    header(out, keys.len() + 1);
    bulk(out, b"MGET");
    for key in keys.iter() {
        bulk(out, key);
    }
}

/// HMGET with its fields encoded once, so that a key costs two copies.
#[derive(Debug)]
pub(super) struct Hmget {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Hmget {
    pub(super) fn new(fields: &[&str]) -> Self {
        let mut head = Vec::new();
        header(&mut head, fields.len() + 2);
        bulk(&mut head, b"HMGET");
        let mut tail = Vec::new();
        for field in fields {
            bulk(&mut tail, field.as_bytes());
        }
        Self { head, tail }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, key: &[u8]) {
        out.extend_from_slice(&self.head);
        bulk(out, key);
        out.extend_from_slice(&self.tail);
    }
}
