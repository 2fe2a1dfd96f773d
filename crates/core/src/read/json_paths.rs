//! A reply of JSON.GET becomes a row: what each path matches goes to the columns of that path.

use std::collections::HashMap;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::value::RawValue;

use super::batch::{BatchBuilder, quoted};
use super::request::{OutputColumn, Source};
use crate::error::{Error, ErrorKind, Result};

/// The path of the whole document.
const ROOT: &str = "$";

/// A path with the columns that are filled from it.
#[derive(Debug)]
struct PathColumns {
    path: String,
    /// Whether all matches are wanted, as an array, and not the only one.
    all: bool,
    columns: Vec<usize>,
    /// The columns that get the text of the match.
    texts: Vec<usize>,
}

/// The paths of a read, each once.
#[derive(Debug)]
pub(super) struct JsonPaths {
    paths: Vec<PathColumns>,
    index: HashMap<String, usize>,
    /// The columns that get the reply as it is: there is no path then.
    whole: Vec<usize>,
}

impl JsonPaths {
    pub(super) fn new(columns: &[OutputColumn]) -> Self {
        let mut paths = Self {
            paths: Vec::new(),
            index: HashMap::new(),
            whole: Vec::new(),
        };
        for (place, column) in columns.iter().enumerate() {
            if let Source::Path { path, all } = &column.source {
                paths.at(path, *all).columns.push(place);
            }
        }
        let alone = paths.paths.is_empty();
        for (place, column) in columns.iter().enumerate() {
            match column.source {
                Source::Document if alone => paths.whole.push(place),
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
            self.paths.push(PathColumns {
                path: path.to_owned(),
                all,
                columns: Vec::new(),
                texts: Vec::new(),
            });
        }
        &mut self.paths[index]
    }

    /// The paths as JSON.GET takes them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|path| path.path.as_str())
    }

    /// Fills a row from a reply.
    pub(super) fn fill(&self, batch: &mut BatchBuilder, key: &[u8], reply: &[u8]) -> Result<()> {
        for &place in &self.whole {
            batch.push(place, key, Some(reply))?;
        }
        if self.paths.is_empty() {
            return Ok(());
        }
        let found = simdutf8::basic::from_utf8(reply)
            .map_err(|_| malformed(key, "is not UTF-8"))
            .and_then(|reply| self.read(key, reply))?;
        for (path, matched) in self.paths.iter().zip(found) {
            let Some(matched) = matched else {
                return Err(unanswered(&path.path));
            };
            for &place in &path.texts {
                batch.push(place, key, matched.value().map(str::as_bytes))?;
            }
            for &place in &path.columns {
                match matched.value() {
                    Some(value) => batch.push_json(place, key, value)?,
                    None => batch.push(place, key, None)?,
                }
            }
        }
        Ok(())
    }

    /// What the paths match, in their order; none for a path that the reply does not have.
    fn read<'t>(&self, key: &[u8], reply: &'t str) -> Result<Vec<Option<Matched<'t>>>> {
        let mut parser = serde_json::Deserializer::from_str(reply);
        let found = match self.paths.as_slice() {
            [only] => Matches { all: only.all }
                .deserialize(&mut parser)
                .map(|matched| vec![Some(matched)]),
            _ => parser.deserialize_map(ByPath(self)),
        };
        found
            .and_then(|found| parser.end().map(|()| found))
            .map_err(|error| malformed(key, &format!("is not as it should be: {error}")))
    }
}

/// What a path matches.
#[derive(Debug, Clone, Copy)]
enum Matched<'t> {
    Nothing,
    Value(&'t RawValue),
}

impl<'t> Matched<'t> {
    fn value(self) -> Option<&'t str> {
        match self {
            Self::Nothing => None,
            Self::Value(raw) => Some(raw.get()),
        }
    }
}

/// Reads the array of a path's matches: as it is, or the only one in it.
struct Matches {
    all: bool,
}

impl<'de> DeserializeSeed<'de> for Matches {
    type Value = Matched<'de>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        match self.all {
            true => Deserialize::deserialize(parser).map(Matched::Value),
            false => parser.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Matches {
    type Value = Matched<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the array of what a path matches")
    }

    fn visit_seq<A: SeqAccess<'de>>(
        self,
        mut seq: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let Some(first) = seq.next_element()? else {
            return Ok(Matched::Nothing);
        };
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(Matched::Value(first)),
            Some(_) => Err(A::Error::custom("a path of one value has matched two")),
        }
    }
}

/// Reads an object of matches by path.
struct ByPath<'p>(&'p JsonPaths);

impl<'de> Visitor<'de> for ByPath<'_> {
    type Value = Vec<Option<Matched<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of what each path matches")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let paths = &self.0.paths;
        let mut found = vec![None; paths.len()];
        while let Some(index) = map.next_key_seed(PathIndex(&self.0.index))? {
            let all = paths[index].all;
            let matched = map.next_value_seed(Matches { all })?;
            if found[index].replace(matched).is_some() {
                return Err(A::Error::custom("a path comes twice"));
            }
        }
        Ok(found)
    }
}

/// Finds a path by its text, without a copy of the text.
struct PathIndex<'p>(&'p HashMap<String, usize>);

impl<'de> DeserializeSeed<'de> for PathIndex<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> std::result::Result<usize, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for PathIndex<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path that was asked for")
    }

    fn visit_str<E: serde::de::Error>(self, path: &str) -> std::result::Result<usize, E> {
        let index = self.0.get(path).copied();
        index.ok_or_else(|| E::custom(format_args!("the path {path:?} was not asked for")))
    }
}

fn malformed(key: &[u8], what: &str) -> Error {
    Error::protocol(format!(
        "the reply to JSON.GET of key {} {what}; is this RedisJSON or valkey-json?",
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
