//! Parsing replies: every kind, every prefix, garbage, and what is encoded comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::ErrorKind;
use proptest::prelude::*;

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn parsed(input: &[u8]) -> Reply {
    let (reply, length) = parse_reply(input).unwrap().expect("complete");
    assert_eq!(length, input.len());
    reply
}

fn refused(input: &[u8]) -> String {
    let error = parse_reply(input).expect_err(&input.escape_ascii().to_string());
    assert_eq!(error.kind, ErrorKind::Protocol);
    error.message
}

#[test]
fn each_kind() {
    let cases: &[(&[u8], Reply)] = &[
        (b"+OK\r\n", Reply::Simple(b"OK".to_vec())),
        (b"-ERR no\r\n", Reply::Error(b"ERR no".to_vec())),
        (b"!6\r\nERR\r\nx\r\n", Reply::Error(b"ERR\r\nx".to_vec())),
        (b":-42\r\n", Reply::Integer(-42)),
        (b",-1.5e3\r\n", Reply::Double(-1500.0)),
        (b",inf\r\n", Reply::Double(f64::INFINITY)),
        (b"#t\r\n", Reply::Boolean(true)),
        (
            b"(-123456789012345678901\r\n",
            Reply::BigNumber(b"-123456789012345678901".to_vec()),
        ),
        (b"$2\r\n\r\n\r\n", bulk("\r\n")),
        (b"$0\r\n\r\n", bulk("")),
        (
            b"=7\r\ntxt:abc\r\n",
            Reply::Verbatim {
                format: *b"txt",
                text: b"abc".to_vec(),
            },
        ),
        (b"_\r\n", Reply::Null),
        (b"$-1\r\n", Reply::Null),
        (b"*-1\r\n", Reply::Null),
        (b"*0\r\n", Reply::Array(vec![])),
        (
            b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n",
            Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![bulk("a")])]),
        ),
        (
            b"%1\r\n$1\r\na\r\n:1\r\n",
            Reply::Map(vec![(bulk("a"), Reply::Integer(1))]),
        ),
        (b"~1\r\n:1\r\n", Reply::Set(vec![Reply::Integer(1)])),
        (b">1\r\n:1\r\n", Reply::Push(vec![Reply::Integer(1)])),
    ];
    for (input, expected) in cases {
        assert_eq!(parsed(input), *expected, "{}", input.escape_ascii());
    }
}

#[test]
fn attributes_are_skipped_anywhere() {
    assert_eq!(parsed(b"|1\r\n+ttl\r\n:5\r\n:1\r\n"), Reply::Integer(1));
    assert_eq!(
        parsed(b"*2\r\n|1\r\n+a\r\n*1\r\n:9\r\n:1\r\n|0\r\n:2\r\n"),
        Reply::Array(vec![Reply::Integer(1), Reply::Integer(2)])
    );
}

#[test]
fn every_prefix_is_incomplete() {
    let whole: &[u8] = b"*9\r\n+OK\r\n-ERR\r\n:1\r\n,1.5\r\n#f\r\n(12\r\n=5\r\ntxt:a\r\n%1\r\n$3\r\na\rb\r\n_\r\n|1\r\n+k\r\n+v\r\n~1\r\n$-1\r\n";
    for end in 0..whole.len() {
        assert_eq!(parse_reply(&whole[..end]).unwrap(), None, "{end}");
    }
    assert!(matches!(parsed(whole), Reply::Array(items) if items.len() == 9));
}

#[test]
fn the_walk_resumes() {
    let whole = b"*2\r\n$5\r\nhello\r\n*1\r\n:1\r\n+next";
    let mut extent = Extent::default();
    for end in 0..whole.len() - 5 {
        assert_eq!(extent.advance(&whole[..end]).unwrap(), None);
    }
    assert_eq!(extent.advance(whole).unwrap(), Some(whole.len() - 5));
}

