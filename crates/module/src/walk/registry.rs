//! The walks that are open, by number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gearframe_embedded_python::Failure;

use crate::host::Host;
use crate::walk::batch::Batch;
use crate::walk::options::Options;
use crate::walk::reader::{Found, Reader};

/// How many batches wait for Python at most: enough that neither side stands still while the other
/// one is off its core for a moment.
const AHEAD: usize = 8;

/// What a walk has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) keys: AtomicU64,
    pub(crate) lock_us: AtomicU64,
    pub(crate) walk_us: AtomicU64,
    pub(crate) longest_hold_us: AtomicU64,
    pub(crate) holds: AtomicU64,
}

impl Cost {
    /// Adds a hold of the lock.
    pub(crate) fn held(&self, time: Duration) {
        let us = micros(time);
        self.lock_us.fetch_add(us, Ordering::Relaxed);
        self.longest_hold_us.fetch_max(us, Ordering::Relaxed);
        self.holds.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

struct Walk {
    batches: Mutex<Receiver<Found>>,
    stop: Arc<AtomicBool>,
    cost: Arc<Cost>,
}

/// All walks.
#[derive(Default)]
pub(crate) struct Walks {
    walks: Mutex<(u64, HashMap<u64, Arc<Walk>>)>,
}

impl Walks {
    fn walks(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<Walk>>)> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a walk on a thread of its own.
    pub(crate) fn open(&self, host: &'static Host, options: Options) -> Result<u64, Failure> {
        let (sender, receiver) = sync_channel(AHEAD);
        let (stop, cost) = (Arc::new(AtomicBool::new(false)), Arc::new(Cost::default()));
        let reader = Reader::new(&host.lock, options, sender, stop.clone(), cost.clone());
        std::thread::Builder::new()
            .name("gf-walk".into())
            .spawn(move || reader.run())
            .map_err(|error| Failure::Runtime(format!("no thread for the walk: {error}")))?;
        let mut walks = self.walks();
        walks.0 += 1;
        let number = walks.0;
        walks.1.insert(
            number,
            Arc::new(Walk {
                batches: Mutex::new(receiver),
                stop,
                cost,
            }),
        );
        Ok(number)
    }

    /// The next batch; `None` at the end, which the walk's thread says itself: one that broke off
    /// is an error, and not a short result.
    pub(crate) fn next(&self, number: u64) -> Result<Option<Batch>, String> {
        let walk = self.walks().1.get(&number).cloned();
        let walk = walk.ok_or_else(|| format!("there is no walk {number}"))?;
        let batches = walk.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = "the walk over the keys has broken off; the server's log says why";
        batches.recv().map_err(|_| lost.to_owned())?
    }

    /// Ends a walk, wherever it is; what it cost.
    pub(crate) fn close(&self, number: u64) -> Vec<(&'static str, u64)> {
        let Some(walk) = self.walks().1.remove(&number) else {
            return Vec::new();
        };
        walk.stop.store(true, Ordering::Relaxed);
        let cost = &walk.cost;
        vec![
            ("keys", cost.keys.load(Ordering::Relaxed)),
            ("lock_us", cost.lock_us.load(Ordering::Relaxed)),
            ("walk_us", cost.walk_us.load(Ordering::Relaxed)),
            (
                "longest_hold_us",
                cost.longest_hold_us.load(Ordering::Relaxed),
            ),
            ("holds", cost.holds.load(Ordering::Relaxed)),
        ]
    }

    /// Tells all walks to end: the server shuts down.
    pub(crate) fn stop_all(&self) {
        for walk in self.walks().1.values() {
            walk.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walks(sent: Vec<Found>) -> Walks {
        let (sender, receiver) = sync_channel(AHEAD);
        for found in sent {
            assert!(sender.send(found).is_ok());
        }
        let walk = Walk {
            batches: Mutex::new(receiver),
            stop: Arc::default(),
            cost: Arc::default(),
        };
        let walks = Walks::default();
        walks.walks().1.insert(1, Arc::new(walk));
        walks
    }

    #[test]
    fn a_walk_says_that_it_has_ended() {
        let walks = walks(vec![Ok(Some(Batch::default())), Ok(None)]);
        assert!(matches!(walks.next(1), Ok(Some(_))));
        assert!(matches!(walks.next(1), Ok(None)));
    }

    #[test]
    fn a_walk_that_breaks_off_is_an_error() {
        let walks = walks(vec![Ok(Some(Batch::default()))]);
        assert!(matches!(walks.next(1), Ok(Some(_))));
        assert!(walks.next(1).is_err());
    }
}
