//! Some elements of one key, encoded: arguments that become commands once it is known where to.

use super::request::{Collection, CollectionRequest};
use crate::resp::encode;
use crate::write::stats::{WriteStats, add};

/// A chunk is closed when it has so many bytes; one element may be larger.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// Elements as arguments, without the command and the key.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) body: Vec<u8>,
    /// Of streams and time series, whose key stands before each element.
    pieces: Vec<Piece>,
    pub(super) elements: usize,
}

/// One element: where it ends in the body, and how many arguments it has.
#[derive(Debug, Clone, Copy)]
struct Piece {
    end: usize,
    words: usize,
}

impl Chunk {
    pub(super) fn is_full(&self, request: &CollectionRequest) -> bool {
        self.elements >= request.chunk_elements() || self.body.len() >= CHUNK_BYTES
    }

    /// What has been appended to the body is one element of so many arguments.
    #[inline]
    pub(super) fn close_element(&mut self, kind: Collection, words: usize) {
        self.elements += 1;
        if matches!(kind, Collection::Streams | Collection::Timeseries) {
            let end = self.body.len();
            self.pieces.push(Piece { end, words });
        }
    }

    /// Counts the commands that write it.
    pub(super) fn count(&self, kind: Collection, stats: &WriteStats) {
        let counter = match kind {
            Collection::Sets => &stats.sadd,
            Collection::Lists => &stats.rpush,
            Collection::Zsets => &stats.zadd,
            Collection::Streams => &stats.xadd,
            Collection::Timeseries => &stats.ts_madd,
        };
        add(counter, self.commands(kind));
    }

    /// How many commands write it.
    pub(super) fn commands(&self, kind: Collection) -> usize {
        match kind {
            Collection::Streams => self.elements,
            _ => 1,
        }
    }

    /// Appends the commands that add the elements to a key. `trim` comes before the id of an
    /// entry, encoded.
    pub(super) fn put(
        &self,
        out: &mut Vec<u8>,
        request: &CollectionRequest,
        key: &[u8],
        trim: &[u8],
    ) {
        let many = |out: &mut Vec<u8>, name: &[u8], words: usize| {
            encode::header(out, 2 + words * self.elements);
            encode::bulk(out, name);
            encode::bulk(out, key);
            out.extend_from_slice(&self.body);
        };
        match request.kind {
            Collection::Sets => many(out, b"SADD", 1),
            Collection::Lists => many(out, b"RPUSH", 1),
            Collection::Zsets => many(out, b"ZADD", 2),
            Collection::Streams => {
                for (words, piece) in self.pieces() {
                    encode::header(out, 2 + request.trim.len() + words);
                    out.extend_from_slice(b"$4\r\nXADD\r\n");
                    encode::bulk(out, key);
                    out.extend_from_slice(trim);
                    out.extend_from_slice(piece);
                }
            }
            Collection::Timeseries => {
                encode::header(out, 1 + 3 * self.elements);
                out.extend_from_slice(b"$7\r\nTS.MADD\r\n");
                for (_, piece) in self.pieces() {
                    encode::bulk(out, key);
                    out.extend_from_slice(piece);
                }
            }
        }
    }

    fn pieces(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.pieces.iter().map(move |piece| {
            let bytes = self.body.get(start..piece.end).unwrap_or_default();
            start = piece.end;
            (piece.words, bytes)
        })
    }

    /// The id or the timestamp of an element, for a message.
    pub(super) fn name(&self, place: usize) -> Option<String> {
        let (_, piece) = self.pieces().nth(place)?;
        let start = piece.iter().position(|byte| *byte == b'\n')? + 1;
        let rest = piece.get(start..)?;
        let end = rest.iter().position(|byte| *byte == b'\r')?;
        Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::request::IfExists;

    fn request(kind: Collection) -> CollectionRequest {
        CollectionRequest {
            kind,
            if_exists: IfExists::Replace,
            key: String::new(),
            fields: Vec::new(),
            key_prefix: Vec::new(),
            ttl_column: None,
            ttl_ms: None,
            is_scattered: false,
            id: None,
            trim: vec!["MAXLEN".to_owned(), "9".to_owned()],
            create: Vec::new(),
            labels: Vec::new(),
            label_columns: Vec::new(),
            temporary_ms: 1,
        }
    }

    /// What two elements of these words become.
    fn commands(kind: Collection, elements: [&[&str]; 2]) -> String {
        let mut chunk = Chunk::default();
        for words in elements {
            for word in words {
                encode::bulk(&mut chunk.body, word.as_bytes());
            }
            chunk.close_element(kind, words.len());
        }
        let mut trim = Vec::new();
        encode::bulk(&mut trim, b"MAXLEN");
        encode::bulk(&mut trim, b"9");
        let mut out = Vec::new();
        chunk.put(&mut out, &request(kind), b"k", &trim);
        String::from_utf8_lossy(&out).replace("\r\n", " ")
    }

    #[test]
    fn one_command_for_many_elements() {
        let found = commands(Collection::Sets, [&["a"], &["b"]]);
        assert_eq!(found, "*4 $4 SADD $1 k $1 a $1 b ");
        let found = commands(Collection::Zsets, [&["1", "a"], &["2", "b"]]);
        assert_eq!(found, "*6 $4 ZADD $1 k $1 1 $1 a $1 2 $1 b ");
    }

    #[test]
    fn entries_and_samples_name_their_key() {
        let found = commands(Collection::Streams, [&["1-1", "f", "v"], &["*", "f", "w"]]);
        let trim = "$6 MAXLEN $1 9";
        let expected = format!(
            "*7 $4 XADD $1 k {trim} $3 1-1 $1 f $1 v *7 $4 XADD $1 k {trim} $1 * $1 f $1 w "
        );
        assert_eq!(found, expected);
        let found = commands(Collection::Timeseries, [&["1", "0.5"], &["2", "7"]]);
        assert_eq!(found, "*7 $7 TS.MADD $1 k $1 1 $3 0.5 $1 k $1 2 $1 7 ");
    }

    #[test]
    fn elements_have_the_name_of_their_first_word() {
        let mut chunk = Chunk::default();
        for id in ["1-1", "22-2"] {
            encode::bulk(&mut chunk.body, id.as_bytes());
            encode::bulk(&mut chunk.body, b"f");
            chunk.close_element(Collection::Streams, 2);
        }
        assert_eq!(chunk.name(1).as_deref(), Some("22-2"));
        assert_eq!(chunk.name(2), None);
    }
}
