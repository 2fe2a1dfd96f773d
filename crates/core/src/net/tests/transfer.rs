//! Bytes to and fro: pieces, both ways at once, silence, ends.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::super::{Cancel, Connection};
use super::{Server, next_command, options_to};
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
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 100]);
        let _ = socket.read(&mut [0; 100]);
    });
    let mut connection = server.open_with(|o| o.read_timeout_ms = 150).unwrap();
    let start = Instant::now();
    let error = connection.call(&[b"PING"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(
        error.message.contains("silent for 0.1 s") || error.message.contains("0.2 s"),
        "{error}"
    );
    assert!(start.elapsed() >= Duration::from_millis(150));
    assert!(start.elapsed() < Duration::from_millis(400));
    drop(connection);
    server.join();
}

#[test]
fn a_slow_reply_is_not_silence() {
    let server = Server::greeting(|mut socket| {
        for byte in b"$8\r\nabcdefgh\r\n" {
            std::thread::sleep(Duration::from_millis(40));
            socket.write_all(&[*byte]).unwrap();
        }
    });
    let mut connection = server.open_with(|o| o.read_timeout_ms = 150).unwrap();
    let reply = connection.call(&[b"GET", b"k"]).unwrap();
    assert_eq!(reply.as_bytes(), Some(b"abcdefgh".as_slice()));
    server.join();
}

#[test]
fn a_cancel_is_seen_within_200_ms() {
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 1]);
    });
    let cancel = Cancel::new();
    let mut options = options_to("127.0.0.1", server.port);
    options.read_timeout_ms = 60_000;
    let mut connection = Connection::open(&options, &cancel).unwrap();
    let waiting = std::thread::spawn(move || connection.fill().unwrap_err());
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    cancel.cancel();
    assert_eq!(waiting.join().unwrap().kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(200));
    server.join();
}

#[test]
fn a_probe_cancels_too() {
    let server = Server::greeting(|mut socket| {
        let _ = socket.read(&mut [0; 1]);
    });
    let start = Instant::now();
    let cancel = Cancel::with_probe(move || start.elapsed() > Duration::from_millis(100));
    let mut options = options_to("127.0.0.1", server.port);
    options.read_timeout_ms = 60_000;
    let error = Connection::open(&options, &cancel)
        .unwrap()
        .fill()
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(300));
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
    std::thread::sleep(Duration::from_millis(50));
    let error = connection.call(&[b"PING"]).unwrap_err();
    assert!(error.message.contains("goodbye"), "{error}");
    assert!(!connection.is_alive());
    server.join();
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
    std::thread::sleep(Duration::from_millis(20));
    assert!(!connection.is_alive());
}
