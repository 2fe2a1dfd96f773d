//! What the server gives as the values that records have.

use gearframe_embedded_python::Value;

pub(crate) fn present(value: Value) -> Option<Value> {
    (value != Value::None).then_some(value)
}

pub(crate) fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        _ => Vec::new(),
    }
}

pub(crate) fn text(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes,
        _ => Vec::new(),
    }
}

/// Members with the texts of their scores, in the order of the server: by score, then by the
/// member's bytes.
pub(crate) fn zset(pairs: Vec<(Value, Value)>) -> Value {
    let mut scored: Vec<(Vec<u8>, f64)> = pairs
        .into_iter()
        .map(|(member, score)| {
            let number = String::from_utf8_lossy(&text(score))
                .parse()
                .unwrap_or(f64::NAN);
            let member = if let Value::Key(bytes) = member {
                bytes
            } else {
                Vec::new()
            };
            (member, number)
        })
        .collect();
    scored.sort_by(|one, other| one.1.total_cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
    let pairs = scored.into_iter();
    Value::Dict(
        pairs
            .map(|(member, score)| (Value::Key(member), Value::Float(score)))
            .collect(),
    )
}
