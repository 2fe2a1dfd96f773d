//! TLS over a non-blocking socket.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::event::PollFlags;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::cancel::Cancel;
use super::failure::{Failure, Outcome};
use super::poll::{Deadline, wait};
use super::stream::Plain;
use super::tls_failure::tls_failure;

/// Larger than a record, so that one system call brings several.
const RECEIVE: usize = 128 << 10;

pub(super) struct TlsStream {
    socket: Plain,
    tls: ClientConnection,
    /// What the socket gave and rustls has not taken is at `start..end`.
    received: Vec<u8>,
    start: usize,
    end: usize,
}

impl TlsStream {
    /// Shakes hands, before the deadline.
    pub(super) fn open(
        socket: Plain,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        deadline: Deadline,
        cancel: &Cancel,
    ) -> Outcome<Self> {
        let tls = ClientConnection::new(config, name).map_err(|e| tls_failure(&e))?;
        let mut stream = Self {
            socket,
            tls,
            received: vec![0; RECEIVE],
            start: 0,
            end: 0,
        };
        while stream.tls.is_handshaking() {
            stream.shake(deadline, cancel)?;
        }
        Ok(stream)
    }

    fn shake(&mut self, deadline: Deadline, cancel: &Cancel) -> Outcome<()> {
        accept_blocked(self.send_records()).map_err(|e| Failure::stream(&e))?;
        let progress = match self.tls.wants_read() {
            true => accept_blocked(self.receive()).map_err(|e| Failure::stream(&e))?,
            false => None,
        };
        match progress {
            Some(0) => Err(Failure::closed_in_tls()),
            Some(_) => cancel.check(),
            None if !self.tls.is_handshaking() => Ok(()),
            None if deadline.left().is_zero() => Err(Failure::tls_timeout(deadline.seconds())),
            None => wait(self.as_fd(), self.interest(), deadline.left(), cancel).map(drop),
        }
    }

    fn interest(&self) -> PollFlags {
        match self.tls.wants_write() {
            true => PollFlags::IN | PollFlags::OUT,
            false => PollFlags::IN,
        }
    }

    /// Fills `buffer` as far as what has arrived goes.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.tls.reader().read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => match self.receive() {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(e) if filled > 0 && e.kind() == io::ErrorKind::WouldBlock => break,
                    Err(e) => return Err(e),
                },
                // An end without the farewell of TLS: RESP itself shows what is cut short.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    /// Brings received bytes to rustls. 0 is the end.
    fn receive(&mut self) -> io::Result<usize> {
        if self.start == self.end {
            let n = self.socket.read(&mut self.received)?;
            (self.start, self.end) = (0, n);
        }
        let mut bytes = self.received.get(self.start..self.end).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(0);
        }
        let taken = self.tls.read_tls(&mut bytes)?;
        self.start += taken;
        if let Err(error) = self.tls.process_new_packets() {
            // The peer learns why, when its socket takes it.
            let _ = self.send_records();
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(taken)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send_records()?;
        let taken = self.tls.writer().write(bytes)?;
        accept_blocked(self.send_records())?;
        Ok(taken)
    }

    pub(super) fn holds_records(&self) -> bool {
        self.tls.wants_write()
    }

    pub(super) fn send_records(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

fn accept_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(e),
    }
}

impl AsFd for TlsStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TlsStream").field(&self.socket).finish()
    }
}
