//! A scripted server, and what connections do with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod handshake;
mod transfer;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Cancel, ConnectOptions, Connection};
use crate::Result;
use crate::resp::{Reply, parse_reply};

/// A limit that only a hang exceeds, however busy the machine is.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn options_to(host: &str, port: u16) -> ConnectOptions {
    let json = format!(
        r#"{{"endpoint":{{"tcp":{{"host":"{host}","port":{port}}}}},"tls":null,
        "username":null,"password":null,"db":0,"connect_timeout_ms":60000,"read_timeout_ms":60000,
        "retries":0,"backoff_ms":10,"max_backoff_ms":50,"client_name":"test","protocol":null}}"#
    );
    ConnectOptions::from_json(&json).unwrap()
}

pub(super) const HELLO: &str = "HELLO 3 SETNAME test";
pub(super) const WELCOME: &str =
    "%3\r\n+server\r\n+valkey\r\n+version\r\n+9.1.0\r\n+mode\r\n+standalone\r\n";
pub(super) const INFO: &str =
    "$73\r\n# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.0\r\n\r\n";

/// What one accepted connection is asked, and what it answers; afterwards it is closed.
pub(super) type Script = Vec<(&'static str, &'static str)>;

/// A server that accepts one connection after another and follows a script for each.
pub(super) struct Server {
    pub(super) port: u16,
    thread: JoinHandle<()>,
}

impl Server {
    pub(super) fn new(scripts: Vec<Script>) -> Self {
        Self::custom(move |listener| {
            for script in scripts {
                let mut socket = listener.accept().unwrap().0;
                follow(&mut socket, script);
            }
        })
    }

    /// A server that says hello, and then does as told with the socket.
    pub(super) fn greeting(then: impl FnOnce(TcpStream) + Send + 'static) -> Self {
        Self::custom(move |listener| {
            let mut socket = listener.accept().unwrap().0;
            follow(&mut socket, vec![(HELLO, WELCOME)]);
            then(socket);
        })
    }

    pub(super) fn custom(then: impl FnOnce(TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || then(listener));
        Self { port, thread }
    }

    pub(super) fn open(&self) -> Result<Connection> {
        self.open_with(|_| {})
    }

    pub(super) fn open_with(&self, change: impl FnOnce(&mut ConnectOptions)) -> Result<Connection> {
        let mut options = options_to("127.0.0.1", self.port);
        change(&mut options);
        Connection::open(&options, &Cancel::new())
    }

    /// Waits until the script has been followed; panics when the client has not kept to it.
    pub(super) fn join(self) {
        self.thread.join().unwrap();
    }
}

fn follow(socket: &mut TcpStream, script: Script) {
    let mut input = Vec::new();
    for (expected, answer) in script {
        assert_eq!(next_command(socket, &mut input), expected);
        socket.write_all(answer.as_bytes()).unwrap();
    }
}

pub(super) fn next_command(socket: &mut TcpStream, input: &mut Vec<u8>) -> String {
    loop {
        if let Some((Reply::Array(words), length)) = parse_reply(input).unwrap() {
            input.drain(..length);
            let words = words.iter().map(|word| word.as_bytes().unwrap());
            let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
            return words.collect::<Vec<_>>().join(" ");
        }
        let mut chunk = [0; 4096];
        let n = socket.read(&mut chunk).unwrap();
        assert!(n > 0, "the client hung up");
        input.extend_from_slice(&chunk[..n]);
    }
}
