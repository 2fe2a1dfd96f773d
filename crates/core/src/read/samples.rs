//! TS.RANGE: the samples of time series, page after page.
//!
//! Times only grow, so a series is read on one millisecond after the last sample that came, or one
//! bucket after the last bucket. Buckets are aligned to the time 0, wherever a range starts: pages
//! have the same buckets as one answer has, and all of the samples of each.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

use super::batch::quoted;
use super::elements::{Answer, Target};
use super::replies::Head;
use super::request::{Kind, SampleRange};
use super::scan::distinct;
use super::stats::add;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::keys::{KeyPage, SeenKeys, glob};
use crate::resp::encode::{bulk, command, header};
use crate::resp::reply::Reply;
use crate::resp::tokens::Shape;

/// Where a series is read on.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// The time to go on from; none at the start of the range.
    from: Option<u64>,
    /// Samples that have come.
    taken: u64,
    /// Its labels, in the order of their columns.
    labels: Vec<Option<Vec<u8>>>,
}

/// Keys of an index that are looked at together.
const INDEX_PAGE: usize = 4096;
/// How servers say that a key holds something else: of late, and in old versions.
const OTHER_TYPE: [&[u8]; 3] = [
    b"WRONGTYPE",
    b"ERR WRONGTYPE",
    b"ERR TSDB: the key is not a TSDB key",
];

impl SampleRange {
    /// `TS.RANGE key start end COUNT count [AGGREGATION aggregation bucket]`.
    fn ask(&self, out: &mut Vec<u8>, key: &[u8], at: &Later, window: usize) {
        let (mut digits, mut more) = (itoa::Buffer::new(), itoa::Buffer::new());
        let start = match at.from {
            Some(from) => digits.format(from).as_bytes(),
            None => self.start.as_bytes(),
        };
        let aggregation = self.aggregation.as_ref().zip(self.bucket);
        header(out, if aggregation.is_some() { 9 } else { 6 });
        for part in [b"TS.RANGE", key, start, self.end.as_bytes(), b"COUNT"] {
            bulk(out, part);
        }
        bulk(out, more.format(self.most(at, window)).as_bytes());
        if let Some((aggregation, bucket)) = aggregation {
            bulk(out, b"AGGREGATION");
            bulk(out, aggregation.as_bytes());
            bulk(out, itoa::Buffer::new().format(bucket).as_bytes());
        }
    }

    /// The most samples of the next page.
    fn most(&self, at: &Later, window: usize) -> u64 {
        let count = self.count.unwrap_or(u64::MAX);
        count.saturating_sub(at.taken).clamp(1, window as u64)
    }

    /// Where the page after a sample starts; none where the range ends before.
    fn after(&self, last: u64) -> Option<u64> {
        let step = self.aggregation.as_ref().and(self.bucket).unwrap_or(1);
        let next = last.checked_add(step)?;
        let end: u64 = self.end.parse().unwrap_or(i64::MAX.unsigned_abs());
        (next <= end).then_some(next)
    }
}

