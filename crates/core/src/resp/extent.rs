//! Where a reply ends. Resumable, so that a long reply that arrives in pieces is walked once.

use super::element::{Element, MAX_DEPTH, element, unexpected};
use crate::Result;

/// A walk over one reply, without building it.
#[derive(Debug)]
pub struct Extent {
    at: usize,
    /// How many elements are still to come, for each aggregate that is open.
    open: Vec<u64>,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            at: 0,
            open: vec![1],
        }
    }
}

impl Extent {
    /// Goes on over `input`, which starts where it started before and has perhaps grown.
    ///
    /// Returns the length of the reply, or `None` when it has not all arrived.
    pub fn advance(&mut self, input: &[u8]) -> Result<Option<usize>> {
        while let Some(left) = self.open.last_mut() {
            if *left == 0 {
                self.open.pop();
                continue;
            }
            let Some((found, next)) = element(input, self.at)? else {
                return Ok(None);
            };
            // An attribute describes the element after it, and does not count itself.
            if !matches!(found, Element::Attribute(_)) {
                *left -= 1;
            }
            let children = found.children();
            if children > 0 {
                if self.open.len() > MAX_DEPTH {
                    let limit = format!("at most {MAX_DEPTH} aggregates inside each other");
                    return Err(unexpected(input, self.at, &limit));
                }
                self.open.push(children);
            }
            self.at = next;
        }
        Ok(Some(self.at))
    }
}
