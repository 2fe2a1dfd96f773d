//! The native part of gearframe: the list of what Python sees.

mod error;
mod reader;

use pyo3::prelude::*;

/// gearframe's native part: reading and writing bytes; see the `gearframe` package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::reader::Reader;
}
