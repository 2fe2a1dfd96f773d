//! Asking for a page of keys, and turning the replies into rows.

use super::commands;
use super::plan::Values;
use super::stats::add;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// PTTL's answer for a key that does not exist.
pub(super) const NO_KEY: i64 = -2;
/// PTTL's answer for a key that does not expire.
const NO_TTL: i64 = -1;

/// What is known of one key of a page before its values come.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) present: bool,
    pub(super) ttl: i64,
    /// Where the times to live of its fields stand.
    field_ttls: (usize, usize),
}

impl Known {
    fn of<'t>(&self, field_ttls: &'t [i64]) -> &'t [i64] {
        let (start, end) = self.field_ttls;
        field_ttls.get(start..end).unwrap_or_default()
    }
}

impl Worker<'_> {
    /// Queues TYPE, PTTL and the values of each key, as far as the plan wants them.
    pub(super) fn ask_page(&mut self, keys: &KeyPage, window: usize) {
        let count = keys.len() as u64;
        let out = self.replies.connection.output();
        if self.plan.key_type {
            commands::each_key(out, b"TYPE", keys);
            add(&self.stats.key_type, count);
        }
        if self.plan.ttl {
            commands::each_key(out, b"PTTL", keys);
            add(&self.stats.pttl, count);
        }
        if self.plan.field_ttl {
            for key in keys.iter() {
                self.ttl_fields.ask(out, key);
            }
            add(&self.stats.hpttl, count);
        }
        match self.plan.values {
            Values::None => {}
            Values::Elements => self.ask_elements(keys, window),
            Values::DocumentPaths => self.ask_documents(keys, false),
            Values::WholeDocuments => self.ask_documents(keys, true),
            Values::Facts => self.ask_facts(keys),
            Values::SomeFields => {
                for key in keys.iter() {
                    self.hmget.encode(out, key);
                }
                add(&self.stats.hmget, count);
            }
            Values::AllFields => {
                for key in keys.iter() {
                    command(out, &[b"HGETALL", key]);
                }
                add(&self.stats.hgetall, count);
            }
            Values::Strings => {
                commands::mget(out, keys);
                add(&self.stats.mget, 1);
            }
        }
    }

    /// Receives the replies to [`Self::ask_page`]; `values` is how that asked for values.
    pub(super) fn receive_page(
        &mut self,
        keys: &KeyPage,
        values: Values,
        window: usize,
    ) -> Result<()> {
        let unknown = Known {
            present: true,
            ttl: NO_TTL,
            field_ttls: (0, 0),
        };
        let mut known = vec![unknown; keys.len()];
        if self.plan.key_type {
            self.receive_types(&mut known)?;
        }
        if self.plan.ttl {
            self.receive_ttls(&mut known)?;
        }
        if self.plan.field_ttl {
            self.receive_ttls_of_fields(&mut known)?;
        }
        match values {
            Values::Elements => self.receive_elements(keys, &known, window),
            Values::DocumentPaths => self.receive_documents(keys, &known, false),
            Values::WholeDocuments => self.receive_documents(keys, &known, true),
            Values::Facts => self.receive_facts(keys, &known),
            Values::None => self.rows_without_values(keys, &known),
            Values::Strings => self.receive_strings(keys, &known),
            Values::SomeFields => self.receive_some_fields(keys, &known),
            Values::AllFields => self.receive_all_fields(keys, &known),
        }
    }

    fn receive_types(&mut self, known: &mut [Known]) -> Result<()> {
        let wanted = self.request.kind.type_name();
        let keeps = self.request.wants_facts();
        self.types = KeyPage::default();
        for known in known {
            let name = self.replies.next_text("TYPE")?;
            let exists = name != b"none";
            known.present = exists && wanted.is_none_or(|wanted| wanted == name);
            if !exists {
                add(&self.stats.keys_vanished, 1);
            } else if !known.present {
                add(&self.stats.keys_of_other_type, 1);
            }
            if keeps {
                self.types.push(name);
            }
        }
        Ok(())
    }

    fn receive_ttls(&mut self, known: &mut [Known]) -> Result<()> {
        for known in known {
            known.ttl = self.replies.next_integer("PTTL")?;
            if known.ttl == NO_KEY && known.present {
                add(&self.stats.keys_vanished, 1);
                known.present = false;
            }
        }
        Ok(())
    }

    fn receive_ttls_of_fields(&mut self, known: &mut [Known]) -> Result<()> {
        let mut ttls = std::mem::take(&mut self.field_ttls);
        ttls.clear();
        for known in known {
            let start = ttls.len();
            self.receive_field_ttls(self.ttl_fields.len(), &mut ttls)?;
            known.field_ttls = (start, ttls.len());
        }
        self.field_ttls = ttls;
        Ok(())
    }

    fn rows_without_values(&mut self, keys: &KeyPage, known: &[Known]) -> Result<()> {
        for (key, known) in keys.iter().zip(known) {
            if known.present {
                let ttls = known.of(&self.field_ttls);
                self.rows.push(key, known.ttl, |mut row| {
                    row.field_ttls(ttls);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn receive_some_fields(&mut self, keys: &KeyPage, known: &[Known]) -> Result<()> {
        for (key, known) in keys.iter().zip(known) {
            match self.replies.next()? {
                Shape::Values if !known.present => {}
                Shape::Values => {
                    let (input, spans) = (self.replies.input(), self.replies.spans());
                    self.rows.expect_values(spans.len())?;
                    if spans.iter().all(|span| span.is_null()) {
                        // A hash without these fields, or no hash any more: HMGET does not tell.
                        self.unclear.push(key);
                    } else {
                        let ttls = known.of(&self.field_ttls);
                        self.rows.push(key, known.ttl, |mut row| {
                            row.field_ttls(ttls);
                            row.field_values(input, spans)
                        })?;
                    }
                }
                shape => self.other_type(shape, "HMGET", known.present)?,
            }
        }
        Ok(())
    }

    fn receive_all_fields(&mut self, keys: &KeyPage, known: &[Known]) -> Result<()> {
        for (key, known) in keys.iter().zip(known) {
            match self.replies.next()? {
                Shape::Values if !known.present => {}
                Shape::Values => {
                    let (input, spans) = (self.replies.input(), self.replies.spans());
                    if spans.is_empty() {
                        // No hash is empty: an empty answer is a key that is gone.
                        add(&self.stats.keys_vanished, 1);
                    } else {
                        if spans.len() / 2 > self.rows.fields() {
                            // The sample did not show that there are others: ask for less.
                            self.plan.values = Values::SomeFields;
                        }
                        let ttls = known.of(&self.field_ttls);
                        self.rows.push(key, known.ttl, |mut row| {
                            row.field_ttls(ttls);
                            row.pairs(input, spans)
                        })?;
                    }
                }
                shape => self.other_type(shape, "HGETALL", known.present)?,
            }
        }
        Ok(())
    }

    fn receive_strings(&mut self, keys: &KeyPage, known: &[Known]) -> Result<()> {
        let count = self.replies.next_array("MGET")?;
        if count != keys.len() {
            return Err(Error::protocol(format!(
                "MGET of {} keys was answered with {count} values",
                keys.len()
            )));
        }
        for (key, known) in keys.iter().zip(known) {
            let shape = self.replies.next()?;
            let (Shape::Scalar, Some(span)) = (shape, self.replies.spans().first()) else {
                return Err(self.replies.unexpected(shape, "MGET"));
            };
            if !known.present {
                continue;
            }
            let Some(value) = span.of(self.replies.input()) else {
                // Gone, or of another type: MGET answers null to both.
                self.unclear.push(key);
                continue;
            };
            self.rows.push(key, known.ttl, |mut row| row.value(value))?;
        }
        Ok(())
    }

    /// A key of another type is counted, and from then on SCAN filters by TYPE.
    fn other_type(&mut self, shape: Shape, command: &str, present: bool) -> Result<()> {
        if shape != Shape::Error || !self.replies.text().starts_with(b"WRONGTYPE") {
            return Err(self.replies.unexpected(shape, command));
        }
        self.plan.scan_type = true;
        add(&self.stats.keys_of_other_type, u64::from(present));
        Ok(())
    }
}
