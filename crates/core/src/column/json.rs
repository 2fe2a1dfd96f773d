//! JSON text into nested columns, straight from the parser: no tree is built.
//!
//! A value that breaks in the middle has already added rows to the inner columns. Whoever starts
//! the parser takes them back: see [`push_json`].

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::column::{Column, Storage};
use super::mismatch::EMPTY;

/// One step from a JSON value to one inside of it.
#[derive(Debug)]
pub(super) enum Step {
    /// The member of an object.
    Member(String),
    /// The element of an array.
    Element(usize),
}

/// Where and why a JSON value does not fit.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// From the inside out: each level adds its step when it hears of the error.
    path: Vec<Step>,
    reason: Option<String>,
}

impl Fault {
    /// Keeps the reason here, and tells the parser to stop.
    pub(super) fn stop<E: serde::de::Error>(&mut self, reason: String) -> E {
        self.reason = Some(reason);
        E::custom("")
    }

    /// Passes an error on from the value at `step`.
    pub(super) fn at<E>(&mut self, step: Step, error: E) -> E {
        self.path.push(step);
        error
    }

    fn explain(self, error: &serde_json::Error) -> String {
        match (&self.reason, error.classify()) {
            (Some(reason), _) => format!("at {}: {reason}", self.path()),
            (None, Category::Data) => format!("at {}: {}", self.path(), wrong_kind(error)),
            (None, _) => format!("is not JSON: {error}"),
        }
    }

    fn path(&self) -> String {
        use fmt::Write;
        let mut path = "$".to_owned();
        for step in self.path.iter().rev() {
            // Writing to a String does not fail.
            let _ = match step {
                Step::Member(name) => write!(path, ".{name}"),
                Step::Element(index) => write!(path, "[{index}]"),
            };
        }
        path
    }
}

/// The parser's own words for an array in place of an object, in ours; without the value, which may
/// be long.
fn wrong_kind(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let given = message.strip_prefix("invalid type: ").unwrap_or(&message);
    let given = match given.split([' ', ',']).next() {
        Some("map") => "a JSON object",
        Some("sequence") => "a JSON array",
        Some("string") => "a JSON string",
        Some("boolean") => "a JSON boolean",
        _ => "a JSON number",
    };
    let wanted = if message.contains("expected a JSON array at line ") {
        "a JSON array"
    } else {
        "a JSON object"
    };
    format!("is {given}, where {wanted} is expected")
}

/// Adds the value that a JSON text writes to a column, or nothing.
pub(super) fn push_json(column: &mut Column, text: &[u8]) -> Result<(), String> {
    if text.is_empty() {
        return Err(EMPTY.to_owned());
    }
    let before = column.len();
    let mut fault = Fault::default();
    let mut parser = serde_json::Deserializer::from_slice(text);
    let cell = Cell {
        column,
        fault: &mut fault,
    };
    match cell.deserialize(&mut parser).and_then(|()| parser.end()) {
        Ok(()) => Ok(()),
        Err(error) => {
            column.truncate(before);
            Err(fault.explain(&error))
        }
    }
}

/// The place for the next value of a column.
pub(super) struct Cell<'a> {
    pub(super) column: &'a mut Column,
    pub(super) fault: &'a mut Fault,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        let Self { column, fault } = self;
        // As an option, null is seen; and a number is an error, where "any" would make it an object.
        match &mut column.rows {
            Storage::List(rows) => parser.deserialize_option(rows.visitor(fault)),
            Storage::Array(rows) => parser.deserialize_option(rows.visitor(fault)),
            Storage::Struct(rows) => parser.deserialize_option(rows.visitor(fault)),
            _ => {
                let leaf = <&RawValue>::deserialize(parser)?;
                column
                    .push_json_leaf(leaf.get())
                    .map_err(|reason| fault.stop(reason))
            }
        }
    }
}
