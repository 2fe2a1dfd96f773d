//! The first words on a connection: protocol, user, name, database.

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::options::ConnectOptions;
use super::server_info::ServerInfo;
use crate::error::shown;
use crate::resp::Reply;
use crate::{Error, ErrorKind};

/// The first byte of a TLS alert: what a TLS port answers to plain RESP.
const TLS_ALERT: u8 = 0x15;

/// Greets the server; returns the protocol agreed on and who it is.
pub(super) fn greet(
    connection: &mut Connection,
    options: &ConnectOptions,
) -> Outcome<(u8, ServerInfo)> {
    let greeted = agree(connection, options).and_then(|agreed| {
        select(connection, options.db)?;
        Ok(agreed)
    });
    greeted.map_err(|failure| explain(failure, connection, options))
}

/// What commonly stands behind a failure at this point.
fn explain(mut failure: Failure, connection: &Connection, options: &ConnectOptions) -> Failure {
    let is_plain = options.tls.is_none();
    let is_unanswered = connection.bytes_read() == 0;
    if is_plain && failure.kind == ErrorKind::Connection && is_unanswered {
        failure.hint = "does that port want TLS (rediss://)?".to_owned();
    }
    if is_plain && connection.input().first() == Some(&TLS_ALERT) {
        let hint = "connect with rediss://";
        return Failure::new(ErrorKind::Connection, "that port speaks TLS", hint).for_good();
    }
    failure
}

fn agree(connection: &mut Connection, options: &ConnectOptions) -> Outcome<(u8, ServerInfo)> {
    if options.protocol != Some(2) {
        match hello(connection, options)? {
            Hello::Agreed(server) => return Ok((3, server)),
            Hello::Unknown(text) if options.protocol == Some(3) => {
                return Err(Failure::new(
                    ErrorKind::Option,
                    format!("protocol=3 was asked for, and the server answered «{text}»"),
                    "leave protocol out, or give protocol=2",
                ));
            }
            Hello::Unknown(_) => {}
        }
    }
    authenticate(connection, options)?;
    set_name(connection, options)?;
    Ok((2, info(connection)?))
}

enum Hello {
    Agreed(ServerInfo),
    /// The server does not speak RESP3, or does not let us.
    Unknown(String),
}

fn hello(connection: &mut Connection, options: &ConnectOptions) -> Outcome<Hello> {
    let first = hello_once(connection, options, options.client_name.as_deref())?;
    match &first {
        // It may be the name that is forbidden, and that is not worth the protocol.
        Hello::Unknown(text) if text.starts_with("NOPERM") && options.client_name.is_some() => {
            hello_once(connection, options, None)
        }
        _ => Ok(first),
    }
}

fn hello_once(
    connection: &mut Connection,
    options: &ConnectOptions,
    name: Option<&str>,
) -> Outcome<Hello> {
    let mut args: Vec<&[u8]> = vec![b"HELLO", b"3"];
    if let Some((user, password)) = credentials(options) {
        args.extend([b"AUTH", user.as_bytes(), password.as_bytes()]);
    }
    if let Some(name) = name {
        args.extend([b"SETNAME", name.as_bytes()]);
    }
    match connection.ask(&args)? {
        Reply::Error(text) => {
            let text = redacted(&text, options);
            let lower = text.to_ascii_lowercase();
            let is_unknown = ["noproto", "noperm", "err unknown", "err syntax"];
            match is_unknown.iter().any(|start| lower.starts_with(start)) {
                true => Ok(Hello::Unknown(text)),
                false => Err(refusal("HELLO", &text, options)),
            }
        }
        reply => Ok(Hello::Agreed(ServerInfo::from_hello(&reply))),
    }
}

/// A user without a password is sent an empty one: a `nopass` user takes any.
fn credentials(options: &ConnectOptions) -> Option<(&str, &str)> {
    match (&options.username, &options.password) {
        (None, None) => None,
        (user, password) => Some((
            user.as_deref().unwrap_or("default"),
            password.as_deref().unwrap_or_default(),
        )),
    }
}

