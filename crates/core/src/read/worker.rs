//! The loop that asks, receives and decodes: it runs on a thread of its own.
//!
//! On the wire a page of SCAN is always asked for together with the fetch of the page before:
//! `SCAN₂ FETCH₁ | SCAN₃ FETCH₂ | …`. The answer to SCAN₂ comes first, so SCAN₃ and FETCH₂ are on
//! their way while FETCH₁ is still being decoded, and the server never waits for the client. When
//! the consumer falls behind, nothing more is received and the socket fills up.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use super::commands::{self, Hmget};
use super::fetch::{Owed, PageSize, Throttle};
use super::plan::FetchPlan;
use super::replies::Replies;
use super::request::{ReadRequest, Selection};
use super::rows::{Rows, Sink};
use super::stats::{ReadStats, add};
use crate::error::{Error, Result};
use crate::keys::{KeyPage, KeyQueue, SeenKeys};
use crate::net::{Cancel, Connection};
use crate::resp::tokens::Shape;

/// Pages of keys that may be asked for and not yet decoded.
const PAGES_IN_FLIGHT: usize = 2;
/// Bytes of replies that one page should stay below.
const PAGE_BYTES: usize = 4 << 20;
/// The fewest buckets that SCAN is told to look at; also Redis' own default.
const FEWEST_BUCKETS: usize = 10;

/// Where a scan of the keyspace stands.
#[derive(Debug)]
struct Scan {
    pattern: Vec<u8>,
    /// The cursor to go on with; none at the end.
    cursor: Option<u64>,
    /// Whether a page has been asked for and not come yet.
    asked: bool,
    /// COUNT of the next page.
    count: usize,
}

