//! Bytes received and not yet consumed.

/// The first size; it grows to what a reply needs.
const FIRST: usize = 256 << 10;
/// The most that one read asks for.
const CHUNK: usize = 1 << 20;
/// Below this much room a read is not worth its system call.
const ROOM: usize = 64 << 10;

/// A buffer that is always initialised, so that a read needs neither zeroing nor unsafe code.
#[derive(Debug)]
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The last read left no room: the server is faster than the buffer is large.
    was_full: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; FIRST],
            start: 0,
            end: 0,
            was_full: false,
        }
    }

    pub(super) fn data(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// Room to read into; say with [`Input::received`] how much was.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.make_room();
        let end = self.buffer.len().min(self.end + CHUNK);
        self.buffer.get_mut(self.end..end).unwrap_or_default()
    }

    pub(super) fn received(&mut self, n: usize) {
        self.end = self.buffer.len().min(self.end + n);
        self.was_full = self.end == self.buffer.len();
    }

    fn make_room(&mut self) {
        let live = self.end - self.start;
        if live == 0 {
            (self.start, self.end) = (0, 0);
        }
        let size = self.buffer.len();
        let is_short = size - self.end < ROOM;
        let is_outrun = self.was_full && size < CHUNK;
        if !is_short && !is_outrun {
            return;
        }
        // Moving is paid by what has been consumed, growing by what has arrived: both are rare.
        let moves = self.start >= live && self.start > 0;
        if moves || is_outrun || live > size / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, live);
        }
        if is_outrun || size - self.end < ROOM {
            self.buffer.resize(size * 2, 0);
            self.was_full = false;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_larger_than_the_buffer_makes_it_grow() {
        let mut input = Input::new();
        let mut total = 0;
        while total < 5 << 20 {
            let n = input.room().len();
            assert!(n > 0 && n <= CHUNK);
            input.received(n);
            total += n;
        }
        assert_eq!(input.data().len(), total);
        assert!(input.buffer.len() <= 16 << 20);
    }

    #[test]
    fn small_replies_keep_it_small() {
        let mut input = Input::new();
        for _ in 0..100_000 {
            assert!(input.room().len() >= ROOM);
            input.received(100);
            input.consume(90);
            input.consume(10);
        }
        assert_eq!(input.buffer.len(), FIRST);
    }

    #[test]
    fn consuming_too_much_is_consuming_all() {
        let mut input = Input::new();
        input.received(3);
        input.consume(usize::MAX);
        assert!(input.data().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn bytes_come_out_in_order(steps in proptest::collection::vec((0usize..600_000, 0usize..600_000), 1..30)) {
            let mut input = Input::new();
            let (mut written, mut read) = (0usize, 0usize);
            for (arrive, consume) in steps {
                let room = input.room();
                prop_assert!(!room.is_empty());
                let n = arrive.min(room.len());
                for (i, byte) in room[..n].iter_mut().enumerate() {
                    *byte = ((written + i) % 251) as u8;
                }
                input.received(n);
                written += n;
                let n = consume.min(input.data().len());
                prop_assert!(input.data()[..n].iter().enumerate().all(|(i, b)| *b == ((read + i) % 251) as u8));
                input.consume(n);
                read += n;
                prop_assert_eq!(input.data().len(), written - read);
            }
        }
    }
}