fn authenticate(connection: &mut Connection, options: &ConnectOptions) -> Outcome<()> {
    let Some((user, password)) = credentials(options) else {
        return Ok(());
    };
    // Servers before ACLs (Redis 5) know only the password.
    let reply = match options.username {
        Some(_) => connection.ask(&[b"AUTH", user.as_bytes(), password.as_bytes()])?,
        None => connection.ask(&[b"AUTH", password.as_bytes()])?,
    };
    let Reply::Error(text) = reply else {
        return Ok(());
    };
    let text = redacted(&text, options);
    let mut failure = refusal("AUTH", &text, options);
    if failure.kind == ErrorKind::Reply {
        // `ERR invalid password`, `ERR Client sent AUTH, but no password is set` and their like.
        failure = wrong_password(&text, options);
    }
    Err(failure)
}

fn set_name(connection: &mut Connection, options: &ConnectOptions) -> Outcome<()> {
    let Some(name) = &options.client_name else {
        return Ok(());
    };
    match connection.ask(&[b"CLIENT", b"SETNAME", name.as_bytes()])? {
        // The name is a courtesy to whoever reads CLIENT LIST: not worth a connection.
        Reply::Error(text) if text.starts_with(b"NOPERM") || text.starts_with(b"ERR unknown") => {
            Ok(())
        }
        Reply::Error(text) => Err(refusal("CLIENT SETNAME", &lossy(&text), options)),
        _ => Ok(()),
    }
}

fn info(connection: &mut Connection) -> Outcome<ServerInfo> {
    match connection.ask(&[b"INFO", b"server"])? {
        Reply::Error(text) if text.starts_with(b"NOPERM") => Ok(ServerInfo::unknown()),
        Reply::Error(text) => Err(Error::from_reply("INFO server", &text).into()),
        reply => Ok(ServerInfo::from_info(reply.as_bytes().unwrap_or_default())),
    }
}

fn select(connection: &mut Connection, db: u32) -> Outcome<()> {
    if db == 0 {
        return Ok(());
    }
    let Reply::Error(text) = connection.ask(&[b"SELECT", db.to_string().as_bytes()])? else {
        return Ok(());
    };
    let error = Error::from_reply("SELECT", &text);
    if error.kind != ErrorKind::Reply {
        return Err(error.into());
    }
    Err(Failure::new(
        ErrorKind::Option,
        format!("db={db} is refused: the server answered «{}»", lossy(&text)),
        "give a db it has (CONFIG GET databases; a cluster has only 0)",
    ))
}

fn refusal(command: &str, text: &str, options: &ConnectOptions) -> Failure {
    match text.split(' ').next().unwrap_or_default() {
        "NOAUTH" => Failure::new(
            ErrorKind::Authentication,
            "the server wants a password, and none was given",
            "give it in the URL (redis://user:password@host) or to connect()",
        ),
        "WRONGPASS" => wrong_password(text, options),
        "DENIED" => Failure::new(ErrorKind::Connection, text, "").for_good(),
        _ if text.starts_with("ERR max number of clients") => Failure::new(
            ErrorKind::Connection,
            format!("the server answered «{text}»"),
            "raise its maxclients, or close other clients",
        ),
        _ => Error::from_reply(command, text.as_bytes()).into(),
    }
}

fn wrong_password(text: &str, options: &ConnectOptions) -> Failure {
    let user = credentials(options).map_or("default", |(user, _)| user);
    Failure::new(
        ErrorKind::Authentication,
        format!("the server refused the user «{user}» with this password («{text}»)"),
        "check both; ACL LIST on the server shows its users",
    )
}

/// Servers that do not know a command repeat its arguments, and those hold the password.
fn redacted(text: &[u8], options: &ConnectOptions) -> String {
    let text = String::from_utf8_lossy(text);
    let text = match options.password.as_deref() {
        None | Some("") => text.into_owned(),
        Some(_) if text.contains("with args beginning with") => {
            let head = text.split(", with args").next().unwrap_or_default();
            head.to_owned()
        }
        Some(password) => text.replace(password, "***"),
    };
    // Cut last: half a password is not found.
    shown(&text)
}

fn lossy(text: &[u8]) -> String {
    shown(&String::from_utf8_lossy(text))
}
