//! What Python may ask about the server that it lives in.

use gearframe_embedded_python::{self as embedded, Value};

use crate::calls::{Caller, call};
use crate::host::Host;

/// The slot of this text is 0, the first that a server without a cluster owns.
const HASHTAG: &str = "06S";

/// Collects the facts. Takes the server's lock for a moment.
pub(crate) fn collect(host: &'static Host) -> Value {
    let flags = host.lock.with(gearframe_server_api::ContextLock::flags);
    let (server, version, run_id) = server(host);
    let memory = embedded::memory();
    let bytes = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let memory = dict(vec![
        ("total", bytes(memory.total)),
        ("peak", bytes(memory.peak)),
        ("current", bytes(memory.current)),
    ]);
    let own_gil = host.python.get().is_some_and(embedded::Python::has_own_gil);
    dict(vec![
        ("server", Value::Text(server)),
        ("version", Value::Text(version)),
        ("run_id", Value::Text(run_id)),
        ("replica", Value::Bool(flags.replica())),
        ("loading", Value::Bool(flags.loading())),
        ("cluster", Value::Bool(flags.cluster())),
        ("shard_id", Value::Text("0".repeat(40))),
        ("hashtag", Value::Text(HASHTAG.into())),
        ("python", Value::Text(host.interpreter.version.clone())),
        ("own_gil", Value::Bool(own_gil)),
        ("memory", memory),
        (
            "executable",
            Value::Text(host.interpreter.program.display().to_string()),
        ),
    ])
}

fn dict(pairs: Vec<(&str, Value)>) -> Value {
    Value::Dict(
        pairs
            .into_iter()
            .map(|(name, value)| (Value::Text(name.into()), value))
            .collect(),
    )
}

/// The server's name, version and run id, from INFO.
fn server(host: &'static Host) -> (String, String, String) {
    let caller = Caller {
        user: b"default".to_vec(),
        db: 0,
        resp3: false,
    };
    let command = [b"INFO".to_vec(), b"server".to_vec()];
    let text = match call(&host.lock, &caller, &command) {
        Ok(Value::Bulk(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    let field = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    };
    let run_id = field("run_id").unwrap_or_default();
    match field("valkey_version") {
        Some(version) => ("valkey".into(), version, run_id),
        None => (
            "redis".into(),
            field("redis_version").unwrap_or_default(),
            run_id,
        ),
    }
}
