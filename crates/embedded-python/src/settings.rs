//! What the host decides: which Python, which functions Python sees.

use std::ffi::CStr;
use std::path::PathBuf;

use crate::value::Value;

/// How Python is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The shared library of CPython 3.11 or newer.
    pub libpython: PathBuf,
    /// The environment's python executable, absolute. Its pyvenv.cfg is honoured, as if it had been run.
    pub program: PathBuf,
    /// Put in front of `sys.path`, in every interpreter.
    pub import_paths: Vec<PathBuf>,
    /// Whether [`crate::memory`] counts. Costs a few atomic additions for each arena and each block over 512 bytes.
    pub count_memory: bool,
    /// The name by which Python imports the functions.
    pub host_module: &'static CStr,
    /// Told, without the GIL, of an exception that ended a spawned thread: its traceback.
    pub on_failure: fn(&str),
}

/// A function that Python can call.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in the host module.
    pub name: &'static CStr,
    /// Its docstring.
    pub doc: &'static CStr,
    /// Called with the GIL released. A panic in it becomes a RuntimeError.
    pub run: fn(Vec<Value>) -> Result<Value, Failure>,
}

/// Why a [`Function`] failed, which is the exception that Python sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// ValueError.
    Value(String),
    /// RuntimeError.
    Runtime(String),
}
