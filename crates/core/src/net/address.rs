//! From an endpoint to a connected socket.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use rustix::event::PollFlags;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::cancel::Cancel;
use super::failure::{Failure, Outcome};
use super::options::Endpoint;
use super::poll::{Deadline, SLICE, wait};
use super::stream::Plain;
use crate::ErrorKind;

/// Connects, before the deadline.
pub(super) fn connect(endpoint: &Endpoint, deadline: Deadline, cancel: &Cancel) -> Outcome<Plain> {
    match endpoint {
        Endpoint::Tcp { host, port } => connect_host(host, *port, deadline, cancel),
        Endpoint::Unix { path } => connect_unix(path, deadline, cancel),
    }
}

/// Tries the addresses of a host in turn, each with its share of the time.
fn connect_host(host: &str, port: u16, deadline: Deadline, cancel: &Cancel) -> Outcome<Plain> {
    let addresses = resolve(host, port, deadline, cancel)?;
    let mut last = Failure::new(
        ErrorKind::Connection,
        format!("the name {host} has no address"),
        "is it right?",
    );
    for (tried, address) in (0u32..).zip(&addresses) {
        let others = u32::try_from(addresses.len()).unwrap_or(1) - tried;
        let share = Deadline::after(deadline.left() / others.max(1));
        match connect_tcp(*address, share, cancel) {
            Ok(stream) => return Ok(Plain::Tcp(stream)),
            Err(failure) if failure.kind == ErrorKind::Cancelled => return Err(failure),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// The addresses of a host. On a thread of its own, because the system's resolver cannot be stopped.
fn resolve(host: &str, port: u16, deadline: Deadline, cancel: &Cancel) -> Outcome<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (sender, receiver) = bounded(1);
    let name = host.to_owned();
    std::thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody listens any more when the deadline has passed.
        let _ = sender.send(found.map(Vec::from_iter));
    });
    loop {
        match receiver.recv_timeout(deadline.left().min(SLICE)) {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(error)) => return Err(unknown_host(host, &error)),
            Err(RecvTimeoutError::Timeout) => cancel.ask()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(unknown_host(host, &io::Error::other("no resolver")));
            }
        }
        if deadline.left().is_zero() {
            let what = format!("looking up the name {host}");
            return Err(Failure::connect_timeout(deadline.seconds(), &what));
        }
    }
}

fn unknown_host(host: &str, error: &io::Error) -> Failure {
    Failure::new(
        ErrorKind::Connection,
        format!("the name {host} cannot be looked up: {error}"),
        "is it right?",
    )
}

fn connect_tcp(address: SocketAddr, deadline: Deadline, cancel: &Cancel) -> Outcome<TcpStream> {
    let domain = Domain::for_address(address);
    let socket = new_socket(domain, Some(Protocol::TCP)).map_err(|e| Failure::io(&e))?;
    let configured = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_keepalive(true));
    configured.map_err(|e| Failure::io(&e))?;
    finish(&socket, &address.into(), deadline, cancel)?;
    Ok(socket.into())
}

fn connect_unix(path: &Path, deadline: Deadline, cancel: &Cancel) -> Outcome<Plain> {
    let address = SockAddr::unix(path).map_err(|e| {
        let hint = "give a path of fewer than 100 bytes";
        Failure::new(ErrorKind::Option, format!("not a socket's path: {e}"), hint)
    })?;
    let socket = new_socket(Domain::UNIX, None).map_err(|e| Failure::io(&e))?;
    finish(&socket, &address, deadline, cancel)?;
    Ok(Plain::Unix(OwnedFd::from(socket).into()))
}

fn new_socket(domain: Domain, protocol: Option<Protocol>) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn finish(socket: &Socket, to: &SockAddr, deadline: Deadline, cancel: &Cancel) -> Outcome<()> {
    loop {
        match socket.connect(to) {
            Ok(()) => return Ok(()),
            Err(e) if is(&e, Errno::INPROGRESS) => break,
            // A Unix socket whose queue is full says so instead of making us wait.
            Err(e) if is(&e, Errno::AGAIN) => pause(deadline, cancel)?,
            Err(e) if is(&e, Errno::INTR) => cancel.ask()?,
            Err(e) if is(&e, Errno::ISCONN) => return Ok(()),
            Err(e) => return Err(Failure::io(&e)),
        }
    }
    while !wait(socket.as_fd(), PollFlags::OUT, deadline.left(), cancel)? {
        expect_time(deadline)?;
    }
    match socket.take_error() {
        Ok(None) => Ok(()),
        Ok(Some(error)) | Err(error) => Err(Failure::io(&error)),
    }
}

fn pause(deadline: Deadline, cancel: &Cancel) -> Outcome<()> {
    expect_time(deadline)?;
    cancel.sleep(Duration::from_millis(10))
}

fn expect_time(deadline: Deadline) -> Outcome<()> {
    match deadline.left().is_zero() {
        true => Err(Failure::connect_timeout(deadline.seconds(), "connecting")),
        false => Ok(()),
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}
