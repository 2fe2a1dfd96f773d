//! JSON documents: JSON.GET with the paths of the columns asked for; its reply is one row.
//!
//! The shape of a reply depends on the number of paths. Without one it is the document; with one
//! the array of what matches it; with more an object of such arrays, by path and in any order.

use super::json_paths::JsonPaths;
use super::pages::Known;
use super::plan::Values;
use super::replies::Replies;
use super::request::{ReadRequest, Source};
use super::stats::add;
use super::worker::Worker;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::KeyPage;
use crate::resp::encode::{bulk, command, header};
use crate::resp::tokens::Shape;

/// JSON.GET with its paths encoded once, and where what they match goes.
#[derive(Debug)]
pub(super) struct JsonGet {
    head: Vec<u8>,
    tail: Vec<u8>,
    paths: JsonPaths,
}

impl JsonGet {
    pub(super) fn new(request: &ReadRequest) -> Self {
        let paths = JsonPaths::new(&request.columns);
        let mut head = Vec::new();
        header(&mut head, paths.texts().count() + 2);
        bulk(&mut head, b"JSON.GET");
        let mut tail = Vec::new();
        for path in paths.texts() {
            bulk(&mut tail, path.as_bytes());
        }
        Self { head, tail, paths }
    }

    /// Whether the whole document serves as well, and for less than several paths.
    pub(super) fn is_better_whole(&self) -> bool {
        self.paths.are_members() && self.paths.texts().nth(1).is_some()
    }

    /// Whether a member of that name is wanted.
    pub(super) fn has_member(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.paths.has_member(name))
    }

    fn encode(&self, out: &mut Vec<u8>, key: &[u8]) {
        out.extend_from_slice(&self.head);
        bulk(out, key);
        out.extend_from_slice(&self.tail);
    }
}

/// How the values of documents are asked for, to begin with.
pub(super) fn values_of(request: &ReadRequest) -> Values {
    let columns = &mut request.columns.iter();
    if !columns.any(|column| matches!(column.source, Source::Path { .. } | Source::Document)) {
        return Values::None;
    }
    match JsonPaths::new(&request.columns).wants_whole() {
        true => Values::WholeDocuments,
        false => Values::DocumentPaths,
    }
}

impl Worker<'_> {
    /// Queues JSON.GET for each key: for the whole document, or with paths.
    pub(super) fn ask_documents(&mut self, keys: &KeyPage, whole: bool) {
        let out = self.replies.connection.output();
        for key in keys.iter() {
            match whole {
                true => command(out, &[b"JSON.GET", key]),
                false => self.json_get.encode(out, key),
            }
        }
        add(&self.stats.json_get, keys.len() as u64);
    }

    /// Receives the replies to [`Self::ask_documents`].
    pub(super) fn receive_documents(
        &mut self,
        keys: &KeyPage,
        known: &[Known],
        whole: bool,
    ) -> Result<()> {
        let paths = &self.json_get.paths;
        let mut has_others = false;
        for (key, known) in keys.iter().zip(known) {
            let shape = self.replies.next()?;
            if shape != Shape::Scalar {
                no_document(&self.replies, shape, paths)?;
                self.plan.scan_type = true;
                add(&self.stats.keys_of_other_type, u64::from(known.present));
                continue;
            }
            let span = self.replies.spans().first();
            match span.and_then(|span| span.of(self.replies.input())) {
                _ if !known.present => {}
                None => add(&self.stats.keys_vanished, 1),
                Some(reply) => self.rows.push(key, known.ttl, |row| match whole {
                    true => {
                        has_others |= paths.fill_from_document(row.batch, key, reply)?;
                        Ok(())
                    }
                    false => paths.fill(row.batch, key, reply),
                })?,
            }
        }
        if has_others && !paths.wants_whole() {
            // The sample did not show that there are others: ask for less.
            self.plan.values = Values::DocumentPaths;
        }
        Ok(())
    }
}

/// An error reply: another type, or the end of the scan.
fn no_document(replies: &Replies, shape: Shape, paths: &JsonPaths) -> Result<()> {
    let text = replies.text();
    if shape == Shape::Error && is_other_type(text) {
        return Ok(());
    }
    if shape == Shape::Error && text.starts_with(b"ERR unknown command") {
        return Err(no_module("JSON.GET"));
    }
    let command: Vec<&str> = std::iter::once("JSON.GET key")
        .chain(paths.texts())
        .collect();
    Err(replies.unexpected(shape, &command.join(" ")))
}

/// RedisJSON 2 has words of its own for a key of another type; valkey-json has the usual code.
pub(super) fn is_other_type(text: &[u8]) -> bool {
    text.starts_with(b"WRONGTYPE") || text.starts_with(b"Existing key has wrong Redis type")
}

/// The server does not know what the JSON module brings.
pub(super) fn no_module(what: &str) -> Error {
    Error::new(
        ErrorKind::Reply,
        format!(
            "the server has no {what}: load its JSON module, RedisJSON or valkey-json (loadmodule \
             in its configuration); Redis 8 and Redis Stack have it built in"
        ),
    )
}
