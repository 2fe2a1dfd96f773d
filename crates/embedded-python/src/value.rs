//! What crosses the border: trees of plain values, and batches of a server's keys.

/// A tree of plain values, owned by Rust.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None.
    None,
    /// bool.
    Bool(bool),
    /// int that fits 64 bits.
    Int(i64),
    /// Any other int, in decimal.
    BigInt(String),
    /// float.
    Float(f64),
    /// bytes; from Python also bytearray and memoryview.
    Bytes(Vec<u8>),
    /// str.
    Text(String),
    /// A value of the server: to Python str if it is UTF-8, else bytearray. Never from Python.
    Bulk(Vec<u8>),
    /// A value of the server that must be hashable: to Python str if it is UTF-8, else bytes. Never from Python.
    Key(Vec<u8>),
    /// list.
    List(Vec<Value>),
    /// tuple.
    Tuple(Vec<Value>),
    /// dict, in order; of equal keys the last one wins.
    Dict(Vec<(Value, Value)>),
    /// set (from Python also frozenset); to Python a list when an element has no hash.
    Set(Vec<Value>),
    /// The text of a server's error: to Python str. Never from Python.
    Error(String),
    /// A batch of keys: to Python a list of dicts. Never from Python.
    Records(Box<Records>),
}

/// A part of [`Records::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: u32,
    /// Its bytes.
    pub len: u32,
}

/// A batch of keys in one arena: `{'key': str, 'value': ..., 'type': str, 'event': None}` each.
///
/// One allocation for all bytes of the batch, instead of one for each, so that the thread that reads the server is fast
/// and dropping the batch under the GIL costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The bytes of all keys, fields, members and values.
    pub bytes: Vec<u8>,
    /// The spans that rows refer to.
    pub spans: Vec<Span>,
    /// The scores that rows refer to.
    pub scores: Vec<f64>,
    /// The keys.
    pub rows: Vec<Row>,
    /// False: records are `{'key': str, 'event': None}`, payloads are not looked at.
    pub with_value: bool,
}

/// One key of [`Records`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name: str if it is UTF-8, else bytes.
    pub key: Span,
    /// What `'type'` says: "hash", "string" ...
    pub kind: &'static str,
    /// What `'value'` holds.
    pub payload: Payload,
}

/// What `'value'` of a record holds. Values are str if they are UTF-8, else bytearray; fields and members str, else bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// None.
    Nothing,
    /// str or bytearray.
    Text(Span),
    /// dict; `count` spans from `first`: field, value, field, value. Of equal fields the last one wins.
    Pairs {
        /// Index of the first span.
        first: u32,
        /// How many spans, an even number.
        count: u32,
    },
    /// list.
    Items {
        /// Index of the first span.
        first: u32,
        /// How many items.
        count: u32,
    },
    /// set.
    Members {
        /// Index of the first span.
        first: u32,
        /// How many members.
        count: u32,
    },
    /// dict of member to float, in this order.
    Scored {
        /// Index of the first member's span.
        first: u32,
        /// How many members.
        count: u32,
        /// Index of the first member's score.
        first_score: u32,
    },
    /// Anything else.
    Tree(Value),
}
