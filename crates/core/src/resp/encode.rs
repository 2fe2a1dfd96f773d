//! Commands as RESP arrays of bulk strings.

/// Appends one command.
pub fn command(out: &mut Vec<u8>, args: &[&[u8]]) {
    header(out, args.len());
    for arg in args {
        bulk(out, arg);
    }
}

/// Appends the head of a command of `n` arguments, its name included.
pub fn header(out: &mut Vec<u8>, n: usize) {
    length_line(out, b'*', n);
}

/// Appends one argument.
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 24);
    length_line(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn length_line(out: &mut Vec<u8>, mark: u8, n: usize) {
    let mut digits = itoa::Buffer::new();
    out.push(mark);
    out.extend_from_slice(digits.format(n).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_bulks() {
        let mut out = Vec::new();
        command(&mut out, &[b"SET", b"k\r\n", b""]);
        assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
    }

    #[test]
    fn pieces_append() {
        let mut out = b"x".to_vec();
        header(&mut out, 1);
        bulk(&mut out, &[b'a'; 12]);
        assert_eq!(out, b"x*1\r\n$12\r\naaaaaaaaaaaa\r\n");
    }
}
