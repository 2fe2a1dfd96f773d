//! A second look at keys whose first answer did not tell whether they exist.
//!
//! HMGET answers nulls alike for a hash that has none of the fields and for a key that has just
//! vanished. MULTI with HMGET and PTTL tells them apart in one step, so a key deleted and made
//! again meanwhile can never become a row of nulls. MGET answers null for a vanished key and for
//! one of another type; TYPE tells which, for the counts.

use super::pages::NO_KEY;
use super::request::Kind;
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

impl Worker<'_> {
    pub(super) fn ask_second_look(&mut self, keys: &KeyPage) {
        let count = keys.len() as u64;
        let out = self.replies.connection.output();
        for key in keys.iter() {
            match self.request.kind {
                Kind::Hashes => {
                    command(out, &[b"MULTI"]);
                    command(out, &[b"PTTL", key]);
                    if self.plan.field_ttl {
                        self.ttl_fields.ask(out, key);
                    }
                    self.hmget.encode(out, key);
                    command(out, &[b"EXEC"]);
                }
                _ => command(out, &[b"TYPE", key]),
            }
        }
        match self.request.kind {
            Kind::Hashes => {
                add(&self.stats.transaction, 2 * count);
                add(&self.stats.pttl, count);
                add(&self.stats.hmget, count);
                add(&self.stats.hpttl, u64::from(self.plan.field_ttl) * count);
            }
            _ => add(&self.stats.key_type, count),
        }
    }

    pub(super) fn receive_second_look(&mut self, keys: &KeyPage) -> Result<()> {
        for key in keys.iter() {
            match self.request.kind {
                Kind::Hashes => self.hash_again(key)?,
                _ => self.type_again()?,
            }
        }
        Ok(())
    }

    fn hash_again(&mut self, key: &[u8]) -> Result<()> {
        let commands: &[&str] = match self.plan.field_ttl {
            true => &["PTTL", "HPTTL", "HMGET"],
            false => &["PTTL", "HMGET"],
        };
        self.replies.next_exec(commands)?;
        let ttl = self.replies.next_integer("PTTL")?;
        let mut ttls = Vec::new();
        if self.plan.field_ttl {
            self.receive_field_ttls(self.ttl_fields.len(), &mut ttls)?;
        }
        match self.replies.next()? {
            Shape::Values if ttl == NO_KEY => add(&self.stats.keys_vanished, 1),
            Shape::Values => {
                let (input, spans) = (self.replies.input(), self.replies.spans());
                self.rows.push(key, ttl, |mut row| {
                    row.field_ttls(&ttls);
                    row.field_values(input, spans)
                })?;
            }
            Shape::Error if self.replies.text().starts_with(b"WRONGTYPE") => {
                add(&self.stats.keys_of_other_type, 1);
            }
            shape => return Err(self.replies.unexpected(shape, "HMGET")),
        }
        Ok(())
    }

    fn type_again(&mut self) -> Result<()> {
        let gone = matches!(self.replies.next_text("TYPE")?, b"none" | b"string");
        if gone {
            // A string now was made again after it had vanished: it was not there all the time.
            add(&self.stats.keys_vanished, 1);
        } else {
            add(&self.stats.keys_of_other_type, 1);
            self.plan.scan_type = true;
        }
        Ok(())
    }
}
