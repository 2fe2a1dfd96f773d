//! What the user of a walk may read.
//!
//! Commands are checked by the server itself. What is read without one, names and types of keys
//! and hashes, is checked here, anew in each hold of the lock: rights may change in between.

use gearframe_server_api::{ContextLock, KeyView, User, Verdict, has_database_rights};

use crate::calls::{Caller, Session};

/// Commands that read in a database, by which the server is asked whether a user may enter it: two,
/// because its configuration may have renamed one.
const READS: [&[&[u8]]; 2] = [&[b"DBSIZE"], &[b"TYPE", b""]];

/// The user of a walk at a database that he may enter, while the lock is held.
pub(crate) struct Rights<'a> {
    session: Session<'a>,
    db: i32,
    /// A right to a key may be one of another database.
    mixed: bool,
}

impl<'a> Rights<'a> {
    /// The server's own error if the user may not enter the database.
    pub(crate) fn open(lock: &'a ContextLock, caller: &Caller) -> Result<Self, String> {
        let (session, db) = (Session::open(lock, caller)?, caller.db);
        if !has_database_rights() {
            let mixed = false;
            return Ok(Self { session, db, mixed });
        }
        if let Some(command) = refused(session.user(), db) {
            return Err(words(&session, command, caller));
        }
        let mixed = session.user().rules().is_none_or(|rules| mix(&rules));
        Ok(Self { session, db, mixed })
    }

    pub(crate) fn session(&self) -> &Session<'a> {
        &self.session
    }

    /// Whether the user has the right to a key. Its value is checked by the command that reads it.
    pub(crate) fn may_read(&self, key: &KeyView<'_>) -> bool {
        self.session.user().may_read(key)
    }

    /// Whether the user may read a hash without a command.
    ///
    /// The right to the key is enough. If that may be one of another database, the server only
    /// tells by a command.
    pub(crate) fn may_read_hash(&self, key: &KeyView<'_>) -> bool {
        let command: &[&[u8]] = &[b"HGETALL", key.name()];
        self.may_read(key) && (!self.mixed || self.session.user().may_run(self.db, command))
    }

    /// Whether the user may run a command.
    pub(crate) fn may_run(&self, command: &[&[u8]]) -> bool {
        self.session.user().may_run(self.db, command)
    }
}

/// The command that tells that no right of the user holds in the database. No answer is a no.
fn refused(user: &User<'_>, db: i32) -> Option<&'static [&'static [u8]]> {
    for command in READS {
        match user.verdict(db, command) {
            Verdict::Allowed | Verdict::Refused => return None,
            Verdict::OtherDatabase => return Some(command),
            Verdict::Unexplained => {}
        }
    }
    Some(READS[0])
}

/// The server's words, and its entry in the log of ACL, as for any command there.
fn words(session: &Session<'_>, command: &[&[u8]], caller: &Caller) -> String {
    let reply = session.run(command);
    let told = reply.and_then(|bytes| crate::resp::read(&bytes));
    told.err().unwrap_or_else(|| {
        let user = String::from_utf8_lossy(&caller.user);
        let db = caller.db;
        format!("NOPERM the user {user:?} may not enter the database {db}")
    })
}

/// Whether rules have several sets of rights, and one of them is for some databases alone.
fn mix(rules: &[u8]) -> bool {
    let has = |word: &[u8]| rules.windows(word.len()).any(|part| part == word);
    rules.contains(&b'(') && (has(b"db=") || has(b"resetdbs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_of_several_databases_are_told_from_those_of_one() {
        assert!(!mix(b"on nopass ~* &* +@all"));
        assert!(!mix(b"on nopass ~* resetchannels db=0,2 +@all"));
        assert!(!mix(
            b"on nopass ~* resetchannels -@all +get (%R~x:* resetchannels -@all +set)"
        ));
        assert!(mix(
            b"on nopass ~* db=0 +@all (~x:* resetchannels db=3 -@all +get)"
        ));
        assert!(mix(
            b"on nopass ~* +@all (~x:* resetchannels resetdbs -@all +get)"
        ));
        assert!(mix(
            b"on nopass ~* +@all (~x:* resetchannels db=3 -@all +get)"
        ));
    }
}
