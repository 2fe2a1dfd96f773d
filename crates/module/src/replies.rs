//! Trees from Python to answers for clients.

use gearframe_embedded_python::Value;
use gearframe_server_api::Reply;

/// Makes an answer of a tree; a pair of a tag and a text is a status or an error.
pub(crate) fn from_value(value: Value) -> Reply {
    match value {
        Value::None | Value::Records(_) => Reply::Null,
        Value::Bool(truth) => Reply::Bool(truth),
        Value::Int(number) => Reply::Integer(number),
        Value::BigInt(digits) => Reply::BigNumber(digits),
        Value::Float(number) => Reply::Double(number),
        Value::Bytes(bytes) | Value::Bulk(bytes) | Value::Key(bytes) => Reply::Bulk(bytes),
        Value::Text(text) => Reply::Bulk(text.into_bytes()),
        Value::Error(text) => Reply::Error(text),
        Value::List(items) => Reply::Array(items.into_iter().map(from_value).collect()),
        Value::Set(items) => Reply::Set(items.into_iter().map(from_value).collect()),
        Value::Dict(pairs) => Reply::Map(
            pairs
                .into_iter()
                .map(|(key, value)| (from_value(key), from_value(value)))
                .collect(),
        ),
        Value::Tuple(items) => tagged(items),
    }
}

fn tagged(items: Vec<Value>) -> Reply {
    match items.as_slice() {
        [Value::Text(tag), Value::Text(text)] if tag == "simple" => Reply::Simple(text.clone()),
        [Value::Text(tag), Value::Text(text)] if tag == "error" => Reply::Error(text.clone()),
        _ => Reply::Array(items.into_iter().map(from_value).collect()),
    }
}
