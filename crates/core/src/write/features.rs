//! Which commands the server has: asked once for a connection.

use super::request::{IfExists, Kind, WriteRequest};
use crate::net::Connection;
use crate::resp::Reply;
use crate::{Error, ErrorKind, Result};

/// What the server has besides what all servers have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Features {
    /// HSETEX: Redis 8.0, Valkey 9.0.
    pub(super) hsetex: bool,
}

impl Features {
    /// Asks about the commands of a write; one that the server must have and has not is an error.
    pub(super) fn ask(connection: &mut Connection, request: &WriteRequest) -> Result<Self> {
        match request.kind {
            Kind::Json => check_json_commands(connection, request)?,
            Kind::Hashes if !request.field_ttls.is_empty() => {
                return Self::of_field_ttls(connection);
            }
            _ => {}
        }
        Ok(Self::default())
    }

    fn of_field_ttls(connection: &mut Connection) -> Result<Self> {
        match has_commands(connection, &["HPEXPIRE", "HSETEX"])?.as_deref() {
            Some([false, _]) => Err(Error::new(
                ErrorKind::Reply,
                "field_ttl: the server has no HPEXPIRE; fields can expire since Redis 7.4 and \
                 Valkey 9.0. Leave field_ttl out; ttl makes whole keys expire",
            )),
            Some([_, hsetex]) => Ok(Self { hsetex: *hsetex }),
            _ => Ok(Self::default()),
        }
    }
}

fn check_json_commands(connection: &mut Connection, request: &WriteRequest) -> Result<()> {
    let wanted: &[&str] = match request.if_exists {
        IfExists::Append => &["JSON.SET", "JSON.MERGE"],
        _ => &["JSON.SET"],
    };
    match has_commands(connection, wanted)?.as_deref() {
        Some([false, ..]) => Err(Error::new(
            ErrorKind::Reply,
            "the server has no JSON.SET: load its JSON module, RedisJSON or valkey-json \
             (loadmodule in its configuration); Redis 8 and Redis Stack have it built in",
        )),
        Some([_, false]) => Err(Error::new(
            ErrorKind::Reply,
            "if_exists=\"append\" needs JSON.MERGE, which the server's JSON module does not have: \
             RedisJSON has it since 2.6, valkey-json since 1.1; or replace whole documents",
        )),
        _ => Ok(()),
    }
}

/// Whether the server has each of some commands; none where it may not be asked, so that the
/// first use will show it.
fn has_commands(connection: &mut Connection, names: &[&str]) -> Result<Option<Vec<bool>>> {
    let mut words: Vec<&[u8]> = vec![b"COMMAND", b"INFO"];
    words.extend(names.iter().map(|name| name.as_bytes()));
    match connection.call(&words) {
        Ok(reply) => match reply.as_array() {
            Some(found) if found.len() == names.len() => Ok(Some(
                found.iter().map(|each| *each != Reply::Null).collect(),
            )),
            _ => Err(Error::protocol(format!(
                "COMMAND INFO was answered with {reply:?}; is this a Redis or Valkey server?"
            ))),
        },
        Err(error) if error.kind == ErrorKind::Permission => Ok(None),
        Err(error) => Err(error),
    }
}
