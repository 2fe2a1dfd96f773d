//! What Python may ask about the server that it lives in. Nothing here takes a lock: scripts ask
//! for the hash tag with each record.

use gearframe_embedded_python::{self as embedded, Value};

use crate::host::Host;

/// The slot of this text is 0, the first that a server without a cluster owns.
const HASHTAG: &str = "06S";

/// Collects the facts.
pub(crate) fn collect(host: &Host) -> Value {
    let memory = embedded::memory();
    let bytes = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let memory = dict(vec![
        ("total", bytes(memory.total)),
        ("peak", bytes(memory.peak)),
        ("current", bytes(memory.current)),
    ]);
    let own_gil = host.python.get().is_some_and(embedded::Python::has_own_gil);
    dict(vec![
        ("cluster", Value::Bool(host.cluster)),
        ("shard_id", Value::Text("0".repeat(40))),
        ("hashtag", Value::Text(HASHTAG.into())),
        ("own_gil", Value::Bool(own_gil)),
        ("memory", memory),
        (
            "executable",
            Value::Text(host.interpreter.program.display().to_string()),
        ),
    ])
}

fn dict(pairs: Vec<(&str, Value)>) -> Value {
    let named = |(name, value): (&str, Value)| (Value::Text(name.into()), value);
    Value::Dict(pairs.into_iter().map(named).collect())
}
