//! Which texts a column of text takes, and how it writes them down.

use std::collections::HashSet;

use arrow_array::builder::GenericByteViewBuilder;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};

use super::integer::{parse_i128, parse_u128};
use super::mismatch::Reason;

/// A rule for the values of a text column.
pub(super) trait TextRule {
    /// Text or bytes.
    type View: ByteViewType + ?Sized;

    /// Adds the text if the rule takes it.
    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<Self::View>,
    ) -> Result<(), Reason>;
}

/// Any UTF-8: String and Categorical columns.
pub(super) struct Utf8;

/// Any bytes: Binary columns.
pub(super) struct Bytes;

/// One of some names: Enum columns.
pub(super) struct OneOf(pub(super) HashSet<String>);

/// The digits of an Int128, for which Arrow has no type.
pub(super) struct Int128Digits;

/// The digits of a UInt128, for which Arrow has no type.
pub(super) struct UInt128Digits;

const TOO_LONG: Reason = "is longer than 4 GiB";

impl TextRule for Utf8 {
    type View = StringViewType;

    #[inline]
    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<StringViewType>,
    ) -> Result<(), Reason> {
        match simdutf8::basic::from_utf8(text) {
            Ok(text) => to.try_append_value(text).map_err(|_| TOO_LONG),
            Err(_) => Err("is not valid UTF-8; declare the column as Binary"),
        }
    }
}

impl TextRule for Bytes {
    type View = BinaryViewType;

    #[inline]
    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<BinaryViewType>,
    ) -> Result<(), Reason> {
        to.try_append_value(text).map_err(|_| TOO_LONG)
    }
}

impl TextRule for OneOf {
    type View = StringViewType;

    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<StringViewType>,
    ) -> Result<(), Reason> {
        match simdutf8::basic::from_utf8(text) {
            Ok(text) if self.0.contains(text) => to.try_append_value(text).map_err(|_| TOO_LONG),
            _ => Err("is not one of the categories"),
        }
    }
}

impl TextRule for Int128Digits {
    type View = StringViewType;

    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<StringViewType>,
    ) -> Result<(), Reason> {
        let number = parse_i128(text)?;
        to.try_append_value(itoa::Buffer::new().format(number))
            .map_err(|_| TOO_LONG)
    }
}

impl TextRule for UInt128Digits {
    type View = StringViewType;

    fn append(
        &self,
        text: &[u8],
        to: &mut GenericByteViewBuilder<StringViewType>,
    ) -> Result<(), Reason> {
        let number = parse_u128(text)?;
        to.try_append_value(itoa::Buffer::new().format(number))
            .map_err(|_| TOO_LONG)
    }
}
