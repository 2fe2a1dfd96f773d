//! The functions that Python sees in the module `_gearframe_host`. None of them runs with the GIL.

use std::time::Duration;

use gearframe_embedded_python::{Failure, Function, Value};
use gearframe_server_api::LogLevel;

use crate::arguments::Arguments;
use crate::calls::{self, Answer, Caller};
use crate::host::{self, Host};
use crate::lock::ServerLock;
use crate::{facts, replies, walk};

type Outcome = Result<Value, Failure>;

macro_rules! functions {
    ($($function:ident: $name:literal, $doc:literal;)*) => {
        /// The table that Python's module is made of.
        pub(crate) static FUNCTIONS: &[Function] = &[
            $(Function { name: $name, doc: $doc, run: |values| {
                let host = host::host().ok_or_else(|| Failure::Runtime("there is no host".into()))?;
                $function(host, Arguments::new(stringify!($function), values))
            } },)*
        ];
    };
}

functions! {
    next_command: c"next_command", c"Wait for the next command of a client; None when the server ends.";
    reply: c"reply", c"Answer a client; False if it is gone.";
    post: c"post", c"Put a message into a mailbox; False if there is no such box.";
    take: c"take", c"Take a message from a mailbox, waiting for so many milliseconds.";
    open_box: c"open_box", c"Make a mailbox; its number.";
    close_box: c"close_box", c"Remove a mailbox.";
    start_interpreter: c"start_interpreter", c"Run a function in a new sub-interpreter, on a thread of its own.";
    walk_open: c"walk_open", c"Begin a walk over keys; its number.";
    walk_next: c"walk_next", c"The next records, and whether there are documents to decode; None at the end.";
    walk_close: c"walk_close", c"End a walk; what it cost.";
    call: c"call", c"Run a command as a user: (True, value) or (False, error).";
    atomic_enter: c"atomic_enter", c"Take the server's lock for this thread.";
    atomic_exit: c"atomic_exit", c"Let the server's lock go.";
    log: c"log", c"Write a line to the server's log.";
    config_get: c"config_get", c"A setting's value as text, or None.";
    facts: c"facts", c"What there is to know of the server and this Python.";
    info_set: c"info_set", c"Set a section of INFO.";
}