/// All that a running read holds.
pub(super) struct Worker<'a> {
    pub(super) request: &'a ReadRequest,
    pub(super) stats: &'a ReadStats,
    pub(super) replies: Replies,
    pub(super) rows: Rows<'a>,
    pub(super) plan: FetchPlan,
    pub(super) hmget: Hmget,
    pub(super) waiting: KeyQueue,
    /// Keys whose first answer did not tell whether they exist.
    pub(super) unclear: KeyPage,
    scan: Option<Scan>,
    seen: SeenKeys,
    sampled: bool,
    owed: VecDeque<Owed>,
    page_size: PageSize,
    throttle: Throttle,
    cancel: &'a Cancel,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        connection: Connection,
        request: &'a ReadRequest,
        selection: Selection,
        stats: &'a ReadStats,
        sink: &'a Sink,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let plan = FetchPlan::new(request, &selection);
        let mut seen = SeenKeys::default();
        let mut waiting = KeyQueue::default();
        let scan = match selection {
            Selection::Pattern(pattern) => Some(Scan {
                pattern,
                cursor: Some(0),
                asked: false,
                // A scan for a few rows looks at few buckets, and at more when they are empty.
                count: request.limit.map_or(request.scan_count, |rows| {
                    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                    request.scan_count.min(rows.max(FEWEST_BUCKETS))
                }),
            }),
            Selection::Keys(keys) => {
                waiting.push(distinct(&mut seen, stats, keys.iter().map(Vec::as_slice)));
                None
            }
        };
        Ok(Self {
            request,
            stats,
            replies: Replies::new(connection),
            rows: Rows::new(request, stats, sink)?,
            plan,
            hmget: Hmget::new(&request.fields()),
            waiting,
            unclear: KeyPage::default(),
            scan,
            seen,
            sampled: false,
            owed: VecDeque::new(),
            page_size: PageSize::new(request.pipeline_keys, PAGE_BYTES),
            throttle: Throttle::new(request.throttle),
            cancel,
        })
    }

    /// Reads to the end.
    pub(super) fn run(&mut self) -> Result<()> {
        while self.rows.left() > 0 {
            self.ask()?;
            self.replies.connection.flush()?;
            let Some(owed) = self.owed.pop_front() else {
                break;
            };
            match owed {
                Owed::Scan => self.receive_scan()?,
                Owed::Page { keys, values } => {
                    let before = self.replies.connection.bytes_read();
                    self.receive_page(&keys, values)?;
                    let bytes = self.replies.connection.bytes_read() - before;
                    self.page_size.learn(keys.len(), bytes);
                }
                Owed::SecondLook(keys) => self.receive_second_look(&keys)?,
            }
            self.replies.let_go();
            self.count_bytes();
        }
        self.count_bytes();
        if self.owed.is_empty() {
            self.replies.expect_end()?;
        }
        self.rows.finish()
    }

    /// Queues what is to be asked next: a page of SCAN before the fetch of the keys at hand.
    fn ask(&mut self) -> Result<()> {
        if !self.sampled && self.owed.is_empty() && !self.waiting.is_empty() {
            self.sampled = true;
            self.look_at_sample()?;
        }
        loop {
            let page = self.next_page();
            self.ask_scan()?;
            if page.is_empty() {
                break;
            }
            self.throttle.wait(page.len(), self.cancel)?;
            self.ask_page(&page);
            self.owed.push_back(Owed::Page {
                keys: page,
                values: self.plan.values,
            });
        }
        if !self.unclear.is_empty() {
            let keys = std::mem::take(&mut self.unclear);
            self.ask_second_look(&keys);
            self.owed.push_back(Owed::SecondLook(keys));
        }
        Ok(())
    }

    /// The keys to fetch next; none when enough are in flight, or too few wait.
    fn next_page(&mut self) -> KeyPage {
        let pages = self.owed.iter().filter(|owed| owed.is_page()).count();
        let waiting = self.waiting.len();
        let size = self.page_size.keys().min(self.throttle.most_at_once());
        let more_come = self.scan.as_ref().is_some_and(|scan| scan.cursor.is_some());
        // SCAN often returns a few keys more than COUNT. A page of those few would take the place
        // of the next whole page, and the server would run out of work.
        if pages >= PAGES_IN_FLIGHT || pages > 0 && more_come && waiting < size {
            return KeyPage::default();
        }
        let whole = if waiting <= size + size / 2 {
            waiting
        } else {
            size
        };
        let wanted = self.rows.left().saturating_sub(self.keys_in_flight());
        let most = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.waiting.take(most.min(whole))
    }

    fn keys_in_flight(&self) -> u64 {
        self.owed.iter().map(Owed::keys).sum()
    }

    fn ask_scan(&mut self) -> Result<()> {
        let at_hand = self.keys_in_flight() + self.waiting.len() as u64;
        let enough = self.waiting.len() >= self.page_size.keys() || at_hand >= self.rows.left();
        let Some(Scan {
            pattern,
            cursor: Some(cursor),
            asked: asked @ false,
            count,
        }) = &mut self.scan
        else {
            return Ok(());
        };
        if enough {
            return Ok(());
        }
        let size = (*count).min(self.throttle.most_at_once());
        if self.plan.fetches_nothing() {
            self.throttle.wait(size, self.cancel)?;
        }
        let kind = self.plan.scan_type.then(|| self.request.kind.type_name());
        commands::scan(
            self.replies.connection.output(),
            *cursor,
            pattern,
            size,
            kind,
        );
        add(&self.stats.scan, 1);
        *asked = true;
        *count = count.saturating_mul(2).min(self.request.scan_count);
        self.owed.push_back(Owed::Scan);
        Ok(())
    }

    fn receive_scan(&mut self) -> Result<()> {
        let length = self.replies.next_array("SCAN")?;
        if length != 2 {
            return Err(Error::protocol(format!(
                "SCAN was answered with {length} elements, not 2"
            )));
        }
        let cursor = std::str::from_utf8(self.replies.next_text("SCAN")?).unwrap_or_default();
        let cursor: u64 = cursor.parse().map_err(|_| {
            Error::protocol(format!(
                "SCAN was answered with the cursor {cursor:?}, not a number"
            ))
        })?;
        let shape = self.replies.next()?;
        if shape != Shape::Values {
            return Err(self.replies.unexpected(shape, "SCAN"));
        }
        if self.replies.spans().iter().any(|span| span.is_null()) {
            return Err(Error::protocol("SCAN was answered with a null for a key"));
        }
        let input = self.replies.input();
        let keys = self
            .replies
            .spans()
            .iter()
            .map(|span| span.of(input).unwrap_or_default());
        let page = distinct(&mut self.seen, self.stats, keys);
        if let Some(scan) = &mut self.scan {
            if cursor != 0 && scan.cursor == Some(cursor) {
                // Cursors always move on; one that stands still would be asked for for ever.
                return Err(Error::protocol(format!(
                    "SCAN {cursor} was answered with the same cursor, which would never end"
                )));
            }
            scan.cursor = (cursor != 0).then_some(cursor);
            scan.asked = false;
        }
        if self.plan.fetches_nothing() {
            for key in page.iter() {
                self.rows.push(key, -1, |_| Ok(()))?;
            }
        } else {
            self.waiting.push(page);
        }
        Ok(())
    }

    fn count_bytes(&self) {
        let connection = &self.replies.connection;
        self.stats
            .bytes_read
            .store(connection.bytes_read(), Relaxed);
        self.stats
            .bytes_written
            .store(connection.bytes_written(), Relaxed);
    }
}

/// The keys that have not been seen before, counted.
fn distinct<'k>(
    seen: &mut SeenKeys,
    stats: &ReadStats,
    keys: impl Iterator<Item = &'k [u8]>,
) -> KeyPage {
    let mut page = KeyPage::default();
    let mut repeated = 0;
    for key in keys {
        if seen.insert(key) {
            page.push(key);
        } else {
            repeated += 1;
        }
    }
    add(&stats.keys_seen, page.len() as u64);
    add(&stats.keys_repeated, repeated);
    page
}
