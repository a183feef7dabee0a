//! The JSON records of a load (graph-format §13): a stream of values separated by any white space.

use std::io::Read;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// A node: its type, its properties and perhaps its id.
    Node { kind: String, data: Map<String, Json> },
    /// An edge: its type, the nodes it connects, its properties and perhaps its id.
    Edge { kind: String, from: Json, to: Json, data: Map<String, Json> },
}

/// The keys of a record. `type` wins over `edge`.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "type")]
    node: Option<String>,
    edge: Option<String>,
    #[serde(default)]
    from: Json,
    #[serde(default)]
    to: Json,
    data: Option<Map<String, Json>>,
}

/// Reads the records of one input, each with its number, from 1. After a record that is no JSON nothing more can be read.
pub(super) fn records<R: Read>(input: R) -> impl Iterator<Item = (u64, Result<Record, String>)> {
    let values = serde_json::Deserializer::from_reader(input).into_iter::<Keys>();
    let mut failed = false;
    let values = values.take_while(move |value| !std::mem::replace(&mut failed, value.is_err()));
    (1..).zip(values.map(|value| value.map_err(|error| error.to_string()).and_then(record)))
}

fn record(keys: Keys) -> Result<Record, String> {
    let data = keys.data.unwrap_or_default();
    match (keys.node, keys.edge) {
        (Some(kind), _) => Ok(Record::Node { kind, data }),
        (None, Some(kind)) => Ok(Record::Edge { kind, from: keys.from, to: keys.to, data }),
        (None, None) => Err("it has neither `type` nor `edge`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Result<Record, String>)> {
        records(text.as_bytes()).collect()
    }

    #[test]
    fn records_may_be_on_one_line_or_on_many() {
        let text =
            "{\"type\":\"A\"} {\n \"edge\": \"B\",\n \"from\": \"x\", \"to\": \"y\",\n \"data\": {\"id\": \"e\"}\n}\n";
        let found = read(text);
        assert_eq!(found[0], (1, Ok(Record::Node { kind: "A".into(), data: Map::new() })));
        let (2, Ok(Record::Edge { kind, from, to, data })) = &found[1] else { panic!("{:?}", found[1]) };
        assert_eq!((kind.as_str(), from, to, data["id"].as_str()), ("B", &"x".into(), &"y".into(), Some("e")));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_no_record_is_told_and_the_rest_goes_on() {
        let found = read("{\"type\":\"A\"}\n{}\n{\"type\":\"B\"}");
        assert!(matches!(&found[1], (2, Err(reason)) if reason.contains("neither")), "{found:?}");
        assert!(found[2].1.is_ok());
        let broken = read("{\"type\":\"A\"}\n{\"type\":\n");
        assert!(broken[1].1.is_err());
        assert_eq!(broken.len(), 2, "nothing can be read after what is no JSON");
    }
}
