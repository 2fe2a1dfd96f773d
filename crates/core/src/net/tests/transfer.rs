//! Bytes to and fro: pieces, both ways at once, silence, ends.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::{Cancel, Connection};
use super::{PATIENCE, Server, next_command, options_to};
use crate::ErrorKind;
use crate::resp::{Reply, command};

#[test]
fn replies_split_at_every_byte() {
    let reply = b"*2\r\n$5\r\nhello\r\n%1\r\n+a\r\n:1\r\n";
    let server = Server::greeting(move |mut socket| {
        socket.set_nodelay(true).unwrap();
        let mut input = Vec::new();
        for end in 1..reply.len() {
            next_command(&mut socket, &mut input);
            socket.write_all(&reply[..end]).unwrap();
            std::thread::sleep(Duration::from_millis(2));
            socket.write_all(&reply[end..]).unwrap();
        }
    });
    let mut connection = server.open().unwrap();
    for _ in 1..reply.len() {
        let found = connection.call(&[b"GET"]).unwrap();
        assert_eq!(found.as_array().map(<[Reply]>::len), Some(2));
        assert!(connection.input().is_empty());
    }
    server.join();
}

#[test]
fn pushes_are_skipped_and_errors_are_errors() {
    let server = Server::greeting(|mut socket| {
        let mut input = Vec::new();
        next_command(&mut socket, &mut input);
        let answer = b">2\r\n+invalidate\r\n_\r\n:7\r\n";
        socket.write_all(answer).unwrap();
        next_command(&mut socket, &mut input);
        socket.write_all(b"-NOPERM no\r\n").unwrap();
    });
    let mut connection = server.open().unwrap();
    assert_eq!(connection.call(&[b"DBSIZE"]).unwrap(), Reply::Integer(7));
    let error = connection.call(&[b"config", b"GET", b"x"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    assert!(error.message.starts_with("CONFIG: "), "{error}");
    server.join();
}

/// A server that does not read on while its answers are not taken, like one with full buffers.
fn echo(mut socket: std::net::TcpStream) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(n) = socket.read(&mut chunk) {
        if n == 0 || socket.write_all(&chunk[..n]).is_err() {
            return;
        }
    }
}

const LARGE: usize = 64 << 20;

/// How often a machine may be too busy for a time-out that is short for the test's sake.
const ATTEMPTS: usize = 40;

#[test]
fn flush_takes_in_what_the_server_says_meanwhile() {
    let server = Server::greeting(echo);
    let mut connection = server.open().unwrap();
    let before = (connection.bytes_read(), connection.bytes_written());
    connection
        .output()
        .extend((0..LARGE).map(|i| (i % 251) as u8));
    let mut seen = 0;
    while connection.pending_output() > 0 {
        connection.flush().unwrap();
        let input = connection.input();
        // It waits for the server to read, but does not take in all that the server says.
        assert!(input.len() < 10 << 20, "{} bytes", input.len());
        assert!(
            input
                .iter()
                .enumerate()
                .all(|(i, byte)| *byte == ((seen + i) % 251) as u8)
        );
        let n = input.len();
        connection.consume(n);
        seen += n;
    }
    assert_eq!(connection.bytes_written() - before.1, LARGE as u64);
    while connection.bytes_read() - before.0 < LARGE as u64 {
        connection.fill().unwrap();
    }
    drop(connection);
    server.join();
}

#[test]
fn fill_sends_and_receives_at_once() {
    let server = Server::greeting(echo);
    let mut connection = server.open().unwrap();
    connection
        .output()
        .extend((0..LARGE).map(|i| (i % 251) as u8));
    let mut seen = 0;
    while seen < LARGE {
        connection.fill().unwrap();
        let input = connection.input();
        assert!(!input.is_empty());
        assert!(
            input
                .iter()
                .enumerate()
                .all(|(i, byte)| *byte == ((seen + i) % 251) as u8)
        );
        let n = input.len();
        connection.consume(n);
        seen += n;
    }
    drop(connection);
    server.join();
}

#[test]
fn silence_is_a_time_out() {
    // The time-out holds for the greeting as well, and a busy machine may need several attempts.
    let (server, mut connection) = (0..ATTEMPTS)
        .find_map(|_| {
            let server = Server::greeting(|mut socket| {
                let _ = socket.read(&mut [0; 100]);
                let _ = socket.read(&mut [0; 100]);
            });
            let opened = server.open_with(|o| o.read_timeout_ms = 150);
            opened.ok().map(|connection| (server, connection))
        })
        .unwrap();
    let start = Instant::now();
    let error = connection.call(&[b"PING"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(
        error.message.contains("silent for 0.1 s") || error.message.contains("0.2 s"),
        "{error}"
    );
    assert!(start.elapsed() >= Duration::from_millis(150));
    assert!(start.elapsed() < PATIENCE);
    drop(connection);
    server.join();
}

#[test]
fn a_slow_reply_is_not_silence() {
    // 0.8 s in all. On a busy machine a single byte may be late; then it is tried again.
    let slowly = || {
        let server = Server::greeting(|mut socket| {
            for byte in b"$8\r\nabcdefgh\r\n" {
                std::thread::sleep(Duration::from_millis(60));
                if socket.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        });
        let mut connection = server.open_with(|o| o.read_timeout_ms = 500)?;
        connection.call(&[b"GET", b"k"])
    };
    let replies = (0..ATTEMPTS).map(|_| slowly());
    let reply = replies.flatten().next().unwrap();
    assert_eq!(reply.as_bytes(), Some(b"abcdefgh".as_slice()));
}

#[test]
fn a_cancel_ends_a_wait() {
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 1]);
    });
    let cancel = Cancel::new();
    let mut options = options_to("127.0.0.1", server.port);
    options.read_timeout_ms = 3_600_000;
    let mut connection = Connection::open(&options, &cancel).unwrap();
    let waiting = std::thread::spawn(move || connection.fill().unwrap_err());
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    cancel.cancel();
    assert_eq!(waiting.join().unwrap().kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < PATIENCE);
    server.join();
}

