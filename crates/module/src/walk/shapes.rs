//! Replies of the server's commands as the values that records have.

use gearframe_embedded_python::Value;

pub(crate) fn present(value: Value) -> Option<Value> {
    (value != Value::None).then_some(value)
}

/// A collection without elements does not exist.
pub(crate) fn filled(value: Value) -> Option<Value> {
    match &value {
        Value::List(items) if items.is_empty() => None,
        Value::None => None,
        _ => Some(value),
    }
}

pub(crate) fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        _ => Vec::new(),
    }
}

pub(crate) fn pair(value: Value) -> Result<[Value; 2], String> {
    items(value)
        .try_into()
        .map_err(|_| "ERR the reply of the server has another shape".to_owned())
}

pub(crate) fn text(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes,
        _ => Vec::new(),
    }
}

pub(crate) fn hashable(value: Value) -> Value {
    match value {
        Value::Bulk(bytes) => Value::Key(bytes),
        other => other,
    }
}

pub(crate) fn set(value: Value) -> Value {
    Value::Set(items(value).into_iter().map(hashable).collect())
}

pub(crate) fn pairs(value: Value) -> Vec<(Value, Value)> {
    let mut rest = items(value).into_iter();
    std::iter::from_fn(|| Some((hashable(rest.next()?), rest.next()?))).collect()
}

pub(crate) fn dict(value: Value) -> Value {
    Value::Dict(pairs(value))
}

/// Members with their scores, in the order of the server: by score, then by the member's bytes.
pub(crate) fn zset(value: Value) -> Value {
    let mut scored: Vec<(Vec<u8>, f64)> = pairs(value)
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
    Value::Dict(
        scored
            .into_iter()
            .map(|(member, score)| (Value::Key(member), Value::Float(score)))
            .collect(),
    )
}

/// Entries of a stream, as records have them.
pub(crate) fn entries(page: Value) -> Result<Vec<Value>, String> {
    items(page).into_iter().map(entry).collect()
}

fn entry(entry: Value) -> Result<Value, String> {
    let [id, fields] = pair(entry)?;
    Ok(Value::Dict(vec![
        (Value::Text("id".into()), id),
        (Value::Text("value".into()), dict(fields)),
    ]))
}

/// The id of one of [`entries`].
pub(crate) fn id_of(entry: &Value) -> Option<&[u8]> {
    match entry {
        Value::Dict(pairs) => match pairs.first() {
            Some((_, Value::Bulk(id))) => Some(id),
            _ => None,
        },
        _ => None,
    }
}
