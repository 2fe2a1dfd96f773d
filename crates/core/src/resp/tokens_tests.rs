#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::resp::reply::tests::{any_reply, encode};
use crate::resp::{Reply, parse_reply};

/// The values of a reply, copied out.
type Values = Vec<Option<Vec<u8>>>;
/// A reply and its length.
type Read = (Shape, Values, usize);

fn read(tokenizer: &mut Tokenizer, input: &[u8]) -> Result<Option<Read>> {
    let Some((shape, used)) = tokenizer.read(input)? else {
        return Ok(None);
    };
    let values = tokenizer.spans().iter();
    let values = values.map(|span| span.of(input).map(<[u8]>::to_vec));
    Ok(Some((shape, values.collect(), used)))
}

fn whole(input: &[u8]) -> Result<Option<Read>> {
    read(&mut Tokenizer::default(), input)
}

fn texts(values: &[&str]) -> Values {
    values.iter().map(|v| Some(v.as_bytes().to_vec())).collect()
}

/// Flat replies of both protocols, and what they hold.
fn corpus() -> Vec<(&'static [u8], Shape, Values)> {
    let values = Shape::Values;
    let scalar = Shape::Scalar;
    vec![
        (b"+OK\r\n", Shape::Simple, texts(&["OK"])),
        (b"+\r\n", Shape::Simple, texts(&[""])),
        (b"$5\r\nhello\r\n", scalar, texts(&["hello"])),
        (b"$0\r\n\r\n", scalar, texts(&[""])),
        (b"$4\r\n\r\n\r\n\r\n", scalar, texts(&["\r\n\r\n"])),
        (b"$10\r\n0123456789\r\n", scalar, texts(&["0123456789"])),
        (b"$0000000000003\r\nabc\r\n", scalar, texts(&["abc"])),
        (b"$-1\r\n", scalar, vec![None]),
        (b"*-1\r\n", scalar, vec![None]),
        (b"_\r\n", scalar, vec![None]),
        (b":0\r\n", Shape::Integer(0), vec![]),
        (b":-0\r\n", Shape::Integer(0), vec![]),
        (
            b":-9223372036854775808\r\n",
            Shape::Integer(i64::MIN),
            vec![],
        ),
        (
            b":9223372036854775807\r\n",
            Shape::Integer(i64::MAX),
            vec![],
        ),
        (b"-ERR no\r\n", Shape::Error, texts(&["ERR no"])),
        (b"!6\r\nERR\r\nx\r\n", Shape::Error, texts(&["ERR\r\nx"])),
        (b"*0\r\n", values, vec![]),
        (b"~1\r\n$1\r\na\r\n", values, texts(&["a"])),
        (b"%1\r\n$1\r\nf\r\n$1\r\nv\r\n", values, texts(&["f", "v"])),
        (b">2\r\n+a\r\n:1\r\n", Shape::Push, vec![]),
        (
            b">2\r\n*1\r\n%1\r\n+a\r\n*0\r\n|1\r\n+b\r\n*0\r\n#t\r\n",
            Shape::Push,
            vec![],
        ),
        (
            b"*4\r\n$1\r\na\r\n$-1\r\n_\r\n*-1\r\n",
            values,
            vec![Some(b"a".to_vec()), None, None, None],
        ),
    ]
}

#[test]
fn every_reply_is_read_whole_and_at_every_split() {
    for (wire, shape, values) in corpus() {
        let wanted = Some((shape, values, wire.len()));
        assert_eq!(whole(wire).unwrap(), wanted, "{}", wire.escape_ascii());
        let longer = [wire, b"$9\r\nleft over"].concat();
        assert_eq!(whole(&longer).unwrap(), wanted);
        for split in 0..wire.len() {
            let mut tokenizer = Tokenizer::default();
            assert_eq!(tokenizer.read(&wire[..split]), Ok(None), "split {split}");
            assert_eq!(read(&mut tokenizer, wire).unwrap(), wanted, "split {split}");
        }
    }
}

