//! Python objects to values.

use crate::capi::{Gil, Kind, Raised, Ref};
use crate::to_python::DEEPEST;
use crate::value::Value;

/// Reads the object and all in it. TypeError for what is no plain value, ValueError for what is nested too deep (which
/// is also what a list that holds itself is).
pub(crate) fn value(gil: Gil<'_>, object: &Ref<'_>, depth: usize) -> Result<Value, Raised> {
    if depth > DEEPEST {
        return Err(gil.value_error(&format!(
            "the argument is nested deeper than {DEEPEST} levels, or holds itself: expected a tree that is less deep"
        )));
    }
    match gil.kind(object) {
        Kind::None => Ok(Value::None),
        Kind::Bool(value) => Ok(Value::Bool(value)),
        Kind::Int => int(gil, object),
        Kind::Float => gil.float_of(object).map(Value::Float),
        Kind::Bytes => gil.bytes_of(object).map(Value::Bytes),
        Kind::ByteArray => gil.bytearray_of(object).map(Value::Bytes),
        Kind::MemoryView => gil.bytes_of(&gil.bytes_from(object)?).map(Value::Bytes),
        Kind::Text => text(gil, object),
        Kind::List => items(gil, gil.list_items(object), depth).map(Value::List),
        Kind::Tuple => items(gil, gil.tuple_items(object), depth).map(Value::Tuple),
        Kind::Dict => dict(gil, object, depth),
        Kind::Set => set(gil, object, depth),
        Kind::Other => Err(gil.type_error(&format!(
            "cannot hand {} to the host: expected None, bool, int, float, bytes, bytearray, memoryview, str, list, tuple, dict or set",
            gil.describe(object)
        ))),
    }
}

fn int(gil: Gil<'_>, object: &Ref<'_>) -> Result<Value, Raised> {
    match gil.int_of(object)? {
        Some(value) => Ok(Value::Int(value)),
        None => gil.text_of(&gil.decimal_of(object)?).map(Value::BigInt),
    }
}

fn text(gil: Gil<'_>, object: &Ref<'_>) -> Result<Value, Raised> {
    if let Ok(text) = gil.text_of(object) {
        return Ok(Value::Text(text));
    }
    if !gil.value_error_is_set() {
        return Err(Raised); // MemoryError
    }
    gil.clear_error();
    Err(gil.type_error(&format!(
        "cannot hand {} to the host: it has lone surrogates and so no UTF-8; expected text, or bytes (text.encode('utf-8', 'surrogateescape'))",
        gil.describe(object)
    )))
}

fn items<'py>(
    gil: Gil<'py>,
    items: impl Iterator<Item = Ref<'py>>,
    depth: usize,
) -> Result<Vec<Value>, Raised> {
    items.map(|item| value(gil, &item, depth + 1)).collect()
}

fn dict(gil: Gil<'_>, object: &Ref<'_>, depth: usize) -> Result<Value, Raised> {
    let mut pairs = Vec::new();
    for (key, item) in gil.dict_items(object) {
        pairs.push((value(gil, &key, depth + 1)?, value(gil, &item, depth + 1)?));
    }
    Ok(Value::Dict(pairs))
}

fn set(gil: Gil<'_>, object: &Ref<'_>, depth: usize) -> Result<Value, Raised> {
    let iterator = gil.iterator(object)?;
    let mut elements = Vec::new();
    while let Some(element) = gil.next(&iterator)? {
        elements.push(value(gil, &element, depth + 1)?);
    }
    Ok(Value::Set(elements))
}
