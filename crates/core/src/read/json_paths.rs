//! Which columns each path of a JSON document fills, and how a reply fills a row.

use std::collections::HashMap;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny};

use super::batch::{BatchBuilder, quoted};
use super::json_reply::{ByPath, Found, Matched, Matches, Members};
use super::request::{OutputColumn, Source};
use crate::error::{Error, ErrorKind, Result};

/// The path of the whole document.
const ROOT: &str = "$";

/// What is filled from a path.
#[derive(Debug, Default)]
struct PathColumns {
    /// The columns that get the value.
    values: Vec<usize>,
    /// The columns that get its text.
    texts: Vec<usize>,
    /// The member of the document that the path stands for.
    member: Option<String>,
}

/// The paths of a read, each once.
#[derive(Debug, Default)]
pub(super) struct JsonPaths {
    paths: Vec<String>,
    /// For each path, whether all matches are wanted, as an array, and not the only one.
    all: Vec<bool>,
    columns: Vec<PathColumns>,
    /// The place of each path.
    index: HashMap<String, usize>,
    /// The place of the path of each member, if all paths are of members.
    members: Option<HashMap<String, usize>>,
    /// The columns that get the text of the document, which then is asked for without paths.
    documents: Vec<usize>,
}

impl JsonPaths {
    pub(super) fn new(columns: &[OutputColumn]) -> Self {
        let mut paths = Self::default();
        for (place, column) in columns.iter().enumerate() {
            if let Source::Path { path, all, member } = &column.source {
                let entry = paths.at(path, *all);
                entry.values.push(place);
                entry.member = entry.member.take().or_else(|| member.clone());
            }
        }
        let members = paths.columns.iter().enumerate();
        let members: Option<HashMap<_, _>> = members
            .map(|(index, entry)| Some((entry.member.clone()?, index)))
            .collect();
        // Two paths of one member would be two places for it.
        paths.members = members.filter(|members| members.len() == paths.columns.len());
        for (place, column) in columns.iter().enumerate() {
            match column.source {
                Source::Document if paths.are_members() => paths.documents.push(place),
                Source::Document => paths.at(ROOT, false).texts.push(place),
                _ => {}
            }
        }
        paths
    }

    /// The entry of a path, made where there is none yet.
    fn at(&mut self, path: &str, all: bool) -> &mut PathColumns {
        let next = self.paths.len();
        let index = *self.index.entry(path.to_owned()).or_insert(next);
        if index == next {
            self.paths.push(path.to_owned());
            self.all.push(all);
            self.columns.push(PathColumns::default());
        }
        &mut self.columns[index]
    }

    /// The paths as JSON.GET takes them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Whether all paths, if there are any, are of members of the document.
    pub(super) fn are_members(&self) -> bool {
        self.members.is_some()
    }

    /// Whether the document is asked for without paths in any case.
    pub(super) fn wants_whole(&self) -> bool {
        !self.documents.is_empty()
    }

    /// Whether a member of that name is wanted.
    pub(super) fn has_member(&self, name: &str) -> bool {
        let members = self.members.as_ref();
        members.is_some_and(|members| members.contains_key(name))
    }

    /// Fills a row from a reply to JSON.GET with these paths.
    pub(super) fn fill(&self, batch: &mut BatchBuilder, key: &[u8], reply: &[u8]) -> Result<()> {
        let found = self
            .read(utf8(key, reply)?)
            .map_err(|error| malformed(key, &error))?;
        for ((path, columns), matched) in self.paths.iter().zip(&self.columns).zip(found) {
            let matched = matched.ok_or_else(|| unanswered(path))?;
            columns.fill(batch, key, matched)?;
        }
        Ok(())
    }

    /// Fills a row from a document. Tells whether it has other members than those wanted.
    pub(super) fn fill_from_document(
        &self,
        batch: &mut BatchBuilder,
        key: &[u8],
        document: &[u8],
    ) -> Result<bool> {
        for &place in &self.documents {
            batch.push(place, key, Some(document))?;
        }
        if self.paths.is_empty() {
            return Ok(false);
        }
        let found = self
            .read_members(utf8(key, document)?)
            .map_err(|error| malformed(key, &error))?;
        for (columns, matched) in self.columns.iter().zip(found.members) {
            columns.fill(batch, key, matched)?;
        }
        Ok(found.has_others)
    }

    /// What the paths match, in their order; none for a path that the reply does not have.
    fn read<'t>(&self, reply: &'t str) -> serde_json::Result<Vec<Option<Matched<'t>>>> {
        let mut parser = serde_json::Deserializer::from_str(reply);
        let found = match self.all.as_slice() {
            &[all] => vec![Some(Matches { all }.deserialize(&mut parser)?)],
            all => parser.deserialize_map(ByPath {
                index: &self.index,
                all,
            })?,
        };
        parser.end().map(|()| found)
    }

    /// The members that the paths stand for, in their order.
    fn read_members<'t>(&self, document: &'t str) -> serde_json::Result<Found<'t>> {
        let mut parser = serde_json::Deserializer::from_str(document);
        let count = self.paths.len();
        let found = match &self.members {
            Some(index) if document.starts_with('{') => {
                parser.deserialize_map(Members { index, count })?
            }
            _ => {
                IgnoredAny::deserialize(&mut parser)?;
                Found {
                    members: vec![Matched::Nothing; count],
                    has_others: false,
                }
            }
        };
        parser.end().map(|()| found)
    }
}

impl PathColumns {
    fn fill(&self, batch: &mut BatchBuilder, key: &[u8], matched: Matched<'_>) -> Result<()> {
        for &place in &self.texts {
            batch.push(place, key, matched.value().map(str::as_bytes))?;
        }
        for &place in &self.values {
            match matched.value() {
                Some(value) => batch.push_json(place, key, value)?,
                None => batch.push(place, key, None)?,
            }
        }
        Ok(())
    }
}

fn utf8<'t>(key: &[u8], reply: &'t [u8]) -> Result<&'t str> {
    simdutf8::basic::from_utf8(reply).map_err(|error| malformed(key, &error))
}

fn malformed(key: &[u8], error: &dyn std::fmt::Display) -> Error {
    Error::protocol(format!(
        "the reply to JSON.GET of key {} is not as it should be: {error}; is this RedisJSON or \
         valkey-json?",
        quoted(key)
    ))
}

/// RedisJSON leaves out of its answer to several paths those that it does not understand.
fn unanswered(path: &str) -> Error {
    Error::new(
        ErrorKind::Reply,
        format!(
            "JSON.GET: the server gave no answer for the path {path:?}, so it does not understand \
             it; write a JSONPath such as $.address.city or $[\"a name\"]"
        ),
    )
}

#[cfg(test)]
#[path = "json_paths_tests.rs"]
mod tests;
