//! What has been sent and not been answered in full.

use super::answers::Answers;
use super::chunk::Chunk;
use super::group::Group;
use crate::Result;
use crate::resp::element::Element;
use crate::write::look::Look;

/// Commands that belong together, on their way.
#[derive(Debug)]
pub(super) struct Owed {
    /// Where they start in all that is sent: before it, nothing of them is.
    pub(super) start: u64,
    pub(super) task: Task,
}

#[derive(Debug)]
pub(super) enum Task {
    /// Small keys between MULTI and EXEC, with the commands that each has.
    Together {
        unit: Unit,
        counts: Vec<usize>,
        answers: Answers,
    },
    /// WATCH and EXISTS of keys that should not be there.
    Look { unit: Unit, look: Look },
    /// A chunk of a target, its first perhaps; so many commands come before its own.
    Push {
        target: u64,
        chunk: Chunk,
        head: usize,
        is_first: bool,
        answers: Answers,
    },
    /// A temporary key gets its name.
    Move { target: u64, answers: Answers },
    /// A key that was added to gets its expiry.
    Expire { target: u64, answers: Answers },
    /// A temporary key is taken away.
    Remove { target: u64, answers: Answers },
    /// Temporary keys get a longer life.
    Refresh { targets: Vec<u64>, answers: Answers },
    /// UNWATCH.
    Unwatch(Answers),
}

/// Small keys that go together.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) groups: Vec<Group>,
    /// How often somebody else was faster.
    pub(super) conflicts: u32,
}

/// What is to be sent next, for replies that have come.
#[derive(Debug)]
pub(super) enum Todo {
    /// Write small keys again.
    Unit(Unit),
    /// All of a target has been answered.
    Conclude(u64),
    /// Take the temporary key of a target away, and report it.
    Remove(u64),
}

impl Task {
    /// Takes the next element of the input. Returns whether it was the last.
    #[inline]
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        match self {
            Self::Look { look, .. } => look.take(element),
            Self::Together { answers, .. }
            | Self::Push { answers, .. }
            | Self::Move { answers, .. }
            | Self::Expire { answers, .. }
            | Self::Remove { answers, .. }
            | Self::Refresh { answers, .. }
            | Self::Unwatch(answers) => answers.take(element),
        }
    }
}
