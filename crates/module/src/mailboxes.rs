//! Mailboxes between threads of Python, and between interpreters: trees of plain values.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gearframe_embedded_python::Value;

/// The box of the control plane.
pub(crate) const CONTROL: u64 = 0;

#[derive(Default)]
struct Mailbox {
    messages: Mutex<(VecDeque<Value>, bool)>,
    changed: Condvar,
}

/// All boxes, by number.
pub(crate) struct Mailboxes {
    boxes: Mutex<(u64, HashMap<u64, Arc<Mailbox>>)>,
}

impl Default for Mailboxes {
    fn default() -> Self {
        let control = HashMap::from([(CONTROL, Arc::default())]);
        Self {
            boxes: Mutex::new((CONTROL, control)),
        }
    }
}

impl Mailboxes {
    fn boxes(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<Mailbox>>)> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, number: u64) -> Option<Arc<Mailbox>> {
        self.boxes().1.get(&number).cloned()
    }

    /// Makes a box.
    pub(crate) fn open(&self) -> u64 {
        let mut boxes = self.boxes();
        boxes.0 += 1;
        let number = boxes.0;
        boxes.1.insert(number, Arc::default());
        number
    }

    /// Removes a box; whoever waits for it gets nothing. Messages in it are lost.
    pub(crate) fn close(&self, number: u64) {
        let removed = self.boxes().1.remove(&number);
        if let Some(mailbox) = removed {
            let mut messages = mailbox
                .messages
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            messages.1 = true;
            messages.0.clear();
            mailbox.changed.notify_all();
        }
    }

    /// Puts a message into a box; `false` if there is no such box.
    pub(crate) fn post(&self, number: u64, message: Value) -> bool {
        let Some(mailbox) = self.find(number) else {
            return false;
        };
        let mut messages = mailbox
            .messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if messages.1 {
            return false;
        }
        messages.0.push_back(message);
        mailbox.changed.notify_one();
        true
    }

    /// Takes the next message, waiting for it; without a limit for ever.
    pub(crate) fn take(&self, number: u64, limit: Option<Duration>) -> Option<Value> {
        let mailbox = self.find(number)?;
        let end = limit.map(|limit| Instant::now() + limit);
        let mut messages = mailbox
            .messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(message) = messages.0.pop_front() {
                return Some(message);
            }
            if messages.1 {
                return None;
            }
            messages = match end {
                None => mailbox
                    .changed
                    .wait(messages)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.checked_duration_since(Instant::now())?;
                    mailbox
                        .changed
                        .wait_timeout(messages, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_order_and_a_closed_box_gives_none() {
        let boxes = Mailboxes::default();
        let number = boxes.open();
        assert!(boxes.post(number, Value::Int(1)));
        assert!(boxes.post(number, Value::Int(2)));
        assert_eq!(boxes.take(number, None), Some(Value::Int(1)));
        assert_eq!(
            boxes.take(number, Some(Duration::ZERO)),
            Some(Value::Int(2))
        );
        assert_eq!(boxes.take(number, Some(Duration::ZERO)), None);
        boxes.close(number);
        assert!(!boxes.post(number, Value::None));
        assert_eq!(boxes.take(number, None), None);
    }

    #[test]
    fn closing_wakes_who_waits() {
        let boxes = Mailboxes::default();
        let number = boxes.open();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| boxes.take(number, None));
            boxes.close(number);
            assert_eq!(waiting.join().ok(), Some(None));
        });
    }
}
