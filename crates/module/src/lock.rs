//! The server's lock, taken so that clients do not notice.
//!
//! The lock is a mutex without order: a thread that lets it go and takes it again at once wins
//! against the server's main thread, which has to wake up first. So what the module's threads hold
//! is counted, and after [`SHARE`] the next to come waits until the event loop has had its turn.
//! One thread of the module competes with the main thread at a time; the others wait at a gate.
//!
//! Nobody sleeps on the lock itself. A busy server lets it go for a microsecond in each round of its
//! event loop, which a thread that has to be woken up would miss; and when the server shuts down,
//! whoever waits must be gone ([`ServerLock::shut`]).

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gearframe_server_api::{ContextLock, ThreadContext, on_main_thread, one_shot};

use crate::wake::Waker;

/// How long the module's threads hold the lock between two turns of the event loop.
const SHARE: Duration = Duration::from_micros(400);

/// How long to wait for a turn. The event loop stands still while the server loads data or runs a
/// long command; then the lock itself is waited for.
const TURN_LIMIT: Duration = Duration::from_millis(100);

/// How long to try for the lock without a pause.
const SPIN: Duration = Duration::from_micros(100);

/// The pause between tries after that.
const PAUSE: Duration = Duration::from_micros(20);

/// The pause between tries while the server has paused its clients: that is for seconds.
const PAUSED: Duration = Duration::from_millis(1);

/// What the threads have held since the event loop's last turn.
#[derive(Default)]
struct Gate {
    held: Duration,
}

/// The server's lock.
pub(crate) struct ServerLock {
    first: ThreadContext,
    spare: Mutex<Vec<ThreadContext>>,
    gate: Mutex<Gate>,
    longest_us: AtomicU64,
    shut: AtomicBool,
    pub(crate) waker: Waker,
}

/// A hold of the lock that goes on over several calls of Python: `atomic()`.
struct Atomic {
    lock: ContextLock,
    _gate: MutexGuard<'static, Gate>,
}

thread_local! {
    static ATOMIC: RefCell<Option<Atomic>> = const { RefCell::new(None) };
}

impl ServerLock {
    pub(crate) fn new(first: ThreadContext) -> Self {
        Self {
            first,
            spare: Mutex::default(),
            gate: Mutex::default(),
            longest_us: AtomicU64::new(0),
            shut: AtomicBool::new(false),
            waker: Waker::default(),
        }
    }

    /// The context that the others are made of; it is for the log.
    pub(crate) fn context(&self) -> &ThreadContext {
        &self.first
    }

    /// Does some work under the lock. It must be short: [`Self::with`] cannot end it.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&ContextLock) -> R) -> R {
        ATOMIC.with_borrow(|atomic| match atomic {
            Some(atomic) => work(&atomic.lock),
            None => self.hold(work),
        })
    }

    /// Whether this thread has the lock by [`Self::enter_atomic`].
    pub(crate) fn in_atomic() -> bool {
        ATOMIC.with_borrow(Option::is_some)
    }

    fn hold<R>(&self, work: impl FnOnce(&ContextLock) -> R) -> R {
        let (mut gate, lock) = self.enter();
        let start = Instant::now();
        let result = work(&lock);
        let context = lock.release();
        let held = start.elapsed();
        gate.held += held;
        drop(gate);
        let us = u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
        self.longest_us.fetch_max(us, Ordering::Relaxed);
        self.spare().push(context);
        result
    }

    /// Passes the gate, after a turn of the event loop if the module's share is used up, and takes
    /// the lock.
    fn enter(&self) -> (MutexGuard<'_, Gate>, ContextLock) {
        debug_assert!(
            !crate::host::holds_gil(),
            "the server's lock is waited for with the GIL in hand"
        );
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.held >= SHARE {
            self.wait_for_turn();
            gate.held = Duration::ZERO;
        }
        let mut context = self.take_context();
        let start = Instant::now();
        loop {
            if self.shut.load(Ordering::SeqCst) {
                drop(gate);
                sleep_for_ever();
            }
            context = match context.try_lock() {
                // Nothing may be written then, and a script is not asked what it will do.
                Ok(lock) if lock.paused() => {
                    let context = lock.release();
                    std::thread::sleep(PAUSED);
                    context
                }
                Ok(lock) => return (gate, lock),
                Err(context) => context,
            };
            if start.elapsed() < SPIN {
                std::hint::spin_loop();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Does some work on the server's main thread: what may take long belongs there, because the
    /// server serves clients meanwhile, which it cannot from another thread. `None` where that is
    /// impossible: in an atomic block the main thread waits for this one.
    pub(crate) fn on_main_thread<R: Send + 'static>(
        &self,
        work: impl FnOnce(&ContextLock) -> R + Send + 'static,
    ) -> Option<R> {
        debug_assert!(
            !crate::host::holds_gil(),
            "the server's main thread is waited for with the GIL in hand"
        );
        if Self::in_atomic() {
            return None;
        }
        let (sender, receiver) = sync_channel(1);
        let asked = on_main_thread(self.take_context(), work, move |result, context| {
            let _: Result<(), _> = sender.try_send((result, context));
        });
        if !asked {
            return None;
        }
        loop {
            match receiver.recv_timeout(TURN_LIMIT) {
                Ok((result, context)) => {
                    self.spare().push(context);
                    return Some(result);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.shut.load(Ordering::SeqCst) => {
                    sleep_for_ever()
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Ends all use of the lock, for good: the server shuts down. Called by the server's main
    /// thread, which holds the lock. When it returns, no thread of the module waits for it, and
    /// those that want it stand still until the process ends.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
        std::mem::forget(self.gate.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until the event loop has run once, and served whoever was ready.
    fn wait_for_turn(&self) {
        let (sender, receiver) = sync_channel(1);
        let told = one_shot(Box::new(move || {
            // Nobody waits any more when the limit has passed.
            let _: Result<(), _> = sender.try_send(());
        }));
        let start = Instant::now();
        while told && start.elapsed() < TURN_LIMIT && !self.shut.load(Ordering::SeqCst) {
            if receiver.recv_timeout(TURN_LIMIT / 50) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<ThreadContext>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_context(&self) -> ThreadContext {
        let spare = self.spare().pop();
        spare.unwrap_or_else(|| self.first.another())
    }

    /// The longest hold so far, in microseconds, without atomic blocks.
    pub(crate) fn longest_us(&self) -> u64 {
        self.longest_us.load(Ordering::Relaxed)
    }

    /// Takes the lock for this thread until [`Self::leave_atomic`]; `false` if it has it already.
    pub(crate) fn enter_atomic(&'static self) -> bool {
        ATOMIC.with_borrow_mut(|atomic| {
            if atomic.is_some() {
                return false;
            }
            let (gate, lock) = self.enter();
            *atomic = Some(Atomic { lock, _gate: gate });
            true
        })
    }

    /// Lets the lock go; `false` if this thread does not have it.
    pub(crate) fn leave_atomic(&self) -> bool {
        ATOMIC.with_borrow_mut(|atomic| {
            let Some(Atomic { lock, mut _gate }) = atomic.take() else {
                return false;
            };
            self.spare().push(lock.release());
            // Nobody knows how long it took; the event loop is to come first now.
            _gate.held = SHARE;
            self.waker.want();
            true
        })
    }
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}
