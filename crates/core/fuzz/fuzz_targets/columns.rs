//! Any bytes into columns of any type: no panic, and as many rows as were put in.
#![no_main]

use gearframe_core::column::{Column, ColumnType, StructField, TimeUnit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<&[u8]>)| {
    let (kind, texts) = input;
    let types = types();
    let dtype = &types[usize::from(kind) % types.len()];
    let Ok(mut column) = Column::new(dtype, 4) else {
        panic!("{dtype:?} is a type");
    };
    for (row, text) in texts.iter().enumerate() {
        if column.push_text(text).is_err() {
            column.push_null();
        }
        assert_eq!(column.len(), row + 1, "{dtype:?}");
    }
    let rows = column.finish().map(|array| array.len()).ok();
    assert_eq!(rows, Some(texts.len()), "{dtype:?}");
});

fn types() -> Vec<ColumnType> {
    use ColumnType as T;
    let list = |inner| T::List {
        inner: Box::new(inner),
    };
    let mut types = vec![
        T::Int8,
        T::Int16,
        T::Int32,
        T::Int64,
        T::Int128,
        T::UInt8,
        T::UInt16,
        T::UInt32,
        T::UInt64,
        T::UInt128,
        T::Float32,
        T::Float64,
        T::Boolean,
        T::String,
        T::Binary,
        T::Categorical,
        T::Date,
        T::Time,
        T::Enum {
            categories: vec!["a".into(), "é".into()],
        },
        T::Decimal {
            precision: 38,
            scale: 4,
        },
        T::Decimal {
            precision: 5,
            scale: 0,
        },
    ];
    for unit in [TimeUnit::Ms, TimeUnit::Us, TimeUnit::Ns] {
        types.push(T::Duration { unit });
        for zone in [None, Some("UTC".into()), Some("Europe/Berlin".into())] {
            types.push(T::Datetime { unit, zone });
        }
    }
    types.extend([
        list(T::Int64),
        list(list(T::String)),
        T::Array {
            inner: Box::new(T::Float64),
            width: 2,
        },
        T::Struct {
            fields: vec![
                StructField {
                    name: "a".into(),
                    dtype: T::Int64,
                },
                StructField {
                    name: "b".into(),
                    dtype: list(T::Date),
                },
            ],
        },
    ]);
    types
}
