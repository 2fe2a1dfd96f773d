//! Settings that come from Python as one JSON object.

use gearframe_core::Error;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

use crate::error::to_py;

/// Reads settings; `what` names them in the error.
pub(crate) fn from_json<T: DeserializeOwned>(
    py: Python<'_>,
    what: &str,
    json: &str,
) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| {
        to_py(
            py,
            &Error::option(format!("the {what} cannot be read: {error}")),
        )
    })
}