#[test]
fn one_tokenizer_reads_all_replies_byte_by_byte() {
    let mut tokenizer = Tokenizer::default();
    for (wire, shape, values) in corpus() {
        for end in 0..wire.len() {
            assert_eq!(tokenizer.read(&wire[..end]), Ok(None));
        }
        let found = read(&mut tokenizer, wire).unwrap();
        assert_eq!(found, Some((shape, values, wire.len())));
    }
}

#[test]
fn garbage_is_refused() {
    let zeros = [b"$".as_slice(), &[b'0'; 40]].concat();
    let line = [b"+".as_slice(), &[b'a'; 70_000]].concat();
    let cases: &[&[u8]] = &[
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"\0",
        b"$4294967297\r\n",
        b"$99999999999\r\n",
        b"$99999999999999999999\r\n",
        b"$18446744073709551616\r\n",
        b"$-9223372036854775808\r\n",
        b"$-9223372036854775809\r\n",
        b"$-2\r\n",
        b"$-0\r\n",
        b"$-01\r\n",
        b"$-\r\n",
        b"$\r\n",
        b"$+1\r\na\r\n",
        b"$1a\r\n",
        b"$1\rx",
        b"$1\r\nab\r\n",
        b"$3\r\nab\r\n$1",
        b"*2147483649\r\n",
        b"*9999999999\r\n",
        b"*-2\r\n",
        b"%-1\r\n",
        b"~-1\r\n",
        b">-1\r\n",
        b"!-1\r\n",
        b"=3\r\ntxt\r\n",
        b":\r\n",
        b":9223372036854775808\r\n",
        b":-9223372036854775809\r\n",
        b":1.5\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b"*1\r\n?",
        b"*1\r\n:x\r\n",
        b"*1\r\n+-1\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n=5\r\ntxt:a\r\n",
        b"#t\r\n",
        b"(-1\r\n",
        b"=5\r\ntxt:a\r\n",
        b"*2\r\n$1\r\na\r\n-ERR inside\r\n",
        b"*1\r\n*0\r\n",
        b"*1\r\n%0\r\n",
        b"|1\r\n+a\r\n+b\r\n+c\r\n",
        &zeros,
        &line,
    ];
    for case in cases {
        let shown = case[..case.len().min(40)].escape_ascii();
        let error = whole(case).expect_err(&shown.to_string());
        assert_eq!(error.kind, ErrorKind::Protocol, "{shown}");
        assert!(error.message.contains("Redis or Valkey server?"), "{error}");
        assert!(error.message.len() < 400, "{error}");
    }
}

#[test]
fn what_is_announced_is_not_allocated() {
    for wire in [
        &b"*2147483648\r\n"[..],
        b"%2147483648\r\n",
        b"$4294967296\r\na",
    ] {
        let mut tokenizer = Tokenizer::default();
        assert_eq!(tokenizer.read(wire), Ok(None));
        assert_eq!(tokenizer.spans.capacity(), 0);
    }
}

#[test]
fn array_headers_are_read_alone() {
    assert_eq!(array_header(b""), Ok(None));
    assert_eq!(array_header(b"*12\r"), Ok(None));
    assert_eq!(array_header(b"*12\r\n$1"), Ok(Some((12, 5))));
    assert_eq!(array_header(b"~0\r\n"), Ok(Some((0, 4))));
    for wire in [
        &b"*-1\r\n"[..],
        b"_\r\n",
        b"%1\r\n",
        b":1\r\n",
        b"$1\r\n*\r\n",
        b"*x\r\n",
    ] {
        assert!(array_header(wire).is_err(), "{}", wire.escape_ascii());
    }
}

/// The time to read what grows by `step` bytes at a time.
fn time_to_read(wire: &[u8], step: usize) -> Duration {
    let start = Instant::now();
    let mut tokenizer = Tokenizer::default();
    let mut end = 0;
    while tokenizer.read(&wire[..end]).unwrap().is_none() {
        end = (end + step).min(wire.len());
    }
    start.elapsed()
}

