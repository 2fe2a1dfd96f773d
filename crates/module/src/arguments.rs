//! The arguments of values that Python gives to the host's functions.

use gearframe_embedded_python::{Failure, Value};

/// Takes the arguments one after the other; each is what the function expects, or an error.
pub(crate) struct Arguments {
    function: &'static str,
    values: std::vec::IntoIter<Value>,
    place: usize,
}

impl Arguments {
    pub(crate) fn new(function: &'static str, values: Vec<Value>) -> Self {
        Self {
            function,
            values: values.into_iter(),
            place: 0,
        }
    }

    fn wrong(&self, expected: &str, given: Option<&Value>) -> Failure {
        Failure::Value(match given {
            None => format!(
                "{}(): argument {} is missing, expected {expected}",
                self.function, self.place
            ),
            Some(_) => format!(
                "{}(): argument {} must be {expected}",
                self.function, self.place
            ),
        })
    }

    /// The next argument, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value, Failure> {
        self.place += 1;
        self.values
            .next()
            .ok_or_else(|| self.wrong("a value", None))
    }

    pub(crate) fn number(&mut self) -> Result<i64, Failure> {
        match self.any()? {
            Value::Int(number) => Ok(number),
            other => Err(self.wrong("an int", Some(&other))),
        }
    }

    /// A number of a token, a box or a walk.
    pub(crate) fn id(&mut self) -> Result<u64, Failure> {
        u64::try_from(self.number()?).map_err(|_| self.wrong("0 or more", Some(&Value::None)))
    }

    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        match self.any()? {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong("a str", Some(&other))),
        }
    }

    pub(crate) fn truth(&mut self) -> Result<bool, Failure> {
        match self.any()? {
            Value::Bool(truth) => Ok(truth),
            other => Err(self.wrong("a bool", Some(&other))),
        }
    }

    pub(crate) fn list(&mut self) -> Result<Vec<Value>, Failure> {
        match self.any()? {
            Value::List(items) => Ok(items),
            other => Err(self.wrong("a list", Some(&other))),
        }
    }

    pub(crate) fn dict(&mut self) -> Result<Vec<(Value, Value)>, Failure> {
        match self.any()? {
            Value::Dict(pairs) => Ok(pairs),
            other => Err(self.wrong("a dict", Some(&other))),
        }
    }

    /// A list of bytes: a command and its arguments.
    pub(crate) fn command(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        let items = self.list()?;
        bytes_of(items).ok_or_else(|| self.wrong("a list of bytes", Some(&Value::None)))
    }
}

/// The bytes of a list that has nothing else.
pub(crate) fn bytes_of(items: Vec<Value>) -> Option<Vec<Vec<u8>>> {
    items
        .into_iter()
        .map(|item| match item {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) => Some(text.into_bytes()),
            _ => None,
        })
        .collect()
}
