//! Keys that wait to be fetched.

use std::collections::VecDeque;

use super::KeyPage;

/// A queue of keys that comes in pages of one size and goes out in pages of another.
#[derive(Debug, Default)]
pub struct KeyQueue {
    pages: VecDeque<KeyPage>,
    /// How many keys of the first page have gone out. It keeps its place, because cutting a long
    /// page again and again would copy its rest each time.
    gone: usize,
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
        let waiting = self.pages.iter().flat_map(KeyPage::iter).skip(self.gone);
        for key in waiting.step_by(step) {
            sample.push(key);
        }
        sample
    }

    /// Takes the first `most` keys, or as many as there are.
    pub fn take(&mut self, most: usize) -> KeyPage {
        let mut taken = KeyPage::default();
        while taken.len() < most {
            let Some(front) = self.pages.front() else {
                break;
            };
            let left = front.len() - self.gone;
            let count = left.min(most - taken.len());
            if count < left || self.gone > 0 || !taken.is_empty() {
                for index in self.gone..self.gone + count {
                    taken.push(front.get(index));
                }
                self.gone += count;
            } else if let Some(whole) = self.pages.pop_front() {
                taken = whole;
                continue;
            }
            if count == left {
                self.pages.pop_front();
                self.gone = 0;
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
    fn a_long_page_is_taken_apart_in_linear_time() {
        let names: Vec<String> = (0..200_000).map(|n| n.to_string()).collect();
        let mut queue = KeyQueue::default();
        queue.push(page(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        // One key at a time, as values of many megabytes are fetched: copying the rest each time
        // would move 100 GB.
        for name in &names {
            assert_eq!(queue.take(1).get(0), name.as_bytes());
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn a_sample_is_spread_and_takes_nothing() {
        let mut queue = KeyQueue::default();
        queue.push(page(&["a", "b", "c", "d", "e"]));
        assert_eq!(texts(&queue.sample(2)), ["a", "d"]);
        assert_eq!(queue.len(), 5);
        assert_eq!(texts(&queue.take(2)), ["a", "b"]);
        assert_eq!(texts(&queue.sample(2)), ["c", "e"]);
    }
}
