//! The scanner agrees with `serde_json` on what is JSON and what it says, except that it keeps the digits of numbers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The value as `serde_json` has it.
fn plain(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(digits) => serde_json::from_str(digits).unwrap(),
        Json::Text(text) => Value::from(&**text),
        Json::List(items) => items.iter().map(plain).collect(),
        Json::Object(fields) => fields.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
    }
}

/// The only value of a text; white space at the end so that a number is complete.
fn read(text: &str) -> Result<Value, Fault> {
    let text = format!("{text} ");
    let mut scanner = Scanner::new(&text);
    let value = scanner.next_value()?.ok_or(Fault::End)?;
    match scanner.next_value()? {
        None => Ok(plain(&value)),
        Some(_) => Err(Fault::Broken),
    }
}

#[test]
fn what_is_json_and_what_is_not_is_as_serde_json_says() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5",
        "1e5",
        "1E+5",
        "2.5e-3",
        "\"\"",
        "\"é\"",
        "\"a\\n\\u00e9\\/\"",
        "\"\\ud83d\\ude00\"",
        "[]",
        "[ ]",
        "[1, 2 ,3]",
        "{}",
        "{ }",
        "{\"a\":{\"b\":[null]}}",
        "{\"a\":1,\"a\":2}",
        "18446744073709551615",
        "18446744073709551616",
        // Not JSON:
        "",
        "nul",
        "nulL",
        "tru",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\udc00\"",
        "\"\u{1}\"",
        "\"\n\"",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1 \"b\":2}",
        "]",
        "}",
        "1 2",
        "'a'",
        "NaN",
    ] {
        let expected: Result<Value, _> = serde_json::from_str(text);
        match (read(text), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(_), Err(_)) => {}
            (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(&nested(127)).is_ok() && serde_json::from_str::<Value>(&nested(127)).is_ok());
    assert_eq!(read(&nested(100_000)), Err(Fault::Broken));
}

#[test]
fn a_text_that_is_cut_anywhere_may_go_on() {
    let text = "{\"a\":[-1.5e+3,true,null,\"x\\n\\ud83d\\ude00\"],\"b\":{\"c\":false}}";
    for cut in (1..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
        assert_eq!(Scanner::new(&text[..cut]).next_value(), Err(Fault::End), "{}", &text[..cut]);
    }
    let mut scanner = Scanner::new(text);
    assert!(matches!(scanner.next_value(), Ok(Some(Json::Object(_)))));
    assert_eq!((scanner.position(), scanner.next_value()), (text.len(), Ok(None)));
}

#[test]
fn values_are_shown_as_json() {
    for text in ["[]", "{}", "[1,2.50]", "{\"a\":\"b\\\"\",\"c\":[null,true]}"] {
        let text = format!("{text} ");
        let value = Scanner::new(&text).next_value().unwrap().unwrap();
        assert_eq!(value.to_string(), text.trim());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        prop_assert_eq!(read(&text), Ok(value));
    }

    /// Texts made of pieces of JSON: mostly broken, sometimes not.
    #[test]
    fn both_parsers_accept_the_same(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"a\"", "1", "-", ".5", "e-3", "0", " ", "null", "\"", "\\", "u00", "t"]),
            0..9,
        )
    ) {
        let text = pieces.concat();
        let expected: Result<Value, _> = serde_json::from_str(&text);
        prop_assert_eq!(read(&text).ok(), expected.ok());
    }
}
