//! Which commands the server has: asked once for a connection.

use super::request::{IfExists, Kind, WriteRequest};
use crate::net::Connection;
use crate::resp::Reply;
use crate::{Error, ErrorKind, Result};

/// Refuses a write whose commands the server does not have.
pub(super) fn check_commands(connection: &mut Connection, request: &WriteRequest) -> Result<()> {
    if request.kind != Kind::Json {
        return Ok(());
    }
    let wanted: &[&str] = match request.if_exists {
        IfExists::Append => &["JSON.SET", "JSON.MERGE"],
        _ => &["JSON.SET"],
    };
    let missing = |has: &bool| !has;
    match has_commands(connection, wanted)?.iter().position(missing) {
        Some(0) => Err(Error::new(
            ErrorKind::Reply,
            "the server has no JSON.SET: load its JSON module, RedisJSON or valkey-json \
             (loadmodule in its configuration); Redis 8 and Redis Stack have it built in",
        )),
        Some(_) => Err(Error::new(
            ErrorKind::Reply,
            "if_exists=\"append\" needs JSON.MERGE, which the server's JSON module does not have: \
             RedisJSON has it since 2.6; or replace whole documents",
        )),
        None => Ok(()),
    }
}

/// Whether the server has each of some commands. Where it may not be asked, it is taken to have
/// them: the first use shows it then.
fn has_commands(connection: &mut Connection, names: &[&str]) -> Result<Vec<bool>> {
    let mut words: Vec<&[u8]> = vec![b"COMMAND", b"INFO"];
    words.extend(names.iter().map(|name| name.as_bytes()));
    match connection.call(&words) {
        Ok(reply) => match reply.as_array() {
            Some(found) if found.len() == names.len() => {
                Ok(found.iter().map(|each| *each != Reply::Null).collect())
            }
            _ => Err(Error::protocol(format!(
                "COMMAND INFO was answered with {reply:?}; is this a Redis or Valkey server?"
            ))),
        },
        Err(error) if error.kind == ErrorKind::Permission => Ok(vec![true; names.len()]),
        Err(error) => Err(error),
    }
}
