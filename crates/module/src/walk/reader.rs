//! The thread of a walk: from hold to hold of the lock, until all keys were met.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use gearframe_core::keys::{SeenKeys, glob};
use gearframe_server_api::{ContextLock, HashFields, KeyKind, KeyView, ScanCursor};

use crate::calls::Caller;
use crate::lock::ServerLock;
use crate::walk::batch::Batch;
use crate::walk::in_place::{MANY_BYTES, MANY_FIELDS};
use crate::walk::later::{self, Later};
use crate::walk::options::{Need, Options};
use crate::walk::registry::{Cost, micros};
use crate::walk::rights::Rights;

/// How long one hold of the lock reads. The clock is looked at after each step of the server's
/// scan, which gives a handful of keys.
pub(crate) const HOLD: Duration = Duration::from_micros(250);

/// What the thread of a walk sends: batches, and then its end or an error.
pub(crate) type Found = Result<Option<Batch>, String>;

pub(crate) struct Reader {
    lock: &'static ServerLock,
    options: Options,
    caller: Caller,
    fields: Option<(HashFields, Vec<Vec<u8>>)>,
    sender: SyncSender<Found>,
    stop: Arc<AtomicBool>,
    cost: Arc<Cost>,
}

/// What the walk has met, between two holds.
struct Progress {
    seen: SeenKeys,
    batch: Batch,
    /// Keys whose values are read after the step of the scan.
    later: Vec<Later>,
    refused: Option<String>,
    /// The bytes of the batch when the hold began.
    before: usize,
}

impl Progress {
    /// Adds a hash in place if it is small, and this hold has not copied enough.
    fn take_hash(&mut self, key: &KeyView<'_>) -> bool {
        key.length() <= MANY_FIELDS
            && self.batch.size() - self.before < MANY_BYTES
            && self.batch.push_hash(key)
    }

    fn enough(&self, records: usize) -> bool {
        self.batch.full(records) || self.later.len() >= records || self.refused.is_some()
    }

    /// Drops what this hold has met and an earlier one too; the keys that are to be read later.
    ///
    /// Not while the server's lock is held: the table of all keys is slow memory.
    fn drop_met(&mut self, checked: usize) -> VecDeque<Later> {
        self.batch.drop_met(checked, &mut self.seen);
        let later = std::mem::take(&mut self.later);
        let keys = later.iter().map(|later| later.key.as_slice());
        let fresh = self.seen.insert_all(keys);
        let both = later.into_iter().zip(fresh);
        both.filter_map(|(later, fresh)| fresh.then_some(later))
            .collect()
    }
}

impl Reader {
    pub(crate) fn new(
        lock: &'static ServerLock,
        options: Options,
        sender: SyncSender<Found>,
        stop: Arc<AtomicBool>,
        cost: Arc<Cost>,
    ) -> Self {
        let fields = options
            .fields
            .clone()
            .map(|names| (HashFields::new(names.iter().map(Vec::as_slice)), names));
        let caller = Caller {
            user: options.user.clone(),
            db: options.db,
            resp3: false,
        };
        Self {
            lock,
            options,
            caller,
            fields,
            sender,
            stop,
            cost,
        }
    }

    /// Reads everything.
    pub(crate) fn run(self) {
        let start = Instant::now();
        let mut waited = Duration::ZERO;
        let outcome = self.read(&mut waited);
        let spent = start.elapsed().saturating_sub(waited);
        self.cost.walk_us.store(micros(spent), Ordering::Relaxed);
        // Nobody listens any more when the walk was closed.
        let _: Result<(), _> = self.sender.send(outcome.map(|()| None));
    }

    fn read(&self, waited: &mut Duration) -> Result<(), String> {
        let cursor = ScanCursor::new();
        let mut progress = Progress {
            seen: SeenKeys::default(),
            batch: self.empty(),
            later: Vec::new(),
            refused: None,
            before: 0,
        };
        loop {
            let checked = progress.batch.len();
            progress.before = progress.batch.size();
            let more = self.hold(|lock| self.step(lock, &cursor, &mut progress))?;
            progress.batch.check()?;
            let mut waiting = progress.drop_met(checked);
            while !waiting.is_empty() && !self.stopped() {
                later::read_some(self, &mut waiting, &mut progress.batch)?;
                progress.batch.check()?;
                if progress.batch.full(self.options.batch) {
                    self.send(&mut progress.batch, waited);
                }
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if !more || progress.batch.full(self.options.batch) {
                self.send(&mut progress.batch, waited);
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn empty(&self) -> Batch {
        Batch::new(self.options.read_value)
    }

    fn send(&self, batch: &mut Batch, waited: &mut Duration) {
        let full = std::mem::replace(batch, self.empty());
        if full.len() == 0 {
            return;
        }
        self.cost
            .keys
            .fetch_add(full.len() as u64, Ordering::Relaxed);
        let start = Instant::now();
        if self.sender.send(Ok(Some(full))).is_err() {
            self.stop.store(true, Ordering::Relaxed); // the walk was closed
        }
        *waited += start.elapsed();
    }

    /// One hold of the lock, measured, with a user who may run commands.
    pub(crate) fn hold<R>(&self, work: impl FnOnce(&ContextLock) -> R) -> R {
        self.lock.with(|lock| {
            let start = Instant::now();
            let result = work(lock);
            self.cost.held(start.elapsed());
            result
        })
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reads for the time of one hold. Returns whether there is more.
    fn step(
        &self,
        lock: &ContextLock,
        cursor: &ScanCursor,
        progress: &mut Progress,
    ) -> Result<bool, String> {
        let rights = Rights::open(lock, &self.caller)?;
        let more = if self.options.no_scan {
            self.take(lock.open(&self.options.pattern).view(), &rights, progress);
            false
        } else {
            let end = Instant::now() + HOLD;
            loop {
                let more = lock.scan(cursor, |key| self.meet(key, &rights, progress));
                if !more || progress.enough(self.options.batch) || Instant::now() >= end {
                    break more;
                }
            }
        };
        progress.refused.take().map_or(Ok(more), Err)
    }

    /// A key of the scan: one that matches and lives.
    fn meet(&self, key: &KeyView<'_>, rights: &Rights<'_>, progress: &mut Progress) {
        let matches = glob::matches(&self.options.pattern, key.name());
        if matches && !key.expired() {
            self.take(key, rights, progress);
        }
    }

    fn take(&self, key: &KeyView<'_>, rights: &Rights<'_>, progress: &mut Progress) {
        let need = self.options.need();
        let kind = if need == Need::Key {
            KeyKind::Empty
        } else {
            key.kind()
        };
        let allowed = match (need, kind) {
            (Need::Value, KeyKind::Hash) => rights.may_read_hash(key),
            (Need::Value, _) => rights.may_read(key),
            _ => true,
        };
        if !allowed {
            progress.refused = Some(self.caller.may_not_read(key.name()));
            return;
        }
        if need != Need::Value || kind == KeyKind::Empty {
            return progress.batch.push(key.name(), kind.name(), None, 0);
        }
        if kind == KeyKind::Hash {
            if let Some((fields, names)) = &self.fields {
                return progress.batch.push_fields(key, fields, names);
            }
            if progress.take_hash(key) {
                return;
            }
        }
        progress.later.push(Later {
            key: key.name().to_vec(),
            kind,
            length: key.length(),
            large: false,
        });
    }
}
