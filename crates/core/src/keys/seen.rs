//! Which keys a scan has returned already: SCAN may return a key twice when its table shrinks.
//!
//! A key is remembered as 96 bits of a SipHash-1-3 under a secret drawn for each scan, in an open
//! table of 12-byte slots. Two keys of a scan of 100 million share those bits with a probability
//! of 6e-14, and nobody can make them without the secret. The table grows by half, in 64 parts
//! that grow one after another, so that it takes 15 to 23 bytes a key and never twice that.

use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

type Slot = [u32; 3];

const EMPTY: Slot = [0; 3];
const PARTS: usize = 64;
const FIRST_SLOTS: usize = 64;

/// What is remembered of a key.
#[derive(Clone, Copy, Debug)]
struct Mark {
    part: usize,
    slot: Slot,
}

/// A set of keys that only grows.
#[derive(Debug)]
pub struct SeenKeys {
    secret: (u64, u64),
    parts: Vec<Part>,
}

impl Default for SeenKeys {
    fn default() -> Self {
        // RandomState draws from the system; two of its hashes are the secret.
        let draw = || RandomState::new().build_hasher().finish();
        Self {
            secret: (draw(), draw()),
            parts: (0..PARTS).map(|_| Part::default()).collect(),
        }
    }
}

impl SeenKeys {
    /// Remembers a key. Returns whether it is new.
    pub fn insert(&mut self, key: &[u8]) -> bool {
        let mark = self.mark(key);
        self.parts[mark.part].insert(mark.slot)
    }

    /// Remembers many keys. Returns of each whether it is new.
    ///
    /// The table is far larger than the processor's caches, so that nearly each key waits for
    /// memory. Here the places of all keys are looked at first: those loads do not depend on one
    /// another, and are waited for together.
    pub fn insert_all<'a>(&mut self, keys: impl Iterator<Item = &'a [u8]>) -> Vec<bool> {
        let marks: Vec<Mark> = keys.map(|key| self.mark(key)).collect();
        let looked = marks.iter().fold(0, |sum, mark| {
            let part = &self.parts[mark.part];
            sum ^ part
                .slots
                .get(part.home(mark.slot))
                .map_or(0, |slot| slot[0])
        });
        std::hint::black_box(looked);
        marks
            .iter()
            .map(|mark| self.parts[mark.part].insert(mark.slot))
            .collect()
    }

    fn mark(&self, key: &[u8]) -> Mark {
        let mut hasher = SipHasher13::new_with_keys(self.secret.0, self.secret.1);
        hasher.write(key);
        let hash = hasher.finish128();
        let slot = fingerprint(hash.h1, hash.h2);
        // The part comes from bits that the slot does not hold, so each part fills evenly.
        let part = (hash.h2 >> 58) as usize % PARTS;
        Mark { part, slot }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.parts
            .iter()
            .map(|part| part.slots.len() * size_of::<Slot>())
            .sum()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the bits are cut on purpose"
)]
fn fingerprint(h1: u64, h2: u64) -> Slot {
    // The empty slot is all zeros: a fingerprint never is.
    [h1 as u32 | 1, (h1 >> 32) as u32, h2 as u32]
}

#[derive(Debug, Default)]
struct Part {
    slots: Vec<Slot>,
    used: usize,
}

impl Part {
    fn insert(&mut self, slot: Slot) -> bool {
        if self.used * 5 >= self.slots.len() * 4 {
            self.grow();
        }
        let position = self.find(slot);
        if self.slots[position] == slot {
            return false;
        }
        self.slots[position] = slot;
        self.used += 1;
        true
    }

    /// Where a slot is looked for first.
    fn home(&self, slot: Slot) -> usize {
        // Multiply-shift maps the hash onto any length, not only powers of two.
        ((u64::from(slot[1]) * self.slots.len() as u64) >> 32) as usize
    }

    /// Where `slot` is, or the empty place where it belongs.
    fn find(&self, slot: Slot) -> usize {
        let mut position = self.home(slot);
        while self.slots[position] != EMPTY && self.slots[position] != slot {
            position += 1;
            if position == self.slots.len() {
                position = 0;
            }
        }
        position
    }

    fn grow(&mut self) {
        let length = FIRST_SLOTS.max(self.slots.len() * 3 / 2);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; length]);
        for slot in old {
            if slot != EMPTY {
                let position = self.find(slot);
                self.slots[position] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_new_once() {
        let mut seen = SeenKeys::default();
        for round in 0..2 {
            for number in 0..100_000 {
                assert_eq!(seen.insert(format!("user:{number}").as_bytes()), round == 0);
            }
        }
        assert!(seen.memory() < 100_000 * 24, "{} bytes", seen.memory());
    }

    #[test]
    fn many_keys_are_as_new_together_as_one_by_one() {
        let keys: Vec<String> = (0..10_000).map(|i| format!("user:{}", i % 7_000)).collect();
        let (mut one, mut many) = (SeenKeys::default(), SeenKeys::default());
        for part in keys.chunks(999) {
            let expected: Vec<bool> = part.iter().map(|key| one.insert(key.as_bytes())).collect();
            assert_eq!(
                many.insert_all(part.iter().map(|key| key.as_bytes())),
                expected
            );
        }
    }

    #[test]
    fn the_empty_key_is_a_key() {
        let mut seen = SeenKeys::default();
        assert!(seen.insert(b""));
        assert!(!seen.insert(b""));
    }
}
