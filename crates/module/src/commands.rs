//! The commands: which there are, and what is answered without Python.

use std::ffi::{CStr, CString};

use gearframe_server_api::{Context, Reply};

use crate::host::Host;
use crate::tokens::Command;

/// None is `readonly`, so that a client of a cluster sends none to a replica by itself.
const FLAGS: &CStr = c"admin may-replicate";

/// Who may run Python in the server may do what the server's own user may.
const CATEGORIES: &CStr = c"admin dangerous";

/// A harmless command of these categories. Redis before 7.2 cannot put a module's commands into
/// any, so there who may run ours must have the right to run this one.
const STAND_IN: &[u8] = b"LASTSAVE";
const NO_RIGHT: &str = "NOPERM this server cannot put commands of modules into @admin and @dangerous, \
     so RG.* commands need the right to LASTSAVE, which is in both";

const NAMES: &[&str] = &[
    "RG.PYEXECUTE",
    "RG.DUMPEXECUTIONS",
    "RG.GETEXECUTION",
    "RG.GETRESULTS",
    "RG.GETRESULTSBLOCKING",
    "RG.ABORTEXECUTION",
    "RG.DROPEXECUTION",
    "RG.DUMPREGISTRATIONS",
    "RG.UNREGISTER",
    "RG.PAUSEREGISTRATIONS",
    "RG.UNPAUSEREGISTRATIONS",
    "RG.CLEARREGISTRATIONSSTATS",
    "RG.TRIGGER",
    "RG.TRIGGERONKEY",
    "RG.PYDUMPSESSIONS",
    "RG.PYDUMPREQS",
    "RG.PYEXPORTREQ",
    "RG.PYIMPORTREQ",
    "RG.PYSTATS",
    "RG.PYPROFILE",
    "RG.REFRESHCLUSTER",
    "RG.INFOCLUSTER",
    "RG.DUMPPLUGINS",
    "RG.CONFIGGET",
    "RG.CONFIGSET",
    "RG.PYEXECUTEREMOTE",
    "RG.PYFREEINTERPRETER",
];

const NOT_HERE: &str =
    "ERR Can not run gears inside a multi exec, lua, or when blocking is not allowed";

const NO_TEXT: &str = "ERR the name of this ACL user is not UTF-8, so gears cannot run as this user; use another user";

/// Adds the commands to the server.
pub(crate) fn register(context: &Context<'_>) -> Result<(), String> {
    for name in NAMES {
        let name = CString::new(*name).unwrap_or_default();
        context
            .create_command(&name, FLAGS, CATEGORIES)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Takes a command of a client: answers it, or lets the client wait for Python.
pub(crate) fn handle(host: &'static Host, context: &Context<'_>, arguments: Vec<Vec<u8>>) {
    let mut arguments = arguments.into_iter();
    let name = String::from_utf8_lossy(&arguments.next().unwrap_or_default()).to_uppercase();
    let arguments: Vec<Vec<u8>> = arguments.collect();
    if !context.has_categories() && !context.may_run(STAND_IN) {
        return context.reply(&Reply::Error(NO_RIGHT.into()));
    }
    match name.as_str() {
        "RG.CONFIGGET" => context.reply(&config_get(host, &arguments)),
        "RG.CONFIGSET" => context.reply(&config_set(host, &arguments)),
        _ => ask_python(host, context, name, arguments),
    }
}

fn ask_python(host: &'static Host, context: &Context<'_>, name: String, arguments: Vec<Vec<u8>>) {
    if let Some(text) = host.python_failure() {
        return context.reply(&Reply::Error(text));
    }
    let flags = context.flags();
    if !flags.may_block() {
        return context.reply(&Reply::Error(NOT_HERE.into()));
    }
    let Some(user) = context.user_name() else {
        return context.reply(&Reply::Error(NOT_HERE.into()));
    };
    // Names are texts on all the way, and a text that stands for these bytes may be another's name.
    let Ok(user) = String::from_utf8(user) else {
        return context.reply(&Reply::Error(NO_TEXT.into()));
    };
    let (client, db, resp3) = (context.client_id(), context.selected_db(), flags.resp3());
    match context.block_client() {
        None => context.reply(&Reply::Error(NOT_HERE.into())),
        Some(blocked) => {
            host.tokens.push(blocked, |token| Command {
                token,
                name,
                arguments,
                user,
                client,
                db,
                resp3,
            });
            // Python may have failed since it was asked above.
            host.refuse_if_failed();
        }
    }
}

fn config_get(host: &Host, names: &[Vec<u8>]) -> Reply {
    if names.is_empty() {
        return wrong_arity("RG.CONFIGGET");
    }
    let one = |name: &Vec<u8>| {
        let name = String::from_utf8_lossy(name);
        Reply::Bulk(match host.settings.get(&name) {
            Some(value) => value.into_bytes(),
            None => format!("(error) Unsupported config parameter: {name}").into_bytes(),
        })
    };
    Reply::Array(names.iter().map(one).collect())
}

fn config_set(host: &Host, pairs: &[Vec<u8>]) -> Reply {
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return wrong_arity("RG.CONFIGSET");
    }
    let one = |pair: &[Vec<u8>]| {
        let (name, value) = (
            String::from_utf8_lossy(&pair[0]),
            String::from_utf8_lossy(&pair[1]),
        );
        match host.settings.set(&name, &value) {
            Ok(text) => Reply::Simple(text.into()),
            Err(text) => Reply::Bulk(format!("(error) {text}").into_bytes()),
        }
    };
    Reply::Array(pairs.chunks(2).map(one).collect())
}

fn wrong_arity(name: &str) -> Reply {
    Reply::Error(format!(
        "ERR wrong number of arguments for '{}' command",
        name.to_lowercase()
    ))
}
