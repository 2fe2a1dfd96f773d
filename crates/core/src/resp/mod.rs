//! RESP2 and RESP3: encoding commands, decoding replies.
