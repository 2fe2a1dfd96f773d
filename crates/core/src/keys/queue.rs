//! Keys that wait to be fetched.

use std::collections::VecDeque;

use super::KeyPage;

/// A queue of keys that comes in pages of one size and goes out in pages of another.
#[derive(Debug, Default)]
pub struct KeyQueue {
    pages: VecDeque<KeyPage>,
    keys: usize,
}

impl KeyQueue {
    /// How many keys wait.
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Adds keys at the end.
    pub fn push(&mut self, page: KeyPage) {
        if !page.is_empty() {
            self.keys += page.len();
            self.pages.push_back(page);
        }
    }

    /// Some keys spread over those that wait, `most` at most, which go on waiting.
    pub fn sample(&self, most: usize) -> KeyPage {
        let step = self.keys.div_ceil(most.max(1)).max(1);
        let mut sample = KeyPage::default();
        for key in self.pages.iter().flat_map(KeyPage::iter).step_by(step) {
            sample.push(key);
        }
        sample
    }

    /// Takes the first `most` keys, or as many as there are.
    pub fn take(&mut self, most: usize) -> KeyPage {
        let mut taken = KeyPage::default();
        while taken.len() < most {
            let Some(front) = self.pages.pop_front() else {
                break;
            };
            let room = most - taken.len();
            if taken.is_empty() && front.len() <= room {
                taken = front;
                continue;
            }
            for key in front.iter().take(room) {
                taken.push(key);
            }
            if front.len() > room {
                self.pages.push_front(front.slice(room, front.len()));
            }
        }
        self.keys -= taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str]) -> KeyPage {
        let mut page = KeyPage::default();
        for key in keys {
            page.push(key.as_bytes());
        }
        page
    }

    fn texts(page: &KeyPage) -> Vec<&str> {
        page.iter()
            .map(|key| std::str::from_utf8(key).unwrap_or("?"))
            .collect()
    }

    #[test]
    fn pages_are_cut_and_joined() {
        let mut queue = KeyQueue::default();
        queue.push(page(&["a", "b", "c"]));
        queue.push(page(&["d"]));
        assert_eq!(texts(&queue.take(2)), ["a", "b"]);
        assert_eq!(texts(&queue.take(9)), ["c", "d"]);
        assert!(queue.is_empty());
        assert!(queue.take(1).is_empty());
    }

    #[test]
    fn a_sample_is_spread_and_takes_nothing() {
        let mut queue = KeyQueue::default();
        queue.push(page(&["a", "b", "c", "d", "e"]));
        assert_eq!(texts(&queue.sample(2)), ["a", "d"]);
        assert_eq!(queue.len(), 5);
    }
}