impl Worker<'_> {
    /// Where labels choose the series: asks the index for their keys, and keeps those that the
    /// selection has too. Nothing has been asked before.
    pub(super) fn choose_series(&mut self) -> Result<()> {
        let filters = match &self.request.kind {
            Kind::Timeseries(range) if !range.filters.is_empty() => &range.filters,
            _ => return Ok(()),
        };
        let mut args: Vec<&[u8]> = vec![b"TS.QUERYINDEX"];
        args.extend(filters.iter().map(|filter| filter.as_bytes()));
        command(self.replies.connection.output(), &args);
        add(&self.stats.ts_queryindex, 1);
        self.replies.connection.flush()?;
        let found = match self.replies.next_head()? {
            Head::Array(found) => found,
            Head::Other(Shape::Error) => {
                return Err(no_series("TS.QUERYINDEX", self.replies.text(), None));
            }
            Head::Other(shape) => return Err(self.replies.unexpected(shape, "TS.QUERYINDEX")),
        };
        let scan = self.scan.take();
        let named = self.waiting.take(usize::MAX);
        let named: HashSet<&[u8]> = named.iter().collect();
        // Counted anew: those that the index does not have are not read.
        self.seen = SeenKeys::default();
        self.stats.keys_seen.store(0, Relaxed);
        let mut page = KeyPage::default();
        for place in 1..=found {
            let key = self.replies.next_value("TS.QUERYINDEX")?;
            let is_wanted = match &scan {
                Some(scan) => glob::matches(&scan.pattern, key),
                None => named.contains(key),
            };
            if is_wanted {
                page.push(key);
            }
            if page.len() >= INDEX_PAGE || place == found {
                let page = std::mem::take(&mut page);
                let new = distinct(&mut self.seen, self.stats, page.iter());
                self.waiting.push(new);
            }
        }
        self.replies.let_go();
        Ok(())
    }

    /// Queues the commands for the first samples of a series: TS.INFO, if labels are wanted.
    pub(super) fn ask_series(&mut self, key: &[u8], range: &SampleRange, window: usize) {
        let labels = self.request.wants_labels();
        let out = self.replies.connection.output();
        if labels {
            command(out, &[b"TS.INFO", key]);
            add(&self.stats.ts_info, 1);
        }
        range.ask(out, key, &Later::default(), window);
    }

    /// Receives the replies to [`Self::ask_series`].
    pub(super) fn receive_series(
        &mut self,
        target: Target<'_>,
        range: &SampleRange,
        window: usize,
    ) -> Result<Answer> {
        if !self.request.wants_labels() {
            return self.receive_samples(target, range, Later::default(), window);
        }
        let reply = self.replies.next_tree()?;
        if let Reply::Error(text) = &reply {
            let answer = what_is_wrong("TS.INFO", text, target.key)?;
            // Without labels there are no rows, even if the series is there by now.
            let gone = Target {
                present: false,
                ..target
            };
            self.receive_samples(gone, range, Later::default(), window)?;
            return Ok(answer);
        }
        let Some(found) = reply.get(b"labels") else {
            return Err(Error::protocol("TS.INFO was answered without labels"));
        };
        let names = self.request.labels();
        let labels = names.iter().map(|name| label(found, name.as_bytes()));
        let at = Later {
            labels: labels.map(|label| label.map(<[u8]>::to_vec)).collect(),
            ..Later::default()
        };
        self.receive_samples(target, range, at, window)
    }

    /// Reads the next page of a series.
    pub(super) fn read_samples_on(
        &mut self,
        target: Target<'_>,
        at: Later,
        window: usize,
    ) -> Result<Answer> {
        let Kind::Timeseries(range) = &self.request.kind else {
            return Ok(Answer::All(at.taken));
        };
        let out = self.replies.connection.output();
        range.ask(out, target.key, &at, window);
        add(&self.stats.ts_range, 1);
        self.replies.connection.flush()?;
        self.receive_samples(target, range, at, window)
    }

    /// Receives a page that was asked for with the same arguments.
    fn receive_samples(
        &mut self,
        target: Target<'_>,
        range: &SampleRange,
        at: Later,
        window: usize,
    ) -> Result<Answer> {
        let asked = range.most(&at, window);
        let found = match self.replies.next_head()? {
            Head::Array(found) => found as u64,
            Head::Other(Shape::Error) => {
                return what_is_wrong("TS.RANGE", self.replies.text(), target.key);
            }
            Head::Other(shape) => return Err(self.replies.unexpected(shape, "TS.RANGE")),
        };
        let mut last = None;
        for _ in 0..found {
            let earliest = last.map_or(at.from, |last| Some(last + 1));
            last = Some(self.receive_sample(target, &at.labels, earliest)?);
        }
        self.elements += found;
        let taken = at.taken + found;
        let most = range.count.unwrap_or(u64::MAX);
        let next = last.and_then(|last| range.after(last));
        match next {
            Some(next) if found >= asked && taken < most => Ok(Answer::Later(Later {
                from: Some(next),
                taken,
                ..at
            })),
            _ => Ok(Answer::All(taken)),
        }
    }

    /// Receives one sample, which is not before `earliest`; gives its time.
    #[inline]
    fn receive_sample(
        &mut self,
        target: Target<'_>,
        labels: &[Option<Vec<u8>>],
        earliest: Option<u64>,
    ) -> Result<u64> {
        self.replies.expect_array(2, "TS.RANGE")?;
        let time = self.replies.next_integer("TS.RANGE")?;
        let moment = u64::try_from(time).ok();
        let Some(moment) = moment.filter(|moment| earliest.is_none_or(|early| *moment >= early))
        else {
            // Going on from it would give the same samples again, perhaps for ever.
            return Err(Error::protocol(format!(
                "TS.RANGE of key {} was answered with the time {time}, out of order",
                quoted(target.key)
            )));
        };
        let value = self.replies.next_value("TS.RANGE")?;
        target.push(&mut self.rows, |row| {
            row.sample(time, value)?;
            row.labels(labels)
        })?;
        Ok(moment)
    }
}

/// The value of a label: pairs in RESP2, a map in RESP3.
fn label<'r>(labels: &'r Reply, name: &[u8]) -> Option<&'r [u8]> {
    if let Reply::Map(_) = labels {
        return labels.get(name)?.as_bytes();
    }
    labels.as_array()?.iter().find_map(|pair| {
        let [found, value] = pair.as_array()? else {
            return None;
        };
        (found.as_bytes() == Some(name)).then(|| value.as_bytes())?
    })
}

/// What an error reply says of a key; any other error ends the scan, and names the key.
fn what_is_wrong(command: &str, text: &[u8], key: &[u8]) -> Result<Answer> {
    if OTHER_TYPE.iter().any(|start| text.starts_with(start)) {
        return Ok(Answer::OtherType);
    }
    if text.starts_with(b"ERR TSDB: the key does not exist") {
        return Ok(Answer::Gone);
    }
    Err(no_series(command, text, Some(key)))
}

fn no_series(command: &str, text: &[u8], key: Option<&[u8]>) -> Error {
    let mut error = Error::from_reply(command, text);
    if let Some(key) = key {
        error.message += &format!(" (key {})", quoted(key));
    }
    if text.starts_with(b"ERR unknown command") {
        error.message +=
            "; time series need the module RedisTimeSeries, which this server has not loaded";
    }
    error
}
