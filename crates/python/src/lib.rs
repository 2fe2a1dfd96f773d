//! The native part of gearframe: the list of what Python sees.

mod connection;
mod error;
mod interrupt;
mod options;
mod reader;
mod reply;
mod texts;
mod writer;

use pyo3::prelude::*;

/// gearframe's native part: reading and writing bytes; see the `gearframe` package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::connection::Connection;
    #[pymodule_export]
    use crate::reader::Reader;
    #[pymodule_export]
    use crate::texts::parse_texts;
    #[pymodule_export]
    use crate::writer::Writer;
}