#[test]
fn a_probe_cancels_too() {
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 1]);
    });
    // It says so when it is asked for the third time after the greeting: a wait asks again and again.
    let (is_open, asked) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let knows = Arc::clone(&is_open);
    let cancel = Cancel::with_probe(move || {
        knows.load(Ordering::Relaxed) && asked.fetch_add(1, Ordering::Relaxed) >= 2
    });
    let mut options = options_to("127.0.0.1", server.port);
    options.read_timeout_ms = 3_600_000;
    let mut connection = Connection::open(&options, &cancel).unwrap();
    is_open.store(true, Ordering::Relaxed);
    let start = Instant::now();
    assert_eq!(connection.fill().unwrap_err().kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < PATIENCE);
    drop(connection);
    server.join();
}

#[test]
fn closed_in_the_middle() {
    let server = Server::greeting(|mut socket| {
        next_command(&mut socket, &mut Vec::new());
        socket.write_all(b"$100\r\nabc").unwrap();
    });
    let mut connection = server.open().unwrap();
    let error = connection.call(&[b"GET", b"k"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(error.message.contains("closed the connection"), "{error}");
    server.join();
}

#[test]
fn last_words_are_heard() {
    let server = Server::greeting(|mut socket| {
        socket.write_all(b"-ERR goodbye\r\n").unwrap();
    });
    let mut connection = server.open().unwrap();
    server.join(); // it has spoken, and closed the connection
    let error = connection.call(&[b"PING"]).unwrap_err();
    assert!(error.message.contains("goodbye"), "{error}");
    assert!(!connection.is_alive());
}

#[test]
fn an_idle_connection_knows_whether_it_lives() {
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 1]);
    });
    let mut connection = server.open().unwrap();
    assert!(connection.is_alive());
    command(connection.output(), &[b"BYE"]);
    connection.flush().unwrap();
    server.join();
    let start = Instant::now();
    while connection.is_alive() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}
