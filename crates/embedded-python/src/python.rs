//! The Python of this process: starting it, and threads that run it.

use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use crate::capi::{self, Gil, Raised, Runtime};
use crate::error::StartError;
use crate::settings::{Function, Settings};
use crate::value::Value;
use crate::{attempt, to_python};

/// Python code recurses on the thread's stack where it goes through C, up to limits that CPython sets with a main
/// thread's 8 MiB in mind. The memory is not used before it is needed.
const STACK_BYTES: usize = 16 << 20;

static STARTED: AtomicBool = AtomicBool::new(false);

/// Opens libpython and starts it, with `functions` as the host module.
///
/// The host's signal handlers stay as they are. The GIL is free afterwards, and the calling thread never needs it.
/// Python is never ended: the process ends with it running.
pub fn start(settings: Settings, functions: &'static [Function]) -> Result<Python, StartError> {
    if STARTED.swap(true, Ordering::SeqCst) {
        return Err(StartError::Running);
    }
    let opened = capi::open(&settings.libpython, attempt::supported_minor)
        .and_then(|opened| attempt::try_program(&settings.program, opened.minor).map(|()| opened));
    let opened = opened.inspect_err(|_| STARTED.store(false, Ordering::SeqCst))?;
    let version = opened
        .version
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    let runtime = capi::initialize(opened, settings, functions)?;
    Ok(Python { runtime, version })
}

/// A running Python. Copies are the same one: there is one in a process.
#[derive(Clone)]
pub struct Python {
    runtime: &'static Runtime,
    version: String,
}

impl std::fmt::Debug for Python {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Python")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Python {
    /// "3.12.1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the calling thread has the GIL, for assertions: host functions never have.
    pub fn holds_gil(&self) -> bool {
        self.runtime.holds_gil()
    }

    /// Whether sub-interpreters can have a lock of their own (3.12 and newer).
    pub fn has_own_gil(&self) -> bool {
        self.runtime.has_own_gil()
    }

    /// Imports the module in the main interpreter; the error is the traceback. Waits for it, and so must not be called
    /// with the GIL held; host functions may call it.
    pub fn check_import(&self, module: &str) -> Result<(), String> {
        let name = c_string(module)?;
        let runtime = self.runtime;
        let thread = Builder::new()
            .name(format!("import {module}"))
            .stack_size(STACK_BYTES);
        let import = move || {
            let attached = runtime.attach();
            let gil = attached.gil();
            gil.import(&name)
                .map(drop)
                .map_err(|Raised| gil.take_traceback())
        };
        let spawned = thread
            .spawn(import)
            .map_err(|error| format!("no thread to import in: {error}"))?;
        spawned
            .join()
            .unwrap_or_else(|_| Err(format!("the import of {module} failed in the host")))
    }

    /// Calls `module.function(*arguments)` on a new OS thread, in the main interpreter. Does not wait for it.
    /// An exception that ends it is given to [`Settings::on_failure`].
    pub fn spawn(
        &self,
        thread_name: &str,
        module: &str,
        function: &str,
        arguments: Vec<Value>,
    ) -> io::Result<()> {
        let task = Task::new(thread_name, module, function, arguments).map_err(io::Error::other)?;
        let runtime = self.runtime;
        let thread = Builder::new()
            .name(task.thread.clone())
            .stack_size(STACK_BYTES);
        thread.spawn(move || {
            let failure = {
                let attached = runtime.attach();
                task.run(attached.gil()).err()
            };
            task.tell(runtime, failure);
        })?;
        Ok(())
    }

    /// Calls `module.function(*arguments)` on a new OS thread, in a new interpreter, and ends the interpreter when it
    /// has returned and the interpreter's threads have ended. `isolated`: with a lock (GIL) of its own.
    ///
    /// Waits until the interpreter is made, some 10 ms, and so must not be called with the GIL held; host functions
    /// may call it. The error says why none was made. An exception is given to [`Settings::on_failure`].
    pub fn spawn_interpreter(
        &self,
        thread_name: &str,
        isolated: bool,
        module: &str,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<(), String> {
        let task = Task::new(thread_name, module, function, arguments)?;
        let runtime = self.runtime;
        let (made, wait) = sync_channel(1);
        let thread = Builder::new()
            .name(task.thread.clone())
            .stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || task.run_in_new_interpreter(runtime, isolated, &made));
        spawned.map_err(|error| format!("no thread for the interpreter: {error}"))?;
        wait.recv()
            .unwrap_or_else(|_| Err("the interpreter's thread ended at once".to_owned()))
    }
}

/// A call that a thread makes.
struct Task {
    thread: String,
    module: CString,
    function: CString,
    arguments: Vec<Value>,
}

impl Task {
    fn new(
        thread: &str,
        module: &str,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<Task, String> {
        // A NUL in a thread's name would be a panic.
        let thread = thread.replace('\0', " ");
        Ok(Task {
            thread,
            module: c_string(module)?,
            function: c_string(function)?,
            arguments,
        })
    }

    /// The error is the traceback.
    fn run(&self, gil: Gil<'_>) -> Result<(), String> {
        let argument = |i: usize| to_python::object(gil, &self.arguments[i], 0);
        let result = gil.call(&self.module, &self.function, self.arguments.len(), argument);
        result.map(drop).map_err(|Raised| gil.take_traceback())
    }

    fn run_in_new_interpreter(
        self,
        runtime: &'static Runtime,
        isolated: bool,
        made: &SyncSender<Result<(), String>>,
    ) {
        let interpreter = match runtime.new_interpreter(isolated) {
            Ok(interpreter) => interpreter,
            Err(text) => {
                let _ = made.send(Err(text)); // the caller waits for it
                return;
            }
        };
        let _ = made.send(Ok(()));
        let prepared = interpreter
            .prepare()
            .map_err(|Raised| interpreter.gil().take_traceback());
        let failure = prepared.and_then(|()| self.run(interpreter.gil())).err();
        let end = interpreter.end();
        self.tell(runtime, failure);
        if let Err(text) = end {
            self.tell(
                runtime,
                Some(format!("its interpreter was not ended: {text}")),
            );
        }
    }

    fn tell(&self, runtime: &Runtime, failure: Option<String>) {
        if let Some(text) = failure {
            let (module, function) = (
                self.module.to_string_lossy(),
                self.function.to_string_lossy(),
            );
            runtime.on_failure()(&format!(
                "thread {} ({module}.{function}): {text}",
                self.thread
            ));
        }
    }
}

fn c_string(name: &str) -> Result<CString, String> {
    CString::new(name).map_err(|_| format!("{name:?} is no name of Python's: it holds a NUL"))
}

/// Opens libpython and looks at its version and its functions, without starting it.
pub fn check_library(path: &std::path::Path) -> Result<(), StartError> {
    capi::open(path, attempt::supported_minor).map(drop)
}
