//! Whether the environment's python can run at all, asked before Python is started in this process.
//!
//! `Py_InitializeEx` ends the whole process when it does not find the standard library or when `site` fails, and the
//! way that returns an error instead (PyConfig) has another layout in each minor version. The executable decides about
//! paths by the same code and the same environment variables, so it is asked first, in a process of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::StartError;
use crate::program::ask;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(60);

const QUESTION: &str = "import sys, encodings; print('%d.%d' % sys.version_info[:2])";

/// Runs `program` once and compares its version with that of libpython.
pub(crate) fn try_program(program: &Path, minor: u32) -> Result<(), StartError> {
    let failed = |reason: String| StartError::Program {
        program: program.to_owned(),
        reason,
    };
    let answer = ask(Command::new(program).args(["-c", QUESTION]), LIMIT)
        .map_err(|error| failed(format!("it does not run ({error})")))?
        .ok_or_else(|| failed(format!("it did not end within {} s", LIMIT.as_secs())))?;
    if !answer.fine(|output| output.ends_with('\n')) {
        let last = answer.errors.lines().last().unwrap_or("nothing");
        let ending = answer.ending();
        return Err(failed(format!("it ended with {ending} and said: {last}")));
    }
    let version = answer.output;
    if version.trim() != format!("3.{minor}") {
        return Err(failed(format!(
            "it is version {}, libpython is 3.{minor}",
            version.trim()
        )));
    }
    Ok(())
}

/// `Py_GetVersion`'s text, "3.12.1 (main, ...) [GCC ...]", to the minor version; None for what is not supported.
pub(crate) fn supported_minor(version: &str) -> Option<u32> {
    // Free-threaded builds lay objects out in another way, which the stable ABI does not cover.
    if version.contains("free-threading") {
        return None;
    }
    let minor = version
        .strip_prefix("3.")?
        .split(|c: char| !c.is_ascii_digit())
        .next()?;
    minor.parse().ok().filter(|minor| *minor >= 11)
}
