//! Commands that Python runs on the server, as the user of the client that asked for it.

use std::ffi::CString;
use std::time::Duration;

use gearframe_embedded_python::Value;
use gearframe_server_api::{CallMode, ContextLock, KeyKind, OpenedKey, User};

use crate::lock::ServerLock;
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

/// Commands that change what the main thread waits in, load code that expects it, or fork.
const OF_THE_MAIN_THREAD: &[&str] = &["module", "bgsave", "bgrewriteaof"];

/// The pause between tries while the server has paused its clients.
const PAUSED: Duration = Duration::from_millis(1);

/// Who runs a command, and where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: Vec<u8>,
    pub(crate) db: i32,
    pub(crate) resp3: bool,
}

impl Caller {
    /// The error of a walk that meets a key of somebody else.
    pub(crate) fn may_not_read(&self, key: &[u8]) -> String {
        let user = String::from_utf8_lossy(&self.user);
        let key = String::from_utf8_lossy(key);
        format!("NOPERM the user {user:?} may not read the key {key:?}")
    }
}

/// A value, or the text of the server's error.
pub(crate) type Answer = Result<Value, String>;

/// Runs one command.
pub(crate) fn call(lock: &'static ServerLock, caller: &Caller, command: &[Vec<u8>]) -> Answer {
    let reply = if for_main_thread(command) {
        run_on_main_thread(lock, caller, command)
    } else {
        lock.with(|held| Session::open(held, caller)?.run(command))
    };
    lock.waker.want();
    reply.and_then(|bytes| resp::read(&bytes))
}

fn run_on_main_thread(
    lock: &ServerLock,
    caller: &Caller,
    command: &[Vec<u8>],
) -> Result<Vec<u8>, String> {
    loop {
        let (caller, given) = (caller.clone(), command.to_vec());
        let reply = lock.on_main_thread(move |held| {
            // Nothing may be written while clients are paused.
            (!held.paused()).then(|| Session::open(held, &caller)?.run(&given))
        });
        match reply {
            Some(Some(reply)) => return reply,
            Some(None) => std::thread::sleep(PAUSED),
            None => {
                let name = String::from_utf8_lossy(command.first().map_or(b"", Vec::as_slice));
                return Err(format!(
                    "ERR {} can not be called inside an atomic block: it runs on the server's main \
                     thread, which waits for the block; call it before or after, or its commands",
                    name.to_uppercase()
                ));
            }
        }
    }
}

/// Whether a command is for the server's main thread alone.
fn for_main_thread(command: &[impl AsRef<[u8]>]) -> bool {
    match command {
        [name, what, ..] if known(&["config"], name.as_ref()) => known(&["set"], what.as_ref()),
        [name, ..] => known(OF_THE_MAIN_THREAD, name.as_ref()) || is_script(command),
        [] => false,
    }
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

    /// Opens a key for reading in place.
    pub(crate) fn key(&self, name: &[u8]) -> OpenedKey<'a> {
        self.lock.open(name)
    }

    /// What a key is, and how long.
    pub(crate) fn look(&self, key: &[u8]) -> (KeyKind, usize) {
        let opened = self.key(key);
        (opened.view().kind(), opened.view().length())
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
