//! Facts about keys: type, encoding, memory, idle time, length. Each is asked for only if a column
//! wants it; the length takes a second round, for its command depends on the type.

use super::commands;
use super::fetch::Owed;
use super::pages::Known;
use super::request::Source;
use super::stats::add;
use super::worker::Worker;
use crate::error::Result;
use crate::keys::KeyPage;
use crate::resp::encode::command;
use crate::resp::tokens::Shape;

/// What is known of the keys of a page, in their order.
#[derive(Debug, Default)]
pub(super) struct Facts {
    types: KeyPage,
    known: Vec<Fact>,
}

#[derive(Debug, Clone, Default)]
struct Fact {
    present: bool,
    ttl: i64,
    encoding: Option<Vec<u8>>,
    memory: Option<i64>,
    idle: Option<i64>,
}

impl Facts {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

/// The command that answers with the length of a type; none for types of most modules.
fn length_command(type_name: &[u8]) -> Option<&'static [u8]> {
    Some(match type_name {
        b"string" => b"STRLEN",
        b"list" => b"LLEN",
        b"set" => b"SCARD",
        b"zset" => b"ZCARD",
        b"hash" => b"HLEN",
        b"stream" => b"XLEN",
        b"vectorset" => b"VCARD",
        _ => return None,
    })
}

impl Worker<'_> {
    /// Queues what the columns want to know, but for type and time to live.
    pub(super) fn ask_facts(&mut self, keys: &KeyPage) {
        let out = self.replies.connection.output();
        let count = keys.len() as u64;
        if self.request.wants(&Source::Encoding) {
            commands::each_key_of(out, b"OBJECT", b"ENCODING", keys);
            add(&self.stats.object, count);
        }
        if self.request.wants(&Source::Memory) {
            commands::each_key_of(out, b"MEMORY", b"USAGE", keys);
            add(&self.stats.memory_usage, count);
        }
        if self.request.wants(&Source::Idle) {
            commands::each_key_of(out, b"OBJECT", b"IDLETIME", keys);
            add(&self.stats.object, count);
        }
    }

    /// Receives the answers; makes the rows, or asks for the lengths that they lack.
    pub(super) fn receive_facts(&mut self, keys: &KeyPage, known: &[Known]) -> Result<()> {
        let mut facts = Facts {
            types: std::mem::take(&mut self.types),
            known: known.iter().map(Fact::new).collect(),
        };
        if self.request.wants(&Source::Encoding) {
            for fact in &mut facts.known {
                fact.encoding = self.next_or_gone("OBJECT ENCODING", &mut fact.present)?;
            }
        }
        if self.request.wants(&Source::Memory) {
            for fact in &mut facts.known {
                fact.memory = self.number_or_gone("MEMORY USAGE", &mut fact.present)?;
            }
        }
        if self.request.wants(&Source::Idle) {
            for fact in &mut facts.known {
                fact.idle = self.number_or_gone("OBJECT IDLETIME", &mut fact.present)?;
            }
        }
        if !self.request.wants(&Source::Length) {
            return self.fact_rows(keys, &facts, &[]);
        }
        let out = self.replies.connection.output();
        let mut asked = 0;
        for (index, key) in keys.iter().enumerate() {
            if let Some(name) = facts.length_command(index) {
                command(out, &[name, key]);
                asked += 1;
            }
        }
        add(&self.stats.length, asked);
        let keys = keys.clone();
        self.owed.push_back(Owed::Lengths { keys, facts });
        Ok(())
    }

    /// Receives the lengths of the keys of a page, and makes its rows.
    pub(super) fn receive_lengths(&mut self, keys: &KeyPage, facts: &mut Facts) -> Result<()> {
        let mut lengths = vec![None; keys.len()];
        for (index, length) in lengths.iter_mut().enumerate() {
            if let Some(name) = facts.length_command(index) {
                match self.replies.next()? {
                    Shape::Integer(found) => *length = Some(found),
                    // By now of another type: the length belongs to none of the two.
                    Shape::Error if self.replies.text().starts_with(b"WRONGTYPE") => {}
                    shape => {
                        let name = String::from_utf8_lossy(name).into_owned();
                        return Err(self.replies.unexpected(shape, &name));
                    }
                }
            }
        }
        self.fact_rows(keys, facts, &lengths)
    }

    fn fact_rows(&mut self, keys: &KeyPage, facts: &Facts, lengths: &[Option<i64>]) -> Result<()> {
        for (index, key) in keys.iter().enumerate() {
            let Some(fact) = facts.known.get(index).filter(|fact| fact.present) else {
                continue;
            };
            self.rows.push(key, fact.ttl, |mut row| {
                let type_name = (index < facts.types.len()).then(|| facts.types.get(index));
                row.facts(type_name, fact.encoding.as_deref())?;
                row.fact_numbers(
                    fact.memory,
                    fact.idle,
                    lengths.get(index).copied().flatten(),
                );
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A text, or null for a key that is gone: then it is not present, and counted.
    fn next_or_gone(&mut self, name: &str, present: &mut bool) -> Result<Option<Vec<u8>>> {
        match self.replies.next()? {
            Shape::Scalar | Shape::Simple => {
                let input = self.replies.input();
                let found = self.replies.spans().first().and_then(|span| span.of(input));
                let found = found.map(<[u8]>::to_vec);
                self.gone_if(found.is_none(), present);
                Ok(found)
            }
            shape => Err(self.replies.unexpected(shape, name)),
        }
    }

    fn number_or_gone(&mut self, name: &str, present: &mut bool) -> Result<Option<i64>> {
        match self.replies.next()? {
            Shape::Integer(number) => Ok(Some(number)),
            Shape::Scalar if self.replies.is_null() => {
                self.gone_if(true, present);
                Ok(None)
            }
            shape => Err(self.replies.unexpected(shape, name)),
        }
    }

    fn gone_if(&mut self, gone: bool, present: &mut bool) {
        if gone && *present {
            *present = false;
            add(&self.stats.keys_vanished, 1);
        }
    }
}

impl Facts {
    fn length_command(&self, index: usize) -> Option<&'static [u8]> {
        let present = self.known.get(index).is_some_and(|fact| fact.present);
        present.then(|| length_command(self.types.get(index)))?
    }
}

impl Fact {
    fn new(known: &Known) -> Self {
        Self {
            present: known.present,
            ttl: known.ttl,
            ..Self::default()
        }
    }
}
