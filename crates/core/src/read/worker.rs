//! The loop that asks, receives and decodes: it runs on a thread of its own.
//!
//! On the wire a page of SCAN is always asked for together with the fetch of the page before:
//! `SCAN₂ FETCH₁ | SCAN₃ FETCH₂ | …`. The answer to SCAN₂ comes first, so SCAN₃ and FETCH₂ are on
//! their way while FETCH₁ is still being decoded, and the server never waits for the client. When
//! the consumer falls behind, nothing more is received and the socket fills up.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use super::commands::Hmget;
use super::elements::Window;
use super::fetch::{Owed, PageSize, Throttle};
use super::field_ttl::Hpttl;
use super::json::JsonGet;
use super::large::Large;
use super::plan::FetchPlan;
use super::replies::Replies;
use super::request::{ReadRequest, Selection, Source};
use super::rows::{Rows, Sink};
use super::scan::{Scan, distinct};
use super::stats::ReadStats;
use crate::error::Result;
use crate::keys::{KeyPage, KeyQueue, SeenKeys};
use crate::net::{Cancel, Connection};

/// Pages of keys that may be asked for and not yet decoded.
const PAGES_IN_FLIGHT: usize = 2;
/// Bytes of replies that one page should stay below.
const PAGE_BYTES: usize = 4 << 20;
/// The fewest buckets that SCAN is told to look at; also Redis' own default.
const FEWEST_BUCKETS: usize = 10;

/// All that a running read holds.
pub(super) struct Worker<'a> {
    pub(super) request: &'a ReadRequest,
    pub(super) stats: &'a ReadStats,
    pub(super) replies: Replies,
    pub(super) rows: Rows<'a>,
    pub(super) plan: FetchPlan,
    pub(super) hmget: Hmget,
    pub(super) json_get: JsonGet,
    pub(super) waiting: KeyQueue,
    /// Keys whose first answer did not tell whether they exist.
    pub(super) unclear: KeyPage,
    pub(super) scan: Option<Scan>,
    pub(super) seen: SeenKeys,
    pub(super) sampled: bool,
    pub(super) owed: VecDeque<Owed>,
    pub(super) page_size: PageSize,
    pub(super) throttle: Throttle,
    pub(super) cancel: &'a Cancel,
    pub(super) ttl_fields: Hpttl,
    /// The times to live of the fields of a page.
    pub(super) field_ttls: Vec<i64>,
    /// Whether rows that are fields have the field's time to live.
    pub(super) asks_field_ttl: bool,
    /// The types of the keys of a page, where they are asked for.
    pub(super) types: KeyPage,
    pub(super) window: Window,
    /// Elements received so far.
    pub(super) elements: u64,
    /// The last id of the stream that is read on, as it was at its start.
    pub(super) stream_end: Option<String>,
    /// Keys with more elements than the first answer could hold.
    pub(super) large: VecDeque<Large>,
    /// Whether members and scores come in pairs, as in RESP3.
    pub(super) in_pairs: bool,
    /// The first half of a pair, while the second is awaited.
    pub(super) scratch: Vec<u8>,
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
            json_get: JsonGet::new(request),
            waiting,
            unclear: KeyPage::default(),
            scan,
            seen,
            sampled: false,
            owed: VecDeque::new(),
            page_size: PageSize::new(request.pipeline_keys, PAGE_BYTES),
            throttle: Throttle::new(request.throttle),
            cancel,
            ttl_fields: Hpttl::new(request.ttl_fields().iter().map(|field| field.as_bytes())),
            field_ttls: Vec::new(),
            asks_field_ttl: request.wants(&Source::FieldTtl { field: None }),
            types: KeyPage::default(),
            window: Window::default(),
            elements: 0,
            stream_end: None,
            large: VecDeque::new(),
            in_pairs: false,
            scratch: Vec::new(),
        })
    }

    /// Reads to the end.
    pub(super) fn run(&mut self) -> Result<()> {
        self.choose_series()?;
        while self.rows.left() > 0 {
            self.rows.look_after_consumer();
            self.ask()?;
            self.replies.connection.flush()?;
            let Some(owed) = self.owed.pop_front() else {
                if self.large.is_empty() {
                    break;
                }
                self.read_large()?;
                continue;
            };
            match owed {
                Owed::Scan => self.receive_scan()?,
                Owed::Page {
                    keys,
                    values,
                    window,
                } => {
                    let before = self.replies.connection.bytes_read();
                    self.receive_page(&keys, values, window)?;
                    let bytes = self.replies.connection.bytes_read() - before;
                    self.page_size.learn(keys.len(), bytes);
                }
                Owed::FieldTtls { key, ttl, fields } => {
                    self.receive_fields_with_ttl(&key, ttl, &fields)?;
                }
                Owed::Lengths { keys, mut facts } => self.receive_lengths(&keys, &mut facts)?,
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
            self.ask_scan(0)?;
            if page.is_empty() {
                break;
            }
            let rows = &self.rows;
            self.throttle
                .wait(page.len(), self.cancel, || rows.look_after_consumer())?;
            let window = self.window.elements(self.rows_to_try(self.rows.left()));
            self.ask_page(&page, window);
            self.owed.push_back(Owed::Page {
                keys: page,
                values: self.plan.values,
                window,
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
        let large = !self.large.is_empty();
        if large || pages >= PAGES_IN_FLIGHT || pages > 0 && more_come && waiting < size {
            return KeyPage::default();
        }
        let whole = if waiting <= size + size / 2 {
            waiting
        } else {
            size
        };
        let wanted = self.rows_to_try(self.rows.left());
        let wanted = wanted.saturating_sub(self.keys_in_flight());
        let most = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.waiting.take(most.min(whole))
    }

    pub(super) fn keys_in_flight(&self) -> u64 {
        self.owed.iter().map(Owed::keys).sum()
    }

    pub(super) fn count_bytes(&self) {
        let connection = &self.replies.connection;
        self.stats
            .bytes_read
            .store(connection.bytes_read(), Relaxed);
        self.stats
            .bytes_written
            .store(connection.bytes_written(), Relaxed);
    }
}
