//! Temporary keys kept alive while their elements are awaited, from a slow query perhaps.

use std::time::Instant;

use super::answers::Answers;
use super::owed::Task;
use super::settle::GONE;
use super::together::{Expire, put_pexpire};
use super::worker::Worker;
use crate::Result;
use crate::write::stats::add;

const REFRESH_TOGETHER: usize = 1000;

impl Worker<'_> {
    /// Gives temporary keys a longer life, when a third of it is over.
    pub(super) fn refresh(&mut self) -> Result<()> {
        if self.request.appends() || self.refreshed.elapsed() < self.request.refresh_every() {
            return Ok(());
        }
        self.refreshed = Instant::now();
        let living = self
            .targets
            .iter()
            .filter(|(_, target)| target.is_building());
        let numbers: Vec<u64> = living.map(|(number, _)| *number).collect();
        for numbers in numbers.chunks(REFRESH_TOGETHER) {
            self.put_refresh(numbers);
            self.turn()?;
        }
        Ok(())
    }

    fn put_refresh(&mut self, numbers: &[u64]) {
        let start = self.position();
        let life = i64::from(self.request.temporary_ms);
        let mut asked = Vec::with_capacity(numbers.len());
        for number in numbers {
            if let Some(target) = self.targets.get(number) {
                put_pexpire(
                    self.connection.output(),
                    target.address(),
                    life,
                    Expire::Expiring,
                );
                asked.push(*number);
            }
        }
        add(&self.stats.pexpire, asked.len());
        if !asked.is_empty() {
            let answers = Answers::of_pipeline(asked.len());
            self.owe(
                start,
                Task::Refresh {
                    targets: asked,
                    answers,
                },
            );
        }
    }

    pub(super) fn settle_refresh(&mut self, numbers: &[u64], answers: &Answers) {
        for (place, number) in numbers.iter().enumerate() {
            let fault = answers.faults.iter().find(|fault| fault.command == place);
            if let Some(target) = self.targets.get_mut(number) {
                if let Some(fault) = fault {
                    target.refuse(fault.reason.as_str());
                } else if answers.zeros.contains(&place) && target.moved.is_none() {
                    target.refuse(GONE);
                }
            }
        }
    }
}
