//! What is said first, and what becomes of each answer.

use std::time::{Duration, Instant};

use super::super::{Cancel, Connection};
use super::{HELLO, INFO, PATIENCE, Server, WELCOME, options_to};
use crate::{Error, ErrorKind};

const UNKNOWN: &str = "-ERR unknown command 'HELLO', with args beginning with: '3' \r\n";

fn refused(server: Server, user: Option<&str>, password: Option<&str>) -> Error {
    let opened = server.open_with(|o| {
        o.username = user.map(str::to_owned);
        o.password = password.map(str::to_owned);
    });
    let error = opened.unwrap_err();
    server.join();
    assert!(!error.message.contains("s3cret"), "{error}");
    error
}

#[test]
fn resp3_with_everything() {
    let server = Server::new(vec![vec![
        ("HELLO 3 AUTH ann s3cret SETNAME test", WELCOME),
        ("SELECT 5", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
    ]]);
    let mut connection = server
        .open_with(|o| {
            o.username = Some("ann".into());
            o.password = Some("s3cret".into());
            o.db = 5;
        })
        .unwrap();
    assert_eq!(connection.protocol(), 3);
    assert_eq!(connection.server().name, "valkey");
    assert_eq!(connection.server().version, "9.1.0");
    assert_eq!(connection.server().mode, "standalone");
    connection.call(&[b"PING"]).unwrap();
    assert_eq!(
        connection.endpoint_label(),
        format!("127.0.0.1:{}", server.port)
    );
    server.join();
}

#[test]
fn the_default_user_is_named() {
    let server = Server::new(vec![vec![(
        "HELLO 3 AUTH default s3cret SETNAME test",
        WELCOME,
    )]]);
    server
        .open_with(|o| o.password = Some("s3cret".into()))
        .unwrap();
    server.join();
}

#[test]
fn without_hello_resp2_is_spoken() {
    for answer in [UNKNOWN, "-NOPROTO unsupported protocol version\r\n"] {
        let server = Server::new(vec![vec![
            (HELLO, answer),
            ("CLIENT SETNAME test", "+OK\r\n"),
            (
                "INFO server",
                "$54\r\nredis_version:5.0.7\r\nredis_mode:standalone\r\nos:Linux\r\n\r\n",
            ),
        ]]);
        let connection = server.open().unwrap();
        assert_eq!(connection.protocol(), 2);
        assert_eq!(connection.server().name, "redis");
        assert_eq!(connection.server().version, "5.0.7");
        assert_eq!(connection.server().mode, "standalone");
        server.join();
    }
}

#[test]
fn resp2_when_asked() {
    let server = Server::new(vec![vec![
        ("AUTH s3cret", "+OK\r\n"),
        ("CLIENT SETNAME test", "-NOPERM no\r\n"),
        ("INFO server", "-NOPERM no\r\n"),
        ("SELECT 1", "+OK\r\n"),
    ]]);
    let connection = server.open_with(|o| {
        o.protocol = Some(2);
        o.password = Some("s3cret".into());
        o.db = 1;
    });
    assert_eq!(connection.unwrap().server().version, "");
    server.join();
}

#[test]
fn a_forbidden_name_is_left_out() {
    let server = Server::new(vec![vec![(HELLO, "-NOPERM no\r\n"), ("HELLO 3", WELCOME)]]);
    assert_eq!(server.open().unwrap().protocol(), 3);
    server.join();
}

#[test]
fn a_forbidden_hello_is_left_out() {
    let server = Server::new(vec![vec![
        (HELLO, "-NOPERM no\r\n"),
        ("HELLO 3", "-NOPERM no\r\n"),
        ("CLIENT SETNAME test", "+OK\r\n"),
        ("INFO server", INFO),
    ]]);
    let connection = server.open().unwrap();
    assert_eq!(
        (connection.protocol(), connection.server().name.as_str()),
        (2, "valkey")
    );
    server.join();
}

#[test]
fn protocol_3_is_insisted_on() {
    let server = Server::new(vec![vec![(HELLO, UNKNOWN)]]);
    let error = server.open_with(|o| o.protocol = Some(3)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Option);
    server.join();
}

#[test]
fn no_password_given() {
    let server = Server::new(vec![vec![(HELLO, "-NOAUTH HELLO must be called …\r\n")]]);
    let error = refused(server, None, None);
    assert_eq!(error.kind, ErrorKind::Authentication);
    assert!(error.message.contains("none was given"), "{error}");
}

#[test]
fn wrong_password() {
    let answer = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    let server = Server::new(vec![vec![("HELLO 3 AUTH ann s3cret SETNAME test", answer)]]);
    let error = refused(server, Some("ann"), Some("s3cret"));
    assert_eq!(error.kind, ErrorKind::Authentication);
    assert!(error.message.contains("«ann»"), "{error}");
}

#[test]
fn an_old_server_does_not_give_the_password_away() {
    let echo = "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `s3cret`, \r\n";
    let server = Server::new(vec![vec![
        ("HELLO 3 AUTH default s3cret SETNAME test", echo),
        ("AUTH s3cret", "-ERR invalid password\r\n"),
    ]]);
    assert_eq!(
        refused(server, None, Some("s3cret")).kind,
        ErrorKind::Authentication
    );

    let server = Server::new(vec![vec![(
        "HELLO 3 AUTH default s3cret SETNAME test",
        echo,
    )]]);
    let opened = server.open_with(|o| {
        o.password = Some("s3cret".into());
        o.protocol = Some(3);
    });
    assert!(!opened.unwrap_err().message.contains("s3cret"));
    server.join();
}

#[test]
fn a_db_that_is_not_there() {
    let server = Server::new(vec![vec![
        (HELLO, WELCOME),
        ("SELECT 99", "-ERR DB index is out of range\r\n"),
    ]]);
    let error = server.open_with(|o| o.db = 99).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Option);
    assert!(error.message.contains("db=99"), "{error}");
    server.join();
}

