//! What paths match, as slices of a reply of JSON.GET. No value is built.

use std::collections::HashMap;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::value::RawValue;

/// What a path matches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Matched<'t> {
    Nothing,
    Value(&'t RawValue),
}

impl<'t> Matched<'t> {
    pub(super) fn value(self) -> Option<&'t str> {
        match self {
            Self::Nothing => None,
            Self::Value(raw) => Some(raw.get()),
        }
    }
}

/// Reads the array of a path's matches: as it is, or the only one in it.
pub(super) struct Matches {
    pub(super) all: bool,
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

/// Reads an object of matches by path; none for a path that is not in it.
pub(super) struct ByPath<'p> {
    /// The place of each path, and whether all of its matches are wanted.
    pub(super) index: &'p HashMap<String, usize>,
    pub(super) all: &'p [bool],
}

impl<'de> Visitor<'de> for ByPath<'_> {
    type Value = Vec<Option<Matched<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of what each path matches")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut found = vec![None; self.all.len()];
        while let Some(index) = map.next_key_seed(Place(self.index))? {
            let Some(index) = index else {
                return Err(A::Error::custom("a path was not asked for"));
            };
            let all = self.all[index];
            let matched = map.next_value_seed(Matches { all })?;
            if found[index].replace(matched).is_some() {
                return Err(A::Error::custom("a path comes twice"));
            }
        }
        Ok(found)
    }
}

/// Reads the members of a document.
pub(super) struct Members<'p> {
    pub(super) index: &'p HashMap<String, usize>,
    pub(super) count: usize,
}

/// The members of a document.
pub(super) struct Found<'t> {
    pub(super) members: Vec<Matched<'t>>,
    /// Whether there are others than those wanted.
    pub(super) has_others: bool,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut found = Found {
            members: vec![Matched::Nothing; self.count],
            has_others: false,
        };
        while let Some(index) = map.next_key_seed(Place(self.index))? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                found.has_others = true;
                continue;
            };
            if matches!(found.members[index], Matched::Value(_)) {
                return Err(A::Error::custom("a member comes twice"));
            }
            found.members[index] = Matched::Value(map.next_value()?);
        }
        Ok(found)
    }
}

/// Finds the place of a name, without a copy of the name.
struct Place<'p>(&'p HashMap<String, usize>);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Option<usize>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path or a name")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<Option<usize>, E> {
        Ok(self.0.get(name).copied())
    }
}
