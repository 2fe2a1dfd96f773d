//! Waking the server's event loop after commands of the module's threads.
//!
//! What such a command leaves to do, the event loop does in its next round: it serves who waits in
//! BLPOP, and sends what was published, replicated, or is to be written to the append-only file. A
//! server without traffic sleeps up to a tenth of a second before that. A wake-up after each
//! command would cost as much as the command, so a thread sees to one for all of a millisecond.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Thread};
use std::time::Duration;

use gearframe_server_api::one_shot;

/// How long the first command waits for others.
const TOGETHER: Duration = Duration::from_millis(1);

/// Wakes the event loop up.
#[derive(Default)]
pub(crate) struct Waker {
    wanted: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Waker {
    /// Starts the thread; without it nobody is woken up.
    pub(crate) fn start(&'static self) -> std::io::Result<()> {
        let thread = Builder::new()
            .name("gf-waker".into())
            .spawn(move || self.run())?;
        // It is started once.
        let _: Result<(), _> = self.thread.set(thread.thread().clone());
        Ok(())
    }

    fn run(&self) {
        loop {
            while !self.wanted.swap(false, Ordering::AcqRel) {
                std::thread::park();
            }
            std::thread::sleep(TOGETHER);
            one_shot(Box::new(|| ()));
        }
    }

    /// A command has been run: the event loop is to have its turn soon.
    pub(crate) fn want(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}
