//! Stopping a wait from outside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::failure::{Failure, Outcome};
use super::poll::SLICE;

type Probe = Arc<dyn Fn() -> bool + Send + Sync>;

/// A flag that many waits look at. Copies share it.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    probe: Option<Probe>,
}

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that is also set when `probe` returns true.
    ///
    /// Waits ask it on their own thread, at least every 100 ms and when a signal interrupts them.
    pub fn with_probe(probe: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            flag: Arc::default(),
            probe: Some(Arc::new(probe)),
        }
    }

    /// Sets the flag: waits end within 100 ms.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Only a load: cheap enough for every turn of a loop.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.is_cancelled() {
            return Err(Failure::cancelled());
        }
        Ok(())
    }

    /// Asks the probe as well.
    pub(super) fn ask(&self) -> Outcome<()> {
        if self.probe.as_ref().is_some_and(|probe| probe()) {
            self.cancel();
        }
        self.check()
    }

    pub(super) fn sleep(&self, pause: Duration) -> Outcome<()> {
        let start = Instant::now();
        loop {
            self.ask()?;
            let left = pause.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}
