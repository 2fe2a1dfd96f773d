//! Replies as Python objects.

use gearframe_core::Error;
use gearframe_core::resp::Reply;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyTuple};

use crate::error::instance;

/// Text is bytes, a map is a dict, an error inside an array is an exception object.
pub(crate) fn to_object<'py>(py: Python<'py>, reply: &Reply) -> PyResult<Bound<'py, PyAny>> {
    Ok(match reply {
        Reply::Simple(text) | Reply::Bulk(text) | Reply::Verbatim { text, .. } => {
            PyBytes::new(py, text).into_any()
        }
        Reply::Error(text) => instance(py, &Error::from_reply("inside the reply", text))?,
        Reply::Integer(number) => number.into_pyobject(py)?.into_any(),
        Reply::Double(number) => PyFloat::new(py, *number).into_any(),
        Reply::Boolean(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Reply::BigNumber(digits) => {
            let digits = String::from_utf8_lossy(digits);
            py.get_type::<PyInt>().call1((digits,))?
        }
        Reply::Null => py.None().into_bound(py),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            PyList::new(py, objects(py, items)?)?.into_any()
        }
        Reply::Map(pairs) => dict(py, pairs)?.into_any(),
    })
}

fn objects<'py>(py: Python<'py>, items: &[Reply]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.iter().map(|item| to_object(py, item)).collect()
}

fn dict<'py>(py: Python<'py>, pairs: &[(Reply, Reply)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in pairs {
        // A list cannot be a key of a dict, and a tuple can.
        let key = match key {
            Reply::Array(items) => PyTuple::new(py, objects(py, items)?)?.into_any(),
            other => to_object(py, other)?,
        };
        dict.set_item(key, to_object(py, value)?)?;
    }
    Ok(dict)
}
