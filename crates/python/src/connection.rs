//! A control connection: one command, one reply.

use std::sync::{Mutex, PoisonError};

use gearframe_core::net::{self, ConnectOptions, ServerInfo};
use gearframe_core::resp::Reply;
use gearframe_core::{Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::interrupt::Interrupt;
use crate::reply::to_object;

/// A connection for control commands; `gearframe.client.Client` holds one.
#[pyclass(frozen, module = "gearframe._native")]
pub(crate) struct Connection {
    // Locked only with the GIL released: a wait under the lock takes the GIL to look for signals.
    inner: Mutex<Option<net::Connection>>,
    interrupt: Interrupt,
    server: ServerInfo,
    protocol: u8,
}

#[pymethods]
impl Connection {
    #[new]
    fn new(py: Python<'_>, options_json: &str) -> PyResult<Self> {
        let interrupt = Interrupt::new();
        let opened = py.detach(|| {
            let options = ConnectOptions::from_json(options_json)?;
            net::Connection::open(&options, interrupt.cancel())
        });
        let connection = opened.map_err(|e| interrupt.to_py(py, &e))?;
        Ok(Self {
            server: connection.server().clone(),
            protocol: connection.protocol(),
            inner: Mutex::new(Some(connection)),
            interrupt,
        })
    }

    /// Sends one command and returns its reply.
    fn execute<'py>(&self, py: Python<'py>, args: Vec<Vec<u8>>) -> PyResult<Bound<'py, PyAny>> {
        let reply = py.detach(|| self.call(&args));
        to_object(py, &reply.map_err(|e| self.interrupt.to_py(py, &e))?)
    }

    /// Whether the server has kept the connection open.
    fn is_alive(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.as_mut().is_some_and(net::Connection::is_alive)
        })
    }

    /// Ends a command that another thread waits for, and closes.
    fn close(&self, py: Python<'_>) {
        self.interrupt.cancel().cancel();
        py.detach(|| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            *inner = None;
        });
    }

    /// `redis` or `valkey`.
    #[getter]
    fn server_name(&self) -> &str {
        &self.server.name
    }

    /// Such as `8.2.1`; empty where the ACL hides it.
    #[getter]
    fn server_version(&self) -> &str {
        &self.server.version
    }

    /// `standalone`, `cluster` or `sentinel`; empty where the ACL hides it.
    #[getter]
    fn server_mode(&self) -> &str {
        &self.server.mode
    }

    /// 2 or 3.
    #[getter]
    fn protocol(&self) -> u8 {
        self.protocol
    }
}

impl Connection {
    fn call(&self, args: &[Vec<u8>]) -> Result<Reply> {
        if args.is_empty() {
            return Err(Error::option("a command needs a name, such as PING"));
        }
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = inner.as_mut().ok_or_else(closed)?;
        let reply = connection.call(&args);
        if reply.as_ref().is_err_and(|e| !is_reply(e.kind)) {
            // Out of step with the server: the next reply would be that of this command.
            *inner = None;
        }
        reply
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Connection,
        "this connection is closed; open another",
    )
}

/// Whether the server has answered, if only with an error.
fn is_reply(kind: ErrorKind) -> bool {
    use ErrorKind as K;
    match kind {
        K::Reply | K::Permission | K::Loading | K::Busy | K::ReadOnly | K::OutOfMemory => true,
        K::Authentication => true,
        K::Option
        | K::Connection
        | K::Timeout
        | K::Protocol
        | K::Data
        | K::Changed
        | K::Cancelled => false,
    }
}
