//! The walks that are open, by number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gearframe_embedded_python::Failure;

use crate::host::Host;
use crate::walk::batch::Batch;
use crate::walk::options::Options;
use crate::walk::reader::Reader;

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
}

struct Walk {
    batches: Mutex<Receiver<Result<Batch, String>>>,
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

    /// The next batch; `None` at the end.
    pub(crate) fn next(&self, number: u64) -> Result<Option<Batch>, String> {
        let walk = self.walks().1.get(&number).cloned();
        let walk = walk.ok_or_else(|| format!("there is no walk {number}"))?;
        let batches = walk.batches.lock().unwrap_or_else(PoisonError::into_inner);
        // The other end goes away when the walk is over.
        batches.recv().ok().transpose()
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
        ]
    }

    /// Tells all walks to end: the server shuts down.
    pub(crate) fn stop_all(&self) {
        for walk in self.walks().1.values() {
            walk.stop.store(true, Ordering::Relaxed);
        }
    }
}
