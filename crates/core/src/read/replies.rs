//! Replies in the order in which they were asked for.

use crate::error::{Error, Result};
use crate::net::Connection;
use crate::resp::reply::{Reply, parse_reply};
use crate::resp::tokens::{Shape, Span, Tokenizer, array_header};

/// How a reply begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// An array of so many elements, which come next, one by one.
    Array(usize),
    /// Something else, read in full.
    Other(Shape),
}

/// Reads one flat reply after another from a connection.
pub(super) struct Replies {
    pub(super) connection: Connection,
    tokenizer: Tokenizer,
    /// Length of the reply that is being looked at, still in the input.
    used: usize,
}

impl Replies {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            tokenizer: Tokenizer::default(),
            used: 0,
        }
    }

    /// Waits for the next whole reply, and lets go of the one before.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Shape> {
        self.let_go();
        loop {
            match self.tokenizer.read(self.connection.input())? {
                Some((Shape::Push, used)) => self.connection.consume(used),
                Some((shape, used)) => {
                    self.used = used;
                    return Ok(shape);
                }
                None => self.connection.fill()?,
            }
        }
    }

    /// Lets go of the reply that was looked at.
    pub(super) fn let_go(&mut self) {
        self.connection.consume(std::mem::take(&mut self.used));
    }

    /// Checks that nothing is left over after the last reply: then one was shorter than it should be.
    pub(super) fn expect_end(&mut self) -> Result<()> {
        self.let_go();
        // What has arrived meanwhile counts too; a connection that has ended by now does not matter.
        self.connection.is_alive();
        match self.input().first() {
            None | Some(b'>') => Ok(()),
            Some(_) => {
                let shown = self.input().get(..40).unwrap_or(self.input());
                Err(Error::protocol(format!(
                    "the server sent more than it was asked for: «{}»",
                    shown.escape_ascii()
                )))
            }
        }
    }

    /// The values of the reply; see [`Self::input`].
    #[inline]
    pub(super) fn spans(&self) -> &[Span] {
        self.tokenizer.spans()
    }

    /// The bytes that the spans point into.
    #[inline]
    pub(super) fn input(&self) -> &[u8] {
        self.connection.input()
    }

    /// The first value: of a scalar its text, of an error its message. Empty for null.
    pub(super) fn text(&self) -> &[u8] {
        let span = self.spans().first();
        span.and_then(|span| span.of(self.input()))
            .unwrap_or_default()
    }

    /// Whether the reply is null.
    pub(super) fn is_null(&self) -> bool {
        self.spans().first().is_some_and(|span| span.is_null())
    }

    /// Waits for the header of an array whose elements come next, one by one.
    pub(super) fn next_array(&mut self, command: &str) -> Result<usize> {
        match self.next_head()? {
            Head::Array(length) => Ok(length),
            Head::Other(shape) => Err(self.unexpected(shape, command)),
        }
    }

    /// Waits for an array of so many elements.
    pub(super) fn expect_array(&mut self, length: usize, command: &str) -> Result<()> {
        match self.next_array(command)? {
            found if found == length => Ok(()),
            found => Err(Error::protocol(format!(
                "{command} was answered with {found} elements, not {length}"
            ))),
        }
    }

    /// Waits for the header of an array, or for a whole reply that is none.
    #[inline]
    pub(super) fn next_head(&mut self) -> Result<Head> {
        self.let_go();
        loop {
            match self.input().first() {
                None => {}
                Some(b'*' | b'~') => {
                    if self.input().get(1) == Some(&b'-') {
                        return self.next().map(Head::Other);
                    }
                    if let Some((length, used)) = array_header(self.input())? {
                        self.connection.consume(used);
                        return Ok(Head::Array(length));
                    }
                }
                Some(b'>') => {
                    // A push message comes between two replies; `read` alone takes it as one.
                    if let Some((_, used)) = self.tokenizer.read(self.connection.input())? {
                        self.connection.consume(used);
                        continue;
                    }
                }
                Some(_) => return self.next().map(Head::Other),
            }
            self.connection.fill()?;
        }
    }

    /// Waits for a value that is not null: a string, or a number in its text.
    #[inline]
    pub(super) fn next_value(&mut self, command: &str) -> Result<&[u8]> {
        let shape = self.next()?;
        let is_value = matches!(shape, Shape::Scalar | Shape::Simple | Shape::Double);
        if !is_value || self.spans().first().is_none_or(|span| span.is_null()) {
            return Err(self.unexpected(shape, command));
        }
        Ok(self.text())
    }

    /// Waits for a whole reply of any shape. For replies that are few and small.
    pub(super) fn next_tree(&mut self) -> Result<Reply> {
        self.let_go();
        loop {
            match parse_reply(self.input())? {
                Some((Reply::Push(_), used)) => self.connection.consume(used),
                Some((reply, used)) => {
                    self.connection.consume(used);
                    return Ok(reply);
                }
                None => self.connection.fill()?,
            }
        }
    }

    /// Waits for the answers to MULTI and these commands inside of it, and for EXEC's header.
    ///
    /// The answers to the commands come next, one by one.
    pub(super) fn next_exec(&mut self, commands: &[&str]) -> Result<()> {
        self.expect_simple(b"OK", "MULTI")?;
        for command in commands {
            self.expect_simple(b"QUEUED", command)?;
        }
        self.expect_array(commands.len(), "EXEC")
    }

    fn expect_simple(&mut self, text: &[u8], command: &str) -> Result<()> {
        match self.next()? {
            Shape::Simple if self.text() == text => Ok(()),
            shape => Err(self.unexpected(shape, command)),
        }
    }

    /// Waits for an integer.
    pub(super) fn next_integer(&mut self, command: &str) -> Result<i64> {
        match self.next()? {
            Shape::Integer(number) => Ok(number),
            shape => Err(self.unexpected(shape, command)),
        }
    }

    /// Waits for a string that is not null.
    pub(super) fn next_text(&mut self, command: &str) -> Result<&[u8]> {
        match self.next()? {
            Shape::Scalar | Shape::Simple => Ok(self.text()),
            shape => Err(self.unexpected(shape, command)),
        }
    }

    /// The error for the reply at hand, which `command` does not answer with when all is well.
    pub(super) fn unexpected(&self, shape: Shape, command: &str) -> Error {
        match shape {
            Shape::Error => Error::from_reply(command, self.text()),
            shape => Error::protocol(format!(
                "{command} was answered with {shape:?}, which it never is; is this a Redis or Valkey server?"
            )),
        }
    }
}
