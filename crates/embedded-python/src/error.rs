//! Why Python could not be started.

use std::fmt;
use std::path::PathBuf;

/// Why [`crate::start`] failed. The text says what was given, what was expected and what to try.
#[derive(Debug)]
pub enum StartError {
    /// The library could not be opened.
    Open {
        /// What was given.
        libpython: PathBuf,
        /// What the dynamic linker said.
        reason: String,
    },
    /// The library was opened, and it is not CPython's or not a whole one.
    NotPython {
        /// What was given.
        libpython: PathBuf,
        /// The function that was looked for.
        symbol: String,
    },
    /// A CPython that is not supported.
    Unsupported {
        /// What was given.
        libpython: PathBuf,
        /// What it calls itself.
        version: String,
    },
    /// The environment's python cannot run, or is of another version than libpython.
    Program {
        /// What was given.
        program: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a Python in this process already.
    Running,
    /// Python started and then failed; it stays in the process, unused.
    Failed(String),
}

const HOW_TO_FIND: &str = "The Python of the environment knows where its own is: python3 -c \"import sysconfig; \
    print(sysconfig.get_config_var('LIBDIR'), sysconfig.get_config_var('INSTSONAME'))\". A Python that was built \
    without --enable-shared has none: install the system's libpython package, or build one with it.";

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Open { libpython, reason } => write!(
                f,
                "cannot open {} as libpython: {reason}. Expected the shared library of CPython 3.11 or newer. {HOW_TO_FIND}",
                libpython.display()
            ),
            StartError::NotPython { libpython, symbol } => write!(
                f,
                "{} is not a libpython that can be used: it has no {symbol}. Expected the shared library of CPython 3.11 or newer. {HOW_TO_FIND}",
                libpython.display()
            ),
            StartError::Unsupported { libpython, version } => write!(
                f,
                "{} is CPython {version}. Expected CPython 3.11 or newer, and not a free-threaded build. Name the libpython of such a Python. {HOW_TO_FIND}",
                libpython.display()
            ),
            StartError::Program { program, reason } => write!(
                f,
                "the Python environment of {} cannot be used: {reason}. Expected the python executable of an environment whose version is that of libpython. Name another executable, or the libpython that belongs to this one. {HOW_TO_FIND}",
                program.display()
            ),
            StartError::Running => f.write_str(
                "there is a Python in this process already. Expected a process without: CPython can be started once. Load the host module into a server of its own.",
            ),
            StartError::Failed(text) => write!(f, "Python started and failed at once: {text}"),
        }
    }
}

impl std::error::Error for StartError {}
