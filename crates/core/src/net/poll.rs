//! Waiting for a socket, in slices, so that a cancel is seen.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::cancel::Cancel;
use super::failure::{Failure, Outcome};

/// The longest time without a look at the cancel flag.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// A span of time that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        let start = Instant::now();
        Self { start, limit }
    }

    pub(super) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    pub(super) fn seconds(&self) -> f64 {
        self.limit.as_secs_f64()
    }
}

/// Waits for at most one slice, or `limit`. False when nothing has happened.
pub(super) fn wait(
    socket: BorrowedFd<'_>,
    events: PollFlags,
    limit: Duration,
    cancel: &Cancel,
) -> Outcome<bool> {
    let mut polled = [PollFd::from_borrowed_fd(socket, events)];
    let nanoseconds = limit.min(SLICE).subsec_nanos();
    let slice = Timespec {
        tv_sec: 0,
        tv_nsec: nanoseconds.into(),
    };
    match rustix::event::poll(&mut polled, Some(&slice)) {
        Ok(0) | Err(Errno::INTR) => cancel.ask().map(|()| false),
        Ok(_) => Ok(true),
        Err(errno) => Err(Failure::io(&io::Error::from(errno))),
    }
}