#[test]
fn nothing_is_scanned_twice() {
    // Each step that began anew would look at 100,000 elements: 3e10 in all, which takes minutes.
    let mut wire = b"*100000\r\n".to_vec();
    wire.extend(b"$1\r\na\r\n".repeat(100_000));
    assert!(time_to_read(&wire, 3) < Duration::from_secs(60));
    let mut value = b"$3000000\r\n".to_vec();
    value.extend(vec![b'\r'; 3_000_000]);
    value.extend(b"\r\n");
    assert!(time_to_read(&value, 3) < Duration::from_secs(60));
    let mut line = b"+".to_vec();
    line.extend(vec![b'a'; 60_000]);
    line.extend(b"\r\n");
    assert!(time_to_read(&line, 1) < Duration::from_secs(60));
}

/// A reply's value as the tokenizer shows it; `None` where it takes no such value.
fn value_of(reply: &Reply) -> Option<Option<Vec<u8>>> {
    match reply {
        Reply::Null => Some(None),
        Reply::Bulk(text) => Some(Some(text.clone())),
        _ => None,
    }
}

/// What the tokenizer must make of a reply; `None` where it must refuse it.
fn flattened(reply: &Reply) -> Option<(Shape, Values)> {
    let items = |items: &[Reply]| items.iter().map(value_of).collect::<Option<_>>();
    Some(match reply {
        Reply::Integer(number) => (Shape::Integer(*number), vec![]),
        Reply::Double(number) => (
            Shape::Double,
            vec![Some(format!("{number:?}").into_bytes())],
        ),
        Reply::Error(text) => (Shape::Error, vec![Some(text.clone())]),
        Reply::Simple(text) => (Shape::Simple, vec![Some(text.clone())]),
        Reply::Array(values) | Reply::Set(values) => (Shape::Values, items(values)?),
        Reply::Push(_) => (Shape::Push, vec![]),
        Reply::Map(pairs) => {
            let both = pairs.iter().flat_map(|(k, v)| [value_of(k), value_of(v)]);
            (Shape::Values, both.collect::<Option<_>>()?)
        }
        scalar => (Shape::Scalar, vec![value_of(scalar)?]),
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_tree(reply in any_reply(), splits in proptest::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let mut wire = Vec::new();
        encode(&reply, &mut wire);
        prop_assert_eq!(parse_reply(&wire).unwrap(), Some((reply.clone(), wire.len())));
        let wanted = flattened(&reply).map(|(shape, values)| (shape, values, wire.len()));
        let mut ends: Vec<usize> = splits.iter().map(|index| index.index(wire.len())).collect();
        ends.sort_unstable();
        ends.push(wire.len());
        let mut tokenizer = Tokenizer::default();
        for end in ends {
            match read(&mut tokenizer, &wire[..end]) {
                Ok(None) => prop_assert!(end < wire.len()),
                Ok(found) => return { prop_assert_eq!(found, wanted); Ok(()) },
                Err(error) => {
                    prop_assert_eq!(error.kind, ErrorKind::Protocol);
                    prop_assert!(wanted.is_none(), "{} of {:?}", error, reply);
                    return Ok(());
                }
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(input in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut tokenizer = Tokenizer::default();
        for end in 0..=input.len() {
            if tokenizer.read(&input[..end]).is_err() {
                break;
            }
        }
    }

    #[test]
    fn random_resp_like_bytes_never_panic(input in "[-+:$*_#,(!=%~>|0-9a\r\n]{0,40}") {
        let found = whole(input.as_bytes());
        // What the tree refuses the tokenizer refuses, and what both take has the same length.
        match (parse_reply(input.as_bytes()), found) {
            (Err(_), found) => prop_assert!(!matches!(found, Ok(Some(_)))),
            (Ok(Some((_, length))), Ok(Some((_, _, used)))) => prop_assert_eq!(used, length),
            (Ok(_), Err(_)) | (Ok(None), Ok(None)) => {}
            (tree, flat) => prop_assert!(false, "{:?} but {:?}", tree, flat),
        }
    }

    #[test]
    fn broken_replies_never_panic(reply in any_reply(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut wire = Vec::new();
        encode(&reply, &mut wire);
        let at = at.index(wire.len());
        wire[at] = byte;
        let _ = whole(&wire);
    }
}
