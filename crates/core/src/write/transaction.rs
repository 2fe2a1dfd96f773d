//! The replies to `MULTI`, some commands for each of some rows, and `EXEC`.

use super::owed::{Refused, reason, unexpected};
use crate::resp::element::Element;
use crate::{Error, Result};

/// What EXEC said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every command was executed; some may have failed.
    Executed,
    /// None was executed, for this reason.
    Aborted(String),
    /// None was executed: a watched key was changed by somebody else.
    Conflict,
}

#[derive(Debug)]
enum Stage {
    Multi,
    Queue,
    Exec,
    Results,
}

const OLD_VALUE: &str = " (inside EXEC: the old value may be gone)";

/// The replies of one transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    /// How many commands each row has.
    commands: Vec<usize>,
    /// Whether each begins with a DEL.
    replaces: bool,
    stage: Stage,
    /// Where the next reply belongs.
    row: usize,
    command: usize,
    /// Numbers that are still to come of a reply that is an array of them.
    numbers: u64,
    /// The rows with an error, each once, before EXEC or in it.
    pub(super) refused: Vec<Refused>,
    pub(super) ending: Ending,
}

impl Transaction {
    /// For rows of so many commands each; there must be one row, and each must have one command.
    pub(super) fn new(commands: Vec<usize>, replaces: bool) -> Self {
        Self {
            commands,
            replaces,
            stage: Stage::Multi,
            row: 0,
            command: 0,
            numbers: 0,
            refused: Vec::new(),
            ending: Ending::Executed,
        }
    }

    /// Takes the next element; true for the last.
    #[inline]
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<bool> {
        match (&self.stage, element) {
            (Stage::Queue, Element::Simple(_)) => {
                if self.step() {
                    self.stage = Stage::Exec;
                }
            }
            (Stage::Queue, Element::Error(text)) => {
                self.refuse(text);
                if self.step() {
                    self.stage = Stage::Exec;
                }
            }
            (Stage::Results, Element::Error(text)) => {
                // Such as an ACL that changed after the commands were queued.
                match self.replaces {
                    true => self.refuse(&[text, OLD_VALUE.as_bytes()].concat()),
                    false => self.refuse(text),
                }
                return Ok(self.step());
            }
            (Stage::Results, Element::Integer(_)) if self.numbers > 1 => self.numbers -= 1,
            (Stage::Results, Element::Array(n)) if self.numbers == 0 && n > 0 => self.numbers = n,
            (Stage::Results, Element::Integer(_) | Element::Simple(_)) => {
                self.numbers = 0;
                return Ok(self.step());
            }
            (Stage::Exec, element) => return self.exec(element),
            (Stage::Multi, Element::Simple(_)) => self.stage = Stage::Queue,
            // Without MULTI the commands that follow are executed one by one: nothing more is sent.
            (Stage::Multi, Element::Error(text)) => return Err(Error::from_reply("MULTI", text)),
            (_, other) => return Err(unexpected("MULTI", other)),
        }
        Ok(false)
    }

    fn exec(&mut self, element: Element<'_>) -> Result<bool> {
        match element {
            Element::Array(n) if n == self.commands.iter().sum::<usize>() as u64 => {
                (self.row, self.command) = (0, 0);
                self.stage = Stage::Results;
                return Ok(false);
            }
            Element::Null => self.ending = Ending::Conflict,
            Element::Error(text) => self.ending = Ending::Aborted(reason(text)),
            other => return Err(unexpected("EXEC", other)),
        }
        Ok(true)
    }

    /// Goes to the next command; true after the last.
    #[inline]
    fn step(&mut self) -> bool {
        self.command += 1;
        if self
            .commands
            .get(self.row)
            .is_some_and(|n| self.command >= *n)
        {
            self.row += 1;
            self.command = 0;
        }
        self.row >= self.commands.len()
    }

    fn refuse(&mut self, text: &[u8]) {
        if self.refused.last().is_none_or(|(row, _)| *row != self.row) {
            self.refused.push((self.row, reason(text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::element::element;

    fn run(commands: &[usize], input: &str) -> Result<Transaction> {
        let mut transaction = Transaction::new(commands.to_vec(), true);
        let (mut at, mut done) = (0, false);
        while let Some((found, next)) = element(input.as_bytes(), at)? {
            assert!(!done, "more replies than were asked for");
            done = transaction.take(found)?;
            at = next;
        }
        assert!(done);
        Ok(transaction)
    }

    #[test]
    fn all_is_well() -> Result<()> {
        let input = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:2\r\n:1\r\n";
        let transaction = run(&[2, 1], input)?;
        assert_eq!(transaction.ending, Ending::Executed);
        assert!(transaction.refused.is_empty());
        Ok(())
    }

    #[test]
    fn a_reply_may_be_an_array_of_numbers() -> Result<()> {
        let queued = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n";
        let input = format!("{queued}*3\r\n:2\r\n*2\r\n:1\r\n:1\r\n-ERR x\r\n");
        let transaction = run(&[2, 1], &input)?;
        let why = format!("ERR x{OLD_VALUE}");
        assert_eq!(transaction.refused, [(1, why)]);
        Ok(())
    }

    #[test]
    fn a_refused_command_names_its_row_once() -> Result<()> {
        let input = "+OK\r\n+QUEUED\r\n+QUEUED\r\n-NOPERM a\r\n-NOPERM b\r\n-EXECABORT Transaction discarded because of previous errors.\r\n";
        let transaction = run(&[2, 2], input)?;
        let why = "EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(transaction.ending, Ending::Aborted(why.to_owned()));
        assert_eq!(transaction.refused, [(1, "NOPERM a".to_owned())]);
        Ok(())
    }

    #[test]
    fn endings() -> Result<()> {
        let queued = "+OK\r\n+QUEUED\r\n";
        let conflict = run(&[1], &format!("{queued}*-1\r\n"))?;
        assert_eq!(conflict.ending, Ending::Conflict);
        assert_eq!(
            run(&[1], &format!("{queued}_\r\n"))?.ending,
            Ending::Conflict
        );
        let oom = "-EXECABORT Transaction discarded because of: OOM command not allowed\r\n";
        let oom = run(&[1], &format!("{queued}{oom}"))?;
        assert_eq!(
            oom.ending,
            Ending::Aborted("OOM command not allowed".to_owned())
        );
        let wrong = run(&[1], &format!("{queued}*1\r\n-WRONGTYPE x\r\n"))?;
        assert_eq!(wrong.ending, Ending::Executed);
        let why = "WRONGTYPE x (inside EXEC: the old value may be gone)";
        assert_eq!(wrong.refused, [(0, why.to_owned())]);
        Ok(())
    }

    #[test]
    fn without_multi_nothing_goes_on() {
        let mut transaction = Transaction::new(vec![1], true);
        let refused = transaction.take(Element::Error(b"NOPERM no multi"));
        assert!(refused.is_err_and(|e| e.kind == crate::ErrorKind::Permission));
    }
}
