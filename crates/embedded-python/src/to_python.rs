//! Values to Python objects.

use std::ffi::CString;

use crate::capi::{Gil, Raised, Ref};
use crate::records;
use crate::value::Value;

/// How deep trees may be, in both directions: far under what overflows a thread's stack, far over what data is.
pub(crate) const DEEPEST: usize = 1000;

/// Makes the object. Fails with MemoryError, with ValueError for a tree that is too deep or an int that Python refuses,
/// with TypeError for a dict's key that has no hash.
pub(crate) fn object<'py>(gil: Gil<'py>, value: &Value, depth: usize) -> Result<Ref<'py>, Raised> {
    if depth > DEEPEST {
        return Err(gil.value_error(&format!(
            "the host's result is nested deeper than {DEEPEST} levels"
        )));
    }
    match value {
        Value::None => Ok(gil.none()),
        Value::Bool(value) => Ok(gil.bool(*value)),
        Value::Int(value) => gil.int(*value),
        Value::BigInt(digits) => big_int(gil, digits),
        Value::Float(value) => gil.float(*value),
        Value::Bytes(bytes) => gil.bytes(bytes),
        Value::Text(text) | Value::Error(text) => gil.text(text),
        Value::Bulk(bytes) => bulk(gil, bytes),
        Value::Key(bytes) => key(gil, bytes),
        Value::List(items) => gil.list(items.len(), |i| object(gil, &items[i], depth + 1)),
        Value::Tuple(items) => gil.tuple(items.len(), |i| object(gil, &items[i], depth + 1)),
        Value::Dict(pairs) => dict(gil, pairs, depth),
        Value::Set(items) => set(gil, items, depth),
        Value::Records(records) => records::list(gil, records),
    }
}

/// str if the bytes are UTF-8, else bytearray.
pub(crate) fn bulk<'py>(gil: Gil<'py>, bytes: &[u8]) -> Result<Ref<'py>, Raised> {
    if is_utf8(bytes) {
        gil.decoded(bytes)
    } else {
        gil.bytearray(bytes)
    }
}

/// str if the bytes are UTF-8, else bytes, which have a hash.
pub(crate) fn key<'py>(gil: Gil<'py>, bytes: &[u8]) -> Result<Ref<'py>, Raised> {
    if is_utf8(bytes) {
        gil.decoded(bytes)
    } else {
        gil.bytes(bytes)
    }
}

/// Asked here and not of Python's decoder: an exception for each binary value would cost a microsecond. ASCII is asked
/// for first, which is half the price of UTF-8.
fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

fn big_int<'py>(gil: Gil<'py>, digits: &str) -> Result<Ref<'py>, Raised> {
    match CString::new(digits) {
        Ok(digits) => gil.int_from_decimal(&digits),
        Err(_) => Err(gil.value_error("the host's result has an int with a NUL among its digits")),
    }
}

fn dict<'py>(gil: Gil<'py>, pairs: &[(Value, Value)], depth: usize) -> Result<Ref<'py>, Raised> {
    let dict = gil.dict()?;
    for (key, value) in pairs {
        let (key, value) = (object(gil, key, depth + 1)?, object(gil, value, depth + 1)?);
        gil.set_item(&dict, &key, &value)?;
    }
    Ok(dict)
}

fn set<'py>(gil: Gil<'py>, items: &[Value], depth: usize) -> Result<Ref<'py>, Raised> {
    let set = gil.set()?;
    for item in items {
        let item = object(gil, item, depth + 1)?;
        if gil.add(&set, &item).is_err() {
            if !gil.type_error_is_set() {
                return Err(Raised);
            }
            gil.clear_error();
            return gil.list(items.len(), |i| object(gil, &items[i], depth + 1));
        }
    }
    Ok(set)
}