fn signed(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn next_command(host: &'static Host, _: Arguments) -> Outcome {
    let Some(command) = host.tokens.next() else {
        return Ok(Value::None);
    };
    let text = |name: &str| Value::Text(name.to_owned());
    let client = vec![
        (text("user"), Value::Text(command.user)),
        (text("id"), signed(command.client)),
        (text("db"), Value::Int(command.db.into())),
        (
            text("protocol"),
            Value::Int(if command.resp3 { 3 } else { 2 }),
        ),
    ];
    let arguments = command.arguments.into_iter().map(Value::Bytes).collect();
    Ok(Value::Tuple(vec![
        signed(command.token),
        Value::Text(command.name),
        Value::List(arguments),
        Value::Dict(client),
    ]))
}

fn reply(host: &'static Host, mut given: Arguments) -> Outcome {
    let token = given.id()?;
    let reply = replies::from_value(given.any()?);
    Ok(Value::Bool(host.tokens.answer(token, &reply)))
}

fn post(host: &'static Host, mut given: Arguments) -> Outcome {
    let number = given.id()?;
    Ok(Value::Bool(host.mailboxes.post(number, given.any()?)))
}

fn take(host: &'static Host, mut given: Arguments) -> Outcome {
    let (number, limit) = (given.id()?, given.number()?);
    let limit = u64::try_from(limit).ok().map(Duration::from_millis);
    Ok(host.mailboxes.take(number, limit).unwrap_or(Value::None))
}

fn open_box(host: &'static Host, _: Arguments) -> Outcome {
    Ok(signed(host.mailboxes.open()))
}

fn close_box(host: &'static Host, mut given: Arguments) -> Outcome {
    host.mailboxes.close(given.id()?);
    Ok(Value::None)
}

fn start_interpreter(host: &'static Host, mut given: Arguments) -> Outcome {
    let (name, isolated) = (given.text()?, given.truth()?);
    let (module, function, arguments) = (given.text()?, given.text()?, given.list()?);
    let python = host
        .python
        .get()
        .ok_or_else(|| Failure::Runtime("Python is starting".into()))?;
    python
        .spawn_interpreter(&name, isolated, &module, &function, arguments)
        .map(|()| Value::None)
        .map_err(Failure::Runtime)
}

fn walk_open(host: &'static Host, mut given: Arguments) -> Outcome {
    let options = walk::Options::read(given.dict()?)?;
    host.walks.open(host, options).map(signed)
}

fn walk_next(host: &'static Host, mut given: Arguments) -> Outcome {
    if ServerLock::in_atomic() {
        return Err(Failure::Runtime(
            "records cannot be read inside an atomic block, whose lock the walk waits for; use execute('SCAN', ...), or read them before the block".into(),
        ));
    }
    match host.walks.next(given.id()?) {
        Ok(None) => Ok(Value::None),
        Ok(Some(batch)) => Ok(Value::Tuple(vec![
            Value::Records(Box::new(batch.records)),
            Value::Bool(batch.documents),
        ])),
        Err(text) => Err(Failure::Runtime(text)),
    }
}

fn walk_close(host: &'static Host, mut given: Arguments) -> Outcome {
    let cost = host.walks.close(given.id()?);
    let pairs = cost
        .into_iter()
        .map(|(name, number)| (Value::Text(name.into()), signed(number)));
    Ok(Value::Dict(pairs.collect()))
}

fn caller(given: &mut Arguments) -> Result<Caller, Failure> {
    let (user, db) = (given.text()?.into_bytes(), given.number()?);
    let db = i32::try_from(db).map_err(|_| Failure::Value(format!("there is no database {db}")))?;
    Ok(Caller {
        user,
        db,
        resp3: given.number()? == 3,
    })
}

fn answered(answer: Answer) -> Value {
    let (fine, value) = match answer {
        Ok(value) => (true, value),
        Err(text) => (false, Value::Text(text)),
    };
    Value::Tuple(vec![Value::Bool(fine), value])
}

fn call(host: &'static Host, mut given: Arguments) -> Outcome {
    let caller = caller(&mut given)?;
    Ok(answered(calls::call(
        &host.lock,
        &caller,
        &given.command()?,
    )))
}

fn atomic_enter(host: &'static Host, _: Arguments) -> Outcome {
    if host.lock.enter_atomic() {
        Ok(Value::None)
    } else {
        Err(Failure::Runtime("Already inside an atomic block".into()))
    }
}

fn atomic_exit(host: &'static Host, _: Arguments) -> Outcome {
    if host.lock.leave_atomic() {
        Ok(Value::None)
    } else {
        Err(Failure::Runtime("Not inside an atomic block".into()))
    }
}

fn log(host: &'static Host, mut given: Arguments) -> Outcome {
    let (name, text) = (given.text()?, given.text()?);
    let level = LogLevel::parse(&name).ok_or_else(|| {
        Failure::Value(format!(
            "{name:?} is no log level: debug, verbose, notice or warning"
        ))
    })?;
    host.lock.context().log(level, &text);
    Ok(Value::None)
}

fn config_get(host: &'static Host, mut given: Arguments) -> Outcome {
    Ok(host
        .settings
        .get(&given.text()?)
        .map_or(Value::None, Value::Text))
}

fn facts(host: &'static Host, _: Arguments) -> Outcome {
    Ok(facts::collect(host))
}

fn info_set(host: &'static Host, mut given: Arguments) -> Outcome {
    let section = given.text()?;
    let mut fields = Vec::new();
    for pair in given.dict()? {
        fields.push(match pair {
            (Value::Text(name), Value::Int(number)) => (name, number.to_string()),
            (Value::Text(name), Value::Text(text)) => (name, text),
            _ => {
                return Err(Failure::Value(
                    "info_set(): fields are str with int or str".into(),
                ));
            }
        });
    }
    host.set_section(section, fields);
    Ok(Value::None)
}
