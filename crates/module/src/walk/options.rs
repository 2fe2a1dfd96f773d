//! What a walk is to read.

use gearframe_embedded_python::{Failure, Value};

use crate::arguments::bytes_of;

/// The records of a batch, if Python does not say.
const BATCH: usize = 1000;

/// How much of a key is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Need {
    /// Its name.
    Key,
    /// Its name and its type.
    Type,
    /// All of it, or some fields.
    Value,
}

/// What to read.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) pattern: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) db: i32,
    /// Whether records have a value and a type at all.
    pub(crate) read_value: bool,
    /// The pattern is the name of one key.
    pub(crate) no_scan: bool,
    pub(crate) need: Need,
    /// Of hashes only these fields.
    pub(crate) fields: Option<Vec<Vec<u8>>>,
    pub(crate) batch: usize,
}

impl Options {
    /// Reads the dict that Python gives.
    pub(crate) fn read(pairs: Vec<(Value, Value)>) -> Result<Self, Failure> {
        let mut options = Self {
            pattern: b"*".to_vec(),
            user: b"default".to_vec(),
            db: 0,
            read_value: true,
            no_scan: false,
            need: Need::Value,
            fields: None,
            batch: BATCH,
        };
        for (name, value) in pairs {
            let Value::Text(name) = name else {
                return Err(Failure::Value("walk_open(): options have str names".into()));
            };
            options.set(&name, value).ok_or_else(|| {
                Failure::Value(format!(
                    "walk_open(): the option {name:?} is unknown or has a wrong value"
                ))
            })?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: Value) -> Option<()> {
        match (name, value) {
            ("pattern", Value::Bytes(bytes)) => self.pattern = bytes,
            ("user", Value::Text(text)) => self.user = text.into_bytes(),
            ("db", Value::Int(number)) => self.db = i32::try_from(number).ok()?,
            ("read_value", Value::Bool(truth)) => self.read_value = truth,
            ("no_scan", Value::Bool(truth)) => self.no_scan = truth,
            ("need", Value::Text(text)) => {
                self.need = match text.as_str() {
                    "key" => Need::Key,
                    "type" => Need::Type,
                    "value" => Need::Value,
                    _ => return None,
                }
            }
            ("fields", Value::None) => self.fields = None,
            ("fields", Value::List(items)) => self.fields = Some(bytes_of(items)?),
            ("batch", Value::Int(number)) => {
                self.batch = usize::try_from(number)
                    .ok()
                    .filter(|size| (1..=100_000).contains(size))?;
            }
            _ => return None,
        }
        Some(())
    }

    /// How much of each key is read: of records without values the name alone.
    pub(crate) fn need(&self) -> Need {
        if self.read_value {
            self.need
        } else {
            Need::Key
        }
    }
}
