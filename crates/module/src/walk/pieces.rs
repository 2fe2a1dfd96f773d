//! A value that is read in pieces, each in a hold of the lock of its own.
//!
//! Between two holds anything may happen to the key. So each hold looks whether it is still there
//! and of its type: what is left of a key that was deleted in between is no value.

use gearframe_embedded_python::Value;
use gearframe_server_api::{KeyKind, OpenedKey};

use crate::calls::Session;
use crate::resp;
use crate::walk::later::Later;
use crate::walk::reader::Reader;
use crate::walk::rights::Rights;

/// The bytes of one piece, about; a command knows them when it is over.
pub(crate) const PIECE_BYTES: usize = 128 << 10;

/// How often what does not stand still is begun anew.
pub(crate) const TRIES: usize = 8;

/// Why there is no value.
pub(crate) enum Stop {
    /// There is no such key any more, or nobody wants it.
    Gone,
    /// It is of another type now, or has become short.
    Became(KeyKind, usize),
    /// The server's error.
    Failed(String),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

/// A key that is read piece by piece.
pub(crate) struct Pieces<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) key: &'a [u8],
    pub(crate) kind: KeyKind,
    /// Of all that was read so far.
    pub(crate) bytes: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(reader: &'a Reader, later: &'a Later) -> Self {
        Self {
            reader,
            key: &later.key,
            kind: later.kind,
            bytes: 0,
        }
    }

    fn is_still(&self, (kind, length): (KeyKind, usize)) -> Result<(), Stop> {
        match kind {
            _ if self.reader.stopped() => Err(Stop::Gone),
            KeyKind::Empty => Err(Stop::Gone),
            kind if kind != self.kind => Err(Stop::Became(kind, length)),
            _ => Ok(()),
        }
    }

    /// Runs commands in one hold: nothing changes between them.
    pub(crate) fn run<const N: usize>(
        &mut self,
        commands: [&[&[u8]]; N],
    ) -> Result<[Value; N], Stop> {
        let caller = self.reader.caller();
        let (replies, now) = self.reader.hold(|lock| {
            let rights = Rights::open(lock, caller)?;
            let session = rights.session();
            let replies = commands.map(|command| session.run(command));
            // Looked at behind the commands: what is there now was there all the time of the hold.
            Ok::<_, String>((replies, session.look(self.key)))
        })?;
        self.is_still(now)?;
        let mut values = [const { Value::None }; N];
        for (value, reply) in values.iter_mut().zip(replies) {
            let bytes = reply?;
            self.bytes += bytes.len();
            *value = resp::read(&bytes)?;
        }
        Ok(values)
    }

    /// Looks at the value in place, in one hold. `right` is a command that the user must be allowed
    /// to run for that, beside the right to read the key; a hash may be read without.
    ///
    /// Who opens the same key once more in there closes this one before: in Redis 7.0 time goes on
    /// during a hold, and to open a key that has just expired deletes it below the other.
    pub(crate) fn look<R>(
        &mut self,
        right: Option<&[&[u8]]>,
        work: impl FnOnce(OpenedKey<'_>, &Session<'_>) -> R,
    ) -> Result<R, Stop> {
        let caller = self.reader.caller();
        let (found, now) = self.reader.hold(|lock| {
            let rights = Rights::open(lock, caller)?;
            let opened = rights.session().key(self.key);
            let key = opened.view();
            let now = (key.kind(), key.length());
            let allowed = || match right {
                Some(right) => rights.may_read(key) && rights.may_run(right),
                None => rights.may_read_hash(key),
            };
            let good = now.0 == self.kind && allowed();
            let found = good.then(|| work(opened, rights.session()));
            Ok::<_, String>((found, now))
        })?;
        self.is_still(now)?;
        match (found, right) {
            (Some(found), _) => Ok(found),
            // The server's own words for a right that is missing.
            (None, Some(right)) => Err(match self.run([right]) {
                Err(stop) => stop,
                Ok(_) => Stop::Failed(caller.may_not_read(self.key)),
            }),
            (None, None) => Err(Stop::Failed(caller.may_not_read(self.key))),
        }
    }
}
