//! Commands that Python runs on the server, as the user of the client that asked for it.

use std::ffi::CString;
use std::time::Instant;

use gearframe_embedded_python::Value;
use gearframe_server_api::{CallMode, ContextLock, User};

use crate::lock::{SHARE, ServerLock};
use crate::resp;

/// Commands that the server keeps from scripts, though they neither block nor change the client.
/// They are run without the rules for scripts, and may not write.
const ADMIN: &[&str] = &[
    "acl",
    "bgrewriteaof",
    "bgsave",
    "config",
    "latency",
    "lastsave",
    "module",
    "slowlog",
];

/// Commands that run scripts of the server. A script may take long, and then the server answers
/// other clients that it is busy; that is done right on its main thread alone.
const SCRIPTS: &[&str] = &[
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "fcall",
    "fcall_ro",
];

/// Who runs a command, and where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: Vec<u8>,
    pub(crate) db: i32,
    pub(crate) resp3: bool,
}

/// A value, or the text of the server's error.
pub(crate) type Answer = Result<Value, String>;

/// Runs one command.
pub(crate) fn call(lock: &ServerLock, caller: &Caller, command: &[Vec<u8>]) -> Answer {
    let reply = if is_script(command) {
        run_script(lock, caller, command)
    } else {
        lock.with(|held| Session::open(held, caller)?.run(command))
    };
    reply.and_then(|bytes| resp::read(&bytes))
}

fn run_script(lock: &ServerLock, caller: &Caller, command: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let (caller, command) = (caller.clone(), command.to_vec());
    let name = String::from_utf8_lossy(&command[0]).to_uppercase();
    lock.on_main_thread(move |held| Session::open(held, &caller)?.run(&command))
        .unwrap_or_else(|| {
            Err(format!(
                "ERR {name} can not be called inside an atomic block: it runs on the server's main \
                 thread, which waits for the block; call it before or after, or its commands"
            ))
        })
}

/// Whether a command runs a script, or has to do with those that are kept.
fn is_script(command: &[impl AsRef<[u8]>]) -> bool {
    match command {
        [name, what, ..] if name.as_ref().eq_ignore_ascii_case(b"script") => {
            known(&["exists", "load"], what.as_ref())
        }
        [name, ..] => known(SCRIPTS, name.as_ref()),
        [] => false,
    }
}

fn known(names: &[&str], name: &[u8]) -> bool {
    names
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Runs many commands, taking the lock once for as many as fit into one hold of it.
pub(crate) fn call_many(
    lock: &ServerLock,
    caller: &Caller,
    commands: &[Vec<Vec<u8>>],
) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(commands.len());
    while answers.len() < commands.len() {
        let replies = lock.with(|held| {
            let start = Instant::now();
            let session = Session::open(held, caller);
            let mut replies = Vec::new();
            for command in &commands[answers.len()..] {
                replies.push(match &session {
                    Ok(_) if is_script(command) => {
                        Err("ERR scripts are not run among many commands".into())
                    }
                    Ok(session) => session.run(command),
                    Err(text) => Err(text.clone()),
                });
                if start.elapsed() >= SHARE {
                    break;
                }
            }
            replies
        });
        answers.extend(
            replies
                .into_iter()
                .map(|reply| reply.and_then(|bytes| resp::read(&bytes))),
        );
    }
    answers
}

/// A user at a database, while the lock is held.
pub(crate) struct Session<'a> {
    lock: &'a ContextLock,
    user: User<'a>,
    resp3: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn open(lock: &'a ContextLock, caller: &Caller) -> Result<Self, String> {
        if !lock.select_db(caller.db) {
            return Err(format!("ERR there is no database {}", caller.db));
        }
        let user = lock.user(&caller.user).ok_or_else(|| {
            let name = String::from_utf8_lossy(&caller.user);
            format!("NOPERM the user {name:?} who started this is gone")
        })?;
        Ok(Self {
            lock,
            user,
            resp3: caller.resp3,
        })
    }

    pub(crate) fn user(&self) -> &User<'a> {
        &self.user
    }

    /// Runs a command; the bytes of its reply.
    pub(crate) fn run(&self, command: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, String> {
        let Some((name, arguments)) = command.split_first() else {
            return Err("ERR a command has a name".into());
        };
        let name = CString::new(name.as_ref()).map_err(|_| "ERR unknown command".to_owned())?;
        let arguments: Vec<&[u8]> = arguments.iter().map(AsRef::as_ref).collect();
        let mode = CallMode {
            admin: known(ADMIN, name.as_bytes()),
            nested: is_script(command),
            resp3: self.resp3,
        };
        self.lock
            .call(&self.user, &name, &arguments, mode, <[u8]>::to_vec)
            .ok_or_else(|| format!("ERR the server gave no reply to {}", name.to_string_lossy()))
    }
}