#[test]
fn loading_is_tried_again() {
    let loading = "-LOADING Redis is loading the dataset in memory\r\n";
    let server = Server::new(vec![vec![(HELLO, loading)], vec![(HELLO, WELCOME)]]);
    assert!(server.open_with(|o| o.retries = 1).is_ok());
    server.join();

    let server = Server::new(vec![vec![(HELLO, loading)], vec![(HELLO, loading)]]);
    let error = server.open_with(|o| o.retries = 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Loading);
    assert!(error.message.contains("after 2 attempts"), "{error}");
    server.join();
}

#[test]
fn nobody_listens() {
    let mut options = options_to("127.0.0.1", 1);
    options.retries = 2;
    let error = Connection::open(&options, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    let start = "cannot connect to 127.0.0.1:1: connection refused, after 3 attempts in ";
    assert!(error.message.starts_with(start), "{error}");
    assert!(
        error.message.ends_with("; is the server running there?"),
        "{error}"
    );
}

#[test]
fn no_socket_at_that_path() {
    let mut options = options_to("x", 1);
    options.endpoint = super::super::Endpoint::Unix {
        path: "/nonexistent/s".into(),
    };
    let error = Connection::open(&options, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(
        error.message.contains("unix:/nonexistent/s: no such file"),
        "{error}"
    );
}

#[test]
fn a_host_without_address() {
    let error =
        Connection::open(&options_to("no-such-host.invalid", 1), &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(error.message.contains("no-such-host.invalid"), "{error}");
}

#[test]
fn not_a_redis() {
    let server = Server::new(vec![vec![(HELLO, "HTTP/1.1 400 Bad Request\r\n\r\n")]]);
    let error = server.open().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("HTTP/1.1 400"), "{error}");
    server.join();
}

#[test]
fn a_tls_port() {
    let server = Server::new(vec![vec![(HELLO, "\x15\x03\x03\0\x02\x02\x0a")]]);
    let error = server.open().unwrap_err();
    assert!(error.message.contains("rediss://"), "{error}");
    server.join();
}

#[test]
fn closed_before_a_word() {
    let server = Server::new(vec![vec![]]);
    let error = server.open().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(error.message.contains("want TLS"), "{error}");
    server.join();
}

#[test]
fn a_cancel_ends_retries() {
    let mut options = options_to("127.0.0.1", 1);
    // A pause of up to 11 days, which must be cut.
    (options.retries, options.backoff_ms, options.max_backoff_ms) =
        (1000, 10u64.pow(9), 10u64.pow(9));
    let cancel = Cancel::new();
    let other = cancel.clone();
    let opening = std::thread::spawn(move || Connection::open(&options, &other).unwrap_err());
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    cancel.cancel();
    assert_eq!(opening.join().unwrap().kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn the_password_is_not_printed() {
    let mut options = options_to("h", 1);
    options.password = Some("s3cret".into());
    assert!(!format!("{options:?}").contains("s3cret"));
}
