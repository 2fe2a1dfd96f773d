//! One connection: what is queued is sent, what arrives is kept, both at the same time.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::address;
use super::cancel::Cancel;
use super::failure::{Failure, Outcome};
use super::handshake;
use super::input::Input;
use super::options::ConnectOptions;
use super::poll::{Deadline, SLICE, wait};
use super::retry::with_retries;
use super::server_info::ServerInfo;
use super::stream::Stream;
use super::tls::TlsSetup;
use super::tls_stream::TlsStream;
use crate::resp::extent::Extent;
use crate::resp::{Reply, encode, reply};
use crate::{Error, ErrorKind, Result};

/// Sent bytes are forgotten at the latest when there are this many.
const SENT_LIMIT: usize = 256 << 10;

/// Received and not consumed bytes that are enough to go on with while there is more to send.
/// Without it a server that sends and does not read would fill the memory.
const ENOUGH: usize = 8 << 20;

/// A connection to a server, authenticated and with its database selected.
///
/// After an error from [`Connection::fill`] or [`Connection::flush`] it is not in step with the
/// server any more and must be dropped.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    label: String,
    cancel: Cancel,
    read_timeout: Duration,
    output: Vec<u8>,
    /// How much of `output` the socket has taken.
    sent: usize,
    /// The peer takes nothing more; what it said before may still arrive.
    is_deaf: bool,
    input: Input,
    bytes_read: u64,
    bytes_written: u64,
    last_ask: Instant,
    protocol: u8,
    server: ServerInfo,
}

impl Connection {
    /// Connects, with time-out and retries, speaks TLS if asked, authenticates, selects the database.
    pub fn open(options: &ConnectOptions, cancel: &Cancel) -> Result<Self> {
        let tls = TlsSetup::new(options)?;
        with_retries(options, cancel, || {
            Self::attempt(options, tls.as_ref(), cancel)
        })
    }

    fn attempt(options: &ConnectOptions, tls: Option<&TlsSetup>, cancel: &Cancel) -> Outcome<Self> {
        let deadline = Deadline::after(options.connect_timeout());
        let socket = address::connect(&options.endpoint, deadline, cancel)?;
        let stream = match tls {
            None => Stream::Plain(socket),
            Some(TlsSetup { config, name }) => {
                let (config, name) = (config.clone(), name.clone());
                let stream = TlsStream::open(socket, config, name, deadline, cancel)?;
                Stream::Tls(Box::new(stream))
            }
        };
        let mut connection = Self::over(stream, options, cancel);
        let (protocol, server) = handshake::greet(&mut connection, options)?;
        (connection.protocol, connection.server) = (protocol, server);
        Ok(connection)
    }

    fn over(stream: Stream, options: &ConnectOptions, cancel: &Cancel) -> Self {
        Self {
            stream,
            label: options.label(),
            cancel: cancel.clone(),
            read_timeout: options.read_timeout(),
            output: Vec::new(),
            sent: 0,
            is_deaf: false,
            input: Input::new(),
            bytes_read: 0,
            bytes_written: 0,
            last_ask: Instant::now(),
            protocol: 2,
            server: ServerInfo::unknown(),
        }
    }

    /// Where to append encoded commands. They are sent by [`Connection::fill`] and [`Connection::flush`].
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// How many bytes are queued and not sent.
    pub fn pending_output(&self) -> usize {
        self.output.len().saturating_sub(self.sent)
    }

    /// Received and not yet consumed.
    pub fn input(&self) -> &[u8] {
        self.input.data()
    }

    /// Forgets the first `n` bytes of the input.
    pub fn consume(&mut self, n: usize) {
        self.input.consume(n);
    }

    /// Sends what the socket takes, and returns when at least one more byte has been received.
    pub fn fill(&mut self) -> Result<()> {
        self.fill_inner().map_err(|f| f.into_error(&self.label))
    }

    /// Sends all that is queued; what arrives meanwhile is kept. When that is much, it returns
    /// early, so that it can be consumed: [`Connection::fill`] sends the rest.
    pub fn flush(&mut self) -> Result<()> {
        self.flush_inner().map_err(|f| f.into_error(&self.label))
    }

    /// Keeps what has arrived, without waiting for more.
    pub fn take_arrived(&mut self) -> Result<()> {
        self.receive()
            .map(drop)
            .map_err(|f| f.into_error(&self.label))
    }

    fn fill_inner(&mut self) -> Outcome<()> {
        let mut silence = Deadline::after(self.read_timeout);
        loop {
            self.look_for_cancel()?;
            let sent = self.send()?;
            if self.receive()? > 0 {
                return Ok(());
            }
            if sent > 0 {
                silence = Deadline::after(self.read_timeout);
            }
            self.wait(silence)?;
        }
    }

