//! The native part of gearframe: the list of what Python sees.

use pyo3::prelude::*;

/// gearframe's native part: reading and writing bytes; see the `gearframe` package.
#[pymodule]
mod _native {}
