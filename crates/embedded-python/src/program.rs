//! Asking a program something, for no longer than a limit.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// The pause between two looks at it.
const PAUSE: Duration = Duration::from_millis(5);

/// What a program has said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended. `None` if nobody knows: a host that waits for any child has taken what this one
    /// left, or the kernel has, because whoever started the host ignored SIGCHLD.
    pub status: Option<ExitStatus>,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub errors: String,
}

impl Answer {
    /// Whether it ended well; where nobody knows, its output decides.
    pub fn fine(&self, as_expected: impl FnOnce(&str) -> bool) -> bool {
        match self.status {
            Some(status) => status.success(),
            None => as_expected(&self.output),
        }
    }

    /// How it ended, for people.
    pub fn ending(&self) -> String {
        self.status.map_or_else(
            || "an unknown status".to_owned(),
            |status| status.to_string(),
        )
    }
}

/// Runs a program to its end. `None` if that did not come in time: then it is killed, with what it
/// has started and what has not left its process group.
///
/// It writes into memory, not into pipes: nobody has to read, so there is no thread, and nobody
/// waits for what it has left behind.
pub fn ask(command: &mut Command, limit: Duration) -> io::Result<Option<Answer>> {
    let (output, errors) = (memory()?, memory()?);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(errors.try_clone()?)
        .process_group(0)
        .spawn()?;
    let Some(status) = wait(&mut child, limit)? else {
        return Ok(None);
    };
    Ok(Some(Answer {
        status,
        output: written(output)?,
        errors: written(errors)?,
    }))
}

/// How a child ended, if that is known; `None` if it did not end in time.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<Option<ExitStatus>>> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(Some(status))),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::CHILD) => {
                return Ok(Some(None));
            }
            Err(error) => return Err(error),
            Ok(None) if Instant::now() >= end => {
                // The host may have taken it a moment ago: then there is nothing to kill.
                let _: Result<(), Errno> = kill_process_group(Pid::from_child(child), Signal::KILL);
                // Whoever takes what is left of it: it is dead.
                let _: io::Result<ExitStatus> = child.wait();
                return Ok(None);
            }
            Ok(None) => sleep(PAUSE),
        }
    }
}

fn memory() -> io::Result<File> {
    Ok(memfd_create("gearframe", MemfdFlags::CLOEXEC)?.into())
}

fn written(mut file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_it_says_and_how_it_ends() {
        let answer = ask(&mut shell("echo out; echo err >&2"), LONG).unwrap();
        let answer = answer.unwrap();
        assert!(answer.status.unwrap().success());
        assert_eq!((&*answer.output, &*answer.errors), ("out\n", "err\n"));
        let answer = ask(&mut shell("exit 3"), LONG).unwrap().unwrap();
        assert_eq!(answer.status.unwrap().code(), Some(3));
        assert!(ask(&mut Command::new("/no/such/program"), LONG).is_err());
    }

    #[test]
    fn one_that_hangs_is_killed_with_what_it_has_started() {
        let file = std::env::temp_dir().join(format!("gearframe-{}", std::process::id()));
        let script = format!("sleep 1000 & echo $! >'{}'; wait", file.display());
        // Only the shell's start has to fit into the limit, and then the test is repeated.
        let mut limit = Duration::from_millis(200);
        let started = loop {
            assert!(ask(&mut shell(&script), limit).unwrap().is_none());
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Ok(pid) = text.trim().parse::<i32>() {
                break pid;
            }
            limit *= 2;
        };
        std::fs::remove_file(&file).unwrap();
        // A dead process stays as a zombie until init has taken it.
        let state = || std::fs::read_to_string(format!("/proc/{started}/stat"));
        let end = Instant::now() + LONG;
        while state().is_ok_and(|text| !text.contains(") Z")) {
            assert!(Instant::now() < end, "the child's child lives");
            sleep(PAUSE);
        }
    }

    #[test]
    fn what_another_has_waited_for_is_unknown() {
        let mut child = shell("exit 0").spawn().unwrap();
        let status = rustix::process::waitpid(
            Some(Pid::from_child(&child)),
            rustix::process::WaitOptions::empty(),
        );
        assert!(status.unwrap().is_some());
        assert_eq!(wait(&mut child, LONG).unwrap(), Some(None));
    }
}
