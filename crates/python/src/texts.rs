//! `_native.parse_texts`: texts in memory, parsed as a scan parses them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use gearframe_core::Error;
use gearframe_core::column::{self, ColumnType};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3_arrow::PyRecordBatch;

use crate::error::to_py;
use crate::options::from_json;

/// A batch of one column, and the rows that do not fit with the reasons.
#[pyfunction]
pub(crate) fn parse_texts(
    py: Python<'_>,
    values: Vec<Option<PyBackedBytes>>,
    dtype: &str,
) -> PyResult<(PyRecordBatch, Vec<(usize, String)>)> {
    let dtype: ColumnType = from_json(py, "dtype", dtype)?;
    let parsed = py.detach(|| {
        let (array, mismatches) = column::parse_texts(&dtype, values.iter().map(Option::as_deref))?;
        let field = Field::new("value", array.data_type().clone(), true);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array])
            .map_err(|error| Error::option(error.to_string()))?;
        Ok((PyRecordBatch::new(batch), mismatches))
    });
    parsed.map_err(|error| to_py(py, &error))
}
