//! The bytes of a reply to values for Python.

use gearframe_embedded_python::Value;

/// Deeper replies than this are refused; the server's own commands give a handful of levels.
const DEEPEST: usize = 256;

/// Reads a reply: the value, or the text of an error.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { bytes, at: 0 };
    match reader.value(0) {
        Some(Value::Error(text)) => Err(text),
        Some(value) => Ok(value),
        None => Err("ERR the reply of the server cannot be read".to_owned()),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next line without its end.
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        self.at += end + 2;
        Some(&rest[..end])
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.line()?).ok()
    }

    /// A length; `None` inside for the nil of RESP2.
    fn length(&mut self) -> Option<Option<usize>> {
        let number: i64 = self.text()?.parse().ok()?;
        Some(usize::try_from(number).ok())
    }

    fn blob(&mut self, length: usize) -> Option<&'a [u8]> {
        let blob = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length + 2;
        Some(blob)
    }

    fn values(&mut self, count: usize, depth: usize) -> Option<Vec<Value>> {
        // The count comes from the server, but memory is only taken for what is there.
        let mut values = Vec::with_capacity(count.min(self.bytes.len() - self.at));
        for _ in 0..count {
            values.push(self.value(depth + 1)?);
        }
        Some(values)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let kind = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match kind {
            b'+' => Value::Bulk(self.line()?.to_vec()),
            b'-' => Value::Error(String::from_utf8_lossy(self.line()?).into_owned()),
            b':' => Value::Int(self.text()?.parse().ok()?),
            b',' => Value::Float(float(self.text()?)?),
            b'#' => Value::Bool(self.line()? == b"t"),
            b'(' => Value::BigInt(self.text()?.to_owned()),
            b'_' => {
                self.line()?;
                Value::None
            }
            b'$' | b'!' | b'=' => self.long(kind)?,
            b'*' | b'>' => match self.length()? {
                None => Value::None,
                Some(count) => Value::List(self.values(count, depth)?),
            },
            b'~' => {
                let count = self.length()??;
                Value::Set(
                    self.values(count, depth)?
                        .into_iter()
                        .map(hashable)
                        .collect(),
                )
            }
            b'%' => Value::Dict(self.pairs(depth)?),
            b'|' => {
                self.pairs(depth)?; // attributes say something about the value that follows
                self.value(depth + 1)?
            }
            _ => return None,
        })
    }

    fn long(&mut self, kind: u8) -> Option<Value> {
        let Some(length) = self.length()? else {
            return Some(Value::None);
        };
        let blob = self.blob(length)?;
        Some(match kind {
            b'!' => Value::Error(String::from_utf8_lossy(blob).into_owned()),
            b'=' => Value::Bulk(blob.get(4..)?.to_vec()), // after "txt:"
            _ => Value::Bulk(blob.to_vec()),
        })
    }

    fn pairs(&mut self, depth: usize) -> Option<Vec<(Value, Value)>> {
        let count = self.length()??;
        let mut pairs = Vec::with_capacity(count.min(self.bytes.len() - self.at));
        for _ in 0..count {
            let key = hashable(self.value(depth + 1)?);
            pairs.push((key, self.value(depth + 1)?));
        }
        Some(pairs)
    }
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Keys and members need a hash: what is no UTF-8 becomes bytes, lists become tuples.
fn hashable(value: Value) -> Value {
    match value {
        Value::Bulk(bytes) => Value::Key(bytes),
        Value::List(items) => Value::Tuple(items.into_iter().map(hashable).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let cases: &[(&[u8], Value)] = &[
            (b"+OK\r\n", bulk("OK")),
            (b":-7\r\n", Value::Int(-7)),
            (b"$4\r\na\r\nb\r\n", bulk("a\r\nb")),
            (b"$0\r\n\r\n", bulk("")),
            (b"$-1\r\n", Value::None),
            (b"*-1\r\n", Value::None),
            (b"_\r\n", Value::None),
            (
                b"*2\r\n:1\r\n*0\r\n",
                Value::List(vec![Value::Int(1), Value::List(vec![])]),
            ),
            (b",-inf\r\n", Value::Float(f64::NEG_INFINITY)),
            (b"#t\r\n", Value::Bool(true)),
            (
                b"(123456789012345678901\r\n",
                Value::BigInt("123456789012345678901".into()),
            ),
            (b"=7\r\ntxt:abc\r\n", bulk("abc")),
            (
                b"%1\r\n$1\r\nk\r\n:1\r\n",
                Value::Dict(vec![(Value::Key(b"k".to_vec()), Value::Int(1))]),
            ),
            (
                b"~1\r\n$1\r\nm\r\n",
                Value::Set(vec![Value::Key(b"m".to_vec())]),
            ),
            (b"|1\r\n+a\r\n+b\r\n:5\r\n", Value::Int(5)),
            (
                b"*1\r\n-ERR x\r\n",
                Value::List(vec![Value::Error("ERR x".into())]),
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                read(bytes).as_ref(),
                Ok(expected),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn an_error_is_an_error() {
        assert_eq!(read(b"-WRONGTYPE no\r\n"), Err("WRONGTYPE no".into()));
        assert_eq!(read(b"!5\r\nERR x\r\n"), Err("ERR x".into()));
    }

    #[test]
    fn no_bytes_make_it_fall_over() {
        let whole = b"*3\r\n%1\r\n$1\r\nk\r\n,1.5\r\n=7\r\ntxt:abc\r\n~2\r\n:1\r\n#f\r\n";
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            for byte in [0, b'-', b'9', 0xff] {
                let mut garbled = whole.to_vec();
                garbled[at] = byte;
                drop(read(&garbled));
            }
        }
    }

    #[test]
    fn a_reply_without_a_bottom_is_refused() {
        assert!(read(&b"*1\r\n".repeat(100_000)).is_err());
    }

    #[test]
    fn a_length_takes_no_memory_before_its_bytes_are_there() {
        assert!(read(b"*1000000000000\r\n:1\r\n").is_err());
        assert!(read(b"$9223372036854775807\r\nx\r\n").is_err());
    }
}