    fn flush_inner(&mut self) -> Outcome<()> {
        let mut silence = Deadline::after(self.read_timeout);
        loop {
            self.look_for_cancel()?;
            let sent = self.send()?;
            if self.pending_output() == 0 && !self.stream.holds_records() {
                return Ok(());
            }
            if self.input().len() >= ENOUGH {
                return Ok(());
            }
            if sent + self.receive()? > 0 {
                silence = Deadline::after(self.read_timeout);
            } else {
                self.wait(silence)?;
            }
        }
    }

    /// The flag at every turn; the probe, which may be slow, once a slice.
    fn look_for_cancel(&mut self) -> Outcome<()> {
        if self.last_ask.elapsed() < SLICE {
            return self.cancel.check();
        }
        self.last_ask = Instant::now();
        self.cancel.ask()
    }

    /// Sends what the socket takes now.
    fn send(&mut self) -> Outcome<usize> {
        let mut total = 0;
        while !self.is_deaf {
            let queued = self.output.get(self.sent..).unwrap_or_default();
            let result = match queued.is_empty() {
                true => self.stream.send_records().map(|()| 0),
                false => self.stream.write(queued),
            };
            match result {
                Ok(0) => break,
                Ok(n) => {
                    // Counted at once: what has been sent stays sent if the next write fails.
                    self.sent += n;
                    self.bytes_written += n as u64;
                    total += n;
                }
                Err(e) if is_pause(&e) => break,
                // The reason may have been sent before: reading will tell.
                Err(e) if is_hangup(&e) => self.is_deaf = true,
                Err(e) => return Err(Failure::stream(&e)),
            }
        }
        self.forget_sent();
        Ok(total)
    }

    fn forget_sent(&mut self) {
        if self.sent >= self.output.len() {
            self.output.clear();
            self.sent = 0;
        } else if self.sent > SENT_LIMIT && self.sent > self.output.len() / 2 {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Receives what has arrived: 0 when nothing has.
    fn receive(&mut self) -> Outcome<usize> {
        match self.stream.read(self.input.room()) {
            Ok(0) => Err(Failure::closed()),
            Ok(n) => {
                self.input.received(n);
                self.bytes_read += n as u64;
                Ok(n)
            }
            Err(e) if is_pause(&e) => Ok(0),
            Err(e) => Err(Failure::stream(&e)),
        }
    }

    fn wait(&self, silence: Deadline) -> Outcome<()> {
        let has_output = self.pending_output() > 0 || self.stream.holds_records();
        let events = match has_output && !self.is_deaf {
            true => PollFlags::IN | PollFlags::OUT,
            false => PollFlags::IN,
        };
        let is_ready = wait(self.stream.as_fd(), events, silence.left(), &self.cancel)?;
        if !is_ready && silence.left().is_zero() {
            return Err(Failure::new(
                ErrorKind::Timeout,
                format!("silent for {:.1} s (read_timeout)", silence.seconds()),
                "is the server busy or gone? a longer read_timeout waits longer",
            ));
        }
        Ok(())
    }

    /// Sends one command and returns its reply; an error reply is an error. For control commands.
    ///
    /// No other reply may be outstanding.
    pub fn call(&mut self, args: &[&[u8]]) -> Result<Reply> {
        match self.ask(args).map_err(|f| f.into_error(&self.label))? {
            Reply::Error(text) => Err(Error::from_reply(&command_name(args), &text)),
            reply => Ok(reply),
        }
    }

    /// Like `call`, with error replies as replies.
    pub(super) fn ask(&mut self, args: &[&[u8]]) -> Outcome<Reply> {
        encode::command(&mut self.output, args);
        loop {
            match self.next_reply()? {
                Reply::Push(_) => {}
                reply => return Ok(reply),
            }
        }
    }

    fn next_reply(&mut self) -> Outcome<Reply> {
        let mut extent = Extent::default();
        let end = loop {
            match extent.advance(self.input())? {
                Some(end) => break end,
                None => self.fill_inner()?,
            }
        };
        let found = reply::build(self.input().get(..end).unwrap_or_default())?;
        self.consume(end);
        Ok(found)
    }

    /// Whether the peer has not closed an idle connection. Does not wait.
    pub fn is_alive(&mut self) -> bool {
        !self.is_deaf && self.receive().is_ok()
    }

    /// Bytes received since the connection was made.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Bytes sent since the connection was made, without TLS's own.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// 2 or 3.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Who answers.
    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    /// `host:port` or `unix:/path`, for messages: never credentials.
    pub fn endpoint_label(&self) -> &str {
        &self.label
    }
}

/// The first word: what follows may be a password.
fn command_name(args: &[&[u8]]) -> String {
    let name = args.first().copied().unwrap_or_default();
    let name = name.get(..40).unwrap_or(name);
    String::from_utf8_lossy(name).to_uppercase()
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn is_hangup(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}
