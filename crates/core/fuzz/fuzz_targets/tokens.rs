//! Flat replies, whole and in two pieces, against the parser that builds trees.
#![no_main]

use gearframe_core::resp::tokens::{Shape, Tokenizer};
use gearframe_core::resp::{Reply, parse_reply};
use libfuzzer_sys::fuzz_target;

type Values = Vec<Option<Vec<u8>>>;

fuzz_target!(|input: (u16, &[u8])| {
    let (split, bytes) = input;
    let mut tokenizer = Tokenizer::default();
    let whole = read(&mut tokenizer, bytes);
    compare(&whole, bytes);
    let mut tokenizer = Tokenizer::default();
    let first = bytes.get(..usize::from(split)).unwrap_or(bytes);
    match read(&mut tokenizer, first) {
        Ok(None) => assert_eq!(read(&mut tokenizer, bytes).ok(), whole.ok()),
        Ok(found) => assert_eq!(Some(found), whole.ok()),
        Err(()) => assert!(whole.is_err()),
    }
});

fn read(tokenizer: &mut Tokenizer, bytes: &[u8]) -> Result<Option<(Shape, Values, usize)>, ()> {
    let Some((shape, used)) = tokenizer.read(bytes).map_err(drop)? else {
        return Ok(None);
    };
    let values = tokenizer.spans().iter();
    let values = values.map(|span| span.of(bytes).map(<[u8]>::to_vec));
    Ok(Some((shape, values.collect(), used)))
}

fn compare(flat: &Result<Option<(Shape, Values, usize)>, ()>, bytes: &[u8]) {
    let tree = parse_reply(bytes);
    let Ok(Some((shape, values, used))) = flat else {
        return;
    };
    // Push messages are skipped without a limit of depth.
    if *shape == Shape::Push {
        return;
    }
    let Ok(Some((tree, length))) = tree else {
        panic!("{shape:?} of what is no reply");
    };
    assert_eq!(*used, length);
    let wanted: Values = match &tree {
        Reply::Array(items) | Reply::Set(items) => items.iter().map(text).collect(),
        Reply::Map(pairs) => pairs.iter().flat_map(|(k, v)| [text(k), text(v)]).collect(),
        Reply::Integer(number) => {
            assert_eq!(*shape, Shape::Integer(*number));
            Values::new()
        }
        scalar => vec![text(scalar)],
    };
    assert_eq!(*values, wanted);
}

fn text(reply: &Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::Bulk(text) | Reply::Simple(text) | Reply::Error(text) => Some(text.clone()),
        _ => None,
    }
}
