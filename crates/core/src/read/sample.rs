//! HGETALL or HMGET? A look at a few hashes decides.
//!
//! HGETALL is the faster command when all fields are wanted (HMGET searches the hash once for
//! each field), but it also sends the fields that nobody asked for. So it is taken only when the
//! sampled hashes have no other fields than those asked for.

use super::plan::Values;
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// Hashes to look at.
const SAMPLE: usize = 16;
/// A scan for fewer rows than this is not worth a look.
const WORTH_A_LOOK: usize = 64;

impl Worker<'_> {
    /// Looks at some of the waiting keys; nothing may be owed by the server.
    pub(super) fn look_at_sample(&mut self) -> Result<()> {
        let few = self.rows.left() < WORTH_A_LOOK as u64 || self.waiting.len() < WORTH_A_LOOK;
        if few || !matches!(self.plan.values, Values::SomeFields | Values::DocumentPaths) {
            return Ok(());
        }
        let sample = self.waiting.sample(SAMPLE);
        if self.plan.values == Values::DocumentPaths {
            return self.look_at_documents(&sample);
        }
        let Some(small) = self.without_more_fields(&sample)? else {
            return Ok(());
        };
        if !small.is_empty() && self.has_only_wanted_fields(&small)? {
            self.plan.values = Values::AllFields;
        }
        Ok(())
    }

    /// The hashes of the sample, or none if one has more fields than were asked for.
    fn without_more_fields(&mut self, sample: &KeyPage) -> Result<Option<KeyPage>> {
        let wanted = self.request.fields().len() as i64;
        for key in sample.iter() {
            command(self.replies.connection.output(), &[b"HLEN", key]);
        }
        add(&self.stats.sample, sample.len() as u64);
        let mut small = KeyPage::default();
        let mut all = true;
        for key in sample.iter() {
            match self.replies.next()? {
                Shape::Integer(fields) if fields > wanted => all = false,
                Shape::Integer(0) => {}
                Shape::Integer(_) => small.push(key),
                // Another type, or HLEN is forbidden: the fetch itself will say what matters.
                Shape::Error => {}
                shape => return Err(self.replies.unexpected(shape, "HLEN")),
            }
        }
        Ok(all.then_some(small))
    }

    fn has_only_wanted_fields(&mut self, small: &KeyPage) -> Result<bool> {
        let wanted: Vec<Vec<u8>> = self
            .request
            .fields()
            .iter()
            .map(|field| field.as_bytes().to_vec())
            .collect();
        for key in small.iter() {
            command(self.replies.connection.output(), &[b"HGETALL", key]);
        }
        add(&self.stats.sample, small.len() as u64);
        let mut only = true;
        for _ in small.iter() {
            match self.replies.next()? {
                Shape::Values => {
                    let input = self.replies.input();
                    let mut names = self
                        .replies
                        .spans()
                        .iter()
                        .step_by(2)
                        .filter_map(|span| span.of(input));
                    only &= names.all(|name| wanted.iter().any(|field| field == name));
                }
                // HGETALL is forbidden, perhaps: then HMGET it is.
                Shape::Error => only = false,
                shape => return Err(self.replies.unexpected(shape, "HGETALL")),
            }
        }
        Ok(only)
    }
}
