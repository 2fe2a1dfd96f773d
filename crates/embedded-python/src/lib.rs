//! CPython inside a host process, opened at run time.
//!
//! libpython is not linked: [`start`] opens it by `dlopen` and finds every C function by `dlsym`. So one build serves
//! every minor version from 3.11 on, and a missing or a wrong libpython is a [`StartError`], not a host that does not
//! load. Only functions of the stable ABI (limited API 3.11) are required; newer ones are used where they are found.
//!
//! The way of data: Python calls a [`Function`] of the host module, its arguments become [`Value`]s, the GIL is
//! released, the function runs, the GIL is taken again, its result becomes Python objects. A batch of a server's keys
//! crosses as [`Records`]. There is no object of Python on the Rust side, so nothing needs the GIL to be dropped.
//!
//! What is not here: the server, what the functions do, what Python code runs.

mod attempt;
mod capi;
mod error;
mod from_python;
mod memory;
mod program;
mod python;
mod records;
mod settings;
mod to_python;
mod value;

pub use error::StartError;
pub use memory::{Memory, memory};
pub use program::{Answer, ask as ask_program};
pub use python::{Python, check_library, start};
pub use settings::{Failure, Function, Settings};
pub use value::{Payload, Records, Row, Span, Value};
