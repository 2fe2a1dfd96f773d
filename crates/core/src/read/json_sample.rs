//! Whole documents or paths? A look at a few documents decides, as for hashes.
//!
//! Each path costs the server a search and a copy, the whole document one copy. It is asked for
//! where the sampled documents have no other members than those asked for.

use super::json::is_other_type;
use super::plan::Values;
use super::replies::Head;
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

impl Worker<'_> {
    /// Looks at the names of the members of a sample; nothing may be owed by the server.
    pub(super) fn look_at_documents(&mut self, sample: &KeyPage) -> Result<()> {
        if !self.json_get.is_better_whole() {
            return Ok(());
        }
        for key in sample.iter() {
            command(
                self.replies.connection.output(),
                &[b"JSON.OBJKEYS", key, b"$"],
            );
        }
        add(&self.stats.json_objkeys, sample.len() as u64);
        let (mut only, mut objects) = (true, 0);
        for _ in sample.iter() {
            match self.replies.next_head()? {
                Head::Array(documents) => {
                    for _ in 0..documents {
                        only &= self.next_has_only_wanted_members()?;
                        objects += 1;
                    }
                }
                // Gone, or another type: the fetch itself will say so.
                Head::Other(Shape::Scalar) => {}
                // JSON.OBJKEYS is forbidden, perhaps: then paths it is.
                Head::Other(Shape::Error) => only &= is_other_type(self.replies.text()),
                Head::Other(shape) => return Err(self.replies.unexpected(shape, "JSON.OBJKEYS")),
            }
        }
        if only && objects > 0 {
            self.plan.values = Values::WholeDocuments;
        }
        Ok(())
    }

    fn next_has_only_wanted_members(&mut self) -> Result<bool> {
        match self.replies.next()? {
            Shape::Values => {
                let input = self.replies.input();
                let mut names = self.replies.spans().iter();
                Ok(names.all(|name| {
                    let name = name.of(input).unwrap_or_default();
                    self.json_get.has_member(name)
                }))
            }
            // No object.
            Shape::Scalar => Ok(true),
            shape => Err(self.replies.unexpected(shape, "JSON.OBJKEYS")),
        }
    }
}