#[test]
fn garbage_is_refused() {
    let long_line = [b"$".as_slice(), &[b'1'; 40]].concat();
    let nested = b"*1\r\n".repeat(33);
    let cases: &[&[u8]] = &[
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"\0",
        b"$4294967297\r\n",
        b"$99999999999999999999999\r\n",
        b"$-2\r\n",
        b"$\r\n",
        b"$+1\r\n",
        b"$1a\r\n",
        b"$ 1\r\n",
        b"$1\rx",
        b"$1\r\nab\r\n",
        b"!-1\r\n",
        b"=3\r\ntxt\r\n",
        b"*2147483649\r\n",
        b"*-2\r\n",
        b"%-1\r\n",
        b">-1\r\n",
        b":\r\n",
        b":9223372036854775808\r\n",
        b":1.5\r\n",
        b",\r\n",
        b",one\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b"(\r\n",
        b"(1e5\r\n",
        b"*1\r\n?\r\n",
        &long_line,
        &nested,
    ];
    for case in cases {
        refused(case);
    }
}

#[test]
fn the_message_says_what_and_where() {
    let message = refused(b"*2\r\n:1\r\nzzz\r\n");
    assert!(message.contains("«zzz\\r\\n» at byte 8"), "{message}");
}

#[test]
fn what_is_announced_is_not_allocated() {
    assert_eq!(parse_reply(b"*2147483648\r\n").unwrap(), None);
    assert_eq!(parse_reply(b"$4294967296\r\nabc").unwrap(), None);
    assert_eq!(
        parsed(&[b"*1\r\n".repeat(32), b":1\r\n".to_vec()].concat()).as_integer(),
        None
    );
}

#[test]
fn names_are_found_in_maps_and_flat_lists() {
    let map = parsed(b"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n");
    let flat = parsed(b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n");
    for reply in [map, flat] {
        assert_eq!(reply.get(b"b").and_then(Reply::as_integer), Some(2));
        assert_eq!(reply.get(b"c"), None);
    }
}

/// The wire form of a reply, for the round trip.
pub(in crate::resp) fn encode(reply: &Reply, out: &mut Vec<u8>) {
    let line = |out: &mut Vec<u8>, mark: char, text: &[u8]| {
        out.push(mark as u8);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    };
    let head = |out: &mut Vec<u8>, mark: char, n: usize| line(out, mark, n.to_string().as_bytes());
    match reply {
        Reply::Simple(text) => line(out, '+', text),
        Reply::Error(text) => line(out, '-', text),
        Reply::Integer(n) => line(out, ':', n.to_string().as_bytes()),
        Reply::Double(n) => line(out, ',', format!("{n:?}").as_bytes()),
        Reply::Boolean(true) => line(out, '#', b"t"),
        Reply::Boolean(false) => line(out, '#', b"f"),
        Reply::BigNumber(digits) => line(out, '(', digits),
        Reply::Bulk(bytes) => crate::resp::encode::bulk(out, bytes),
        Reply::Verbatim { format, text } => {
            head(out, '=', text.len() + 4);
            out.extend_from_slice(format);
            out.push(b':');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
        Reply::Null => line(out, '_', b""),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            let mark = match reply {
                Reply::Array(_) => '*',
                Reply::Set(_) => '~',
                _ => '>',
            };
            head(out, mark, items.len());
            items.iter().for_each(|item| encode(item, out));
        }
        Reply::Map(pairs) => {
            head(out, '%', pairs.len());
            for (key, value) in pairs {
                encode(key, out);
                encode(value, out);
            }
        }
    }
}

pub(in crate::resp) fn any_reply() -> impl Strategy<Value = Reply> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
    let leaf = prop_oneof![
        "[ -~]{0,20}".prop_map(|t| Reply::Simple(t.into_bytes())),
        "[ -~]{0,20}".prop_map(|t| Reply::Error(t.into_bytes())),
        any::<i64>().prop_map(Reply::Integer),
        (-1e300..1e300).prop_map(Reply::Double),
        any::<bool>().prop_map(Reply::Boolean),
        "-?[0-9]{1,30}".prop_map(|t| Reply::BigNumber(t.into_bytes())),
        bytes().prop_map(Reply::Bulk),
        bytes().prop_map(|text| Reply::Verbatim {
            format: *b"txt",
            text
        }),
        Just(Reply::Null),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let items = || proptest::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            items().prop_map(Reply::Array),
            items().prop_map(Reply::Set),
            items().prop_map(Reply::Push),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Reply::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_comes_back(reply in any_reply(), tail in proptest::collection::vec(any::<u8>(), 0..4)) {
        let mut wire = Vec::new();
        encode(&reply, &mut wire);
        let length = wire.len();
        wire.extend(tail);
        prop_assert_eq!(parse_reply(&wire).unwrap(), Some((reply, length)));
    }

    #[test]
    fn random_bytes_never_panic(input in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse_reply(&input);
    }

    #[test]
    fn broken_replies_never_panic(reply in any_reply(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut wire = Vec::new();
        encode(&reply, &mut wire);
        let at = at.index(wire.len());
        wire[at] = byte;
        let _ = parse_reply(&wire);
    }
}
