//! Texts that are in memory already, parsed as a scan parses them.

use arrow_array::ArrayRef;

use super::column::Column;
use super::column_type::ColumnType;
use crate::Result;

/// The values of texts, and the rows that hold none of this type, each with the reason.
///
/// Those rows are null, as is a row without a text.
///
/// # Errors
///
/// See [`Column::new`].
pub fn parse_texts<'a>(
    ty: &ColumnType,
    texts: impl ExactSizeIterator<Item = Option<&'a [u8]>>,
) -> Result<(ArrayRef, Vec<(usize, String)>)> {
    let mut column = Column::new(ty, texts.len())?;
    let mut mismatches = Vec::new();
    for (row, text) in texts.enumerate() {
        match text.map(|text| column.push_text(text)) {
            Some(Ok(())) => {}
            Some(Err(mismatch)) => {
                column.push_null();
                mismatches.push((row, mismatch.reason));
            }
            None => column.push_null(),
        }
    }
    Ok((column.finish()?, mismatches))
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Array, Int64Array};

    use super::*;

    #[test]
    fn what_does_not_fit_is_null_and_named() -> Result<()> {
        let texts = [Some("7"), None, Some("x"), Some("+8"), Some("")];
        let texts = texts.iter().map(|text| text.map(str::as_bytes));
        let (array, mismatches) = parse_texts(&ColumnType::Int64, texts)?;
        let expected = Int64Array::from(vec![Some(7), None, None, Some(8), None]);
        assert_eq!(array.as_primitive::<Int64Type>(), &expected);
        let rows: Vec<usize> = mismatches.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [2, 4]);
        assert_eq!(mismatches[1].1, "is empty");
        Ok(())
    }

    #[test]
    fn a_broken_list_leaves_one_null() -> Result<()> {
        let inner = Box::new(ColumnType::Int64);
        let texts = ["[1]", "[1,\"x\"]", "[]"].map(|text| Some(text.as_bytes()));
        let (array, mismatches) = parse_texts(&ColumnType::List { inner }, texts.into_iter())?;
        assert_eq!((array.len(), array.null_count()), (3, 1));
        assert_eq!(mismatches.len(), 1);
        Ok(())
    }
}
