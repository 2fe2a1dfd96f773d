//! The replies to some commands, with or without MULTI and EXEC around them.

use crate::resp::element::Element;
use crate::write::owed::{reason, unexpected};
use crate::write::transaction::Ending;
use crate::{Error, Result};

/// An error among the replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Which command, counted from 0 without MULTI.
    pub(super) command: usize,
    /// Which element of its reply, where that is a list.
    pub(super) element: Option<usize>,
    pub(super) reason: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Multi,
    Queue,
    Exec,
    Results,
}

/// The replies, as they come.
#[derive(Debug)]
pub(super) struct Answers {
    commands: usize,
    stage: Stage,
    next: usize,
    /// Elements of the list at hand that are still to come, and those that have.
    nested: u64,
    element: usize,
    pub(super) faults: Vec<Fault>,
    /// The commands that were answered with the number 0.
    pub(super) zeros: Vec<usize>,
    pub(super) ending: Ending,
}

impl Answers {
    /// Of so many commands between MULTI and EXEC.
    pub(super) fn of_transaction(commands: usize) -> Self {
        Self {
            stage: Stage::Multi,
            ..Self::of_pipeline(commands)
        }
    }

    /// Of so many commands, each for itself.
    pub(super) fn of_pipeline(commands: usize) -> Self {
        Self {
            commands,
            stage: Stage::Results,
            next: 0,
            nested: 0,
            element: 0,
            faults: Vec::new(),
            zeros: Vec::new(),
            ending: Ending::Executed,
        }
    }

    /// Why nothing was executed; of several reasons the first.
    pub(super) fn refusal(&self) -> Option<String> {
        match &self.ending {
            Ending::Executed => None,
            Ending::Conflict => Some("other clients kept changing it".to_owned()),
            Ending::Aborted(why) => Some(match self.faults.first() {
                Some(fault) => fault.reason.clone(),
                None => why.clone(),
            }),
        }
    }

    /// Takes the next element; true for the last.
    #[inline]
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        match self.stage {
            Stage::Results => Ok(self.result(element)),
            Stage::Queue => self.queued(element),
            Stage::Exec => self.exec(element),
            Stage::Multi => match element {
                Element::Simple(_) => {
                    self.stage = Stage::Queue;
                    Ok(false)
                }
                // Without MULTI what follows is executed one by one: nothing more is sent.
                Element::Error(text) => Err(Error::from_reply("MULTI", text)),
                other => Err(unexpected("MULTI", other)),
            },
        }
    }

    fn queued(&mut self, element: Element<'_>) -> Result<bool> {
        match element {
            Element::Simple(_) => {}
            Element::Error(text) => self.fault(None, text),
            other => return Err(unexpected("a command after MULTI", other)),
        }
        self.next += 1;
        if self.next >= self.commands {
            self.stage = Stage::Exec;
        }
        Ok(false)
    }

    fn exec(&mut self, element: Element<'_>) -> Result<bool> {
        match element {
            Element::Array(n) if n == self.commands as u64 => {
                self.next = 0;
                self.stage = Stage::Results;
                return Ok(false);
            }
            Element::Null => self.ending = Ending::Conflict,
            Element::Error(text) => self.ending = Ending::Aborted(reason(text)),
            other => return Err(unexpected("EXEC", other)),
        }
        Ok(true)
    }

    fn result(&mut self, element: Element<'_>) -> bool {
        if self.nested > 0 {
            self.nested += element.children();
            self.nested -= 1;
            if let Element::Error(text) = element {
                self.fault(Some(self.element), text);
            }
            self.element += 1;
        } else {
            (self.nested, self.element) = (element.children(), 0);
            match element {
                Element::Error(text) => self.fault(None, text),
                Element::Integer(0) => self.zeros.push(self.next),
                _ => {}
            }
        }
        if self.nested == 0 {
            self.next += 1;
        }
        self.next >= self.commands
    }

    fn fault(&mut self, element: Option<usize>, text: &[u8]) {
        self.faults.push(Fault {
            command: self.next,
            element,
            reason: reason(text),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::element::element;

    fn run(mut answers: Answers, input: &str) -> Result<Answers> {
        let (mut at, mut done) = (0, false);
        while let Some((found, next)) = element(input.as_bytes(), at)? {
            assert!(!done, "more replies than were asked for");
            done = answers.take(found)?;
            at = next;
        }
        assert!(done);
        Ok(answers)
    }

    #[test]
    fn errors_in_lists_name_their_place() -> Result<()> {
        let input = "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*3\r\n:1\r\n-TSDB: no\r\n:3\r\n:0\r\n";
        let answers = run(Answers::of_transaction(2), input)?;
        let fault = Fault {
            command: 0,
            element: Some(1),
            reason: "TSDB: no".to_owned(),
        };
        assert_eq!((answers.faults, answers.zeros), (vec![fault], vec![1]));
        Ok(())
    }

    #[test]
    fn a_refused_transaction_gives_the_first_reason() -> Result<()> {
        let input = "+OK\r\n-OOM first\r\n+QUEUED\r\n-EXECABORT Transaction discarded.\r\n";
        let answers = run(Answers::of_transaction(2), input)?;
        assert_eq!(answers.refusal(), Some("OOM first".to_owned()));
        let conflict = run(Answers::of_transaction(1), "+OK\r\n+QUEUED\r\n*-1\r\n")?;
        assert_eq!(conflict.ending, Ending::Conflict);
        Ok(())
    }

    #[test]
    fn a_pipeline() -> Result<()> {
        let answers = run(
            Answers::of_pipeline(3),
            "$3\r\n1-0\r\n-ERR smaller\r\n*0\r\n",
        )?;
        assert_eq!(answers.faults.len(), 1);
        assert_eq!(answers.faults.first().map(|f| f.command), Some(1));
        assert_eq!(answers.refusal(), None);
        Ok(())
    }
}
