//! How choices are written and read as JSON. Names that are unknown or given twice are refused.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{CellChoice, Choice};
use crate::merge::conflict::Side;

/// JSON on one line, with a space behind each colon and comma.
pub(in crate::merge) fn spaced(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spaced))
        .expect("memory can be written, and all names are text");
    String::from_utf8(text).expect("JSON is UTF-8")
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

fn separate<W: ?Sized + io::Write>(writer: &mut W, first: bool) -> io::Result<()> {
    match first {
        true => Ok(()),
        false => writer.write_all(b", "),
    }
}

fn side(word: &str) -> Option<Side> {
    match word {
        "source" => Some(Side::Source),
        "target" => Some(Side::Target),
        "base" => Some(Side::Base),
        _ => None,
    }
}

fn choice(word: &str) -> Option<Choice> {
    match word {
        "cells" => Some(Choice::MergeCells),
        "drop" => Some(Choice::Drop),
        "keep" => Some(Choice::Keep),
        "delete" => Some(Choice::Delete),
        "restore" => Some(Choice::RestoreEnd),
        _ => side(word).map(Choice::Take),
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Take(side) => side.serialize(serializer),
            Self::MergeCells => serializer.serialize_str("cells"),
            Self::Drop => serializer.serialize_str("drop"),
            Self::Keep => serializer.serialize_str("keep"),
            Self::Delete => serializer.serialize_str("delete"),
            Self::RestoreEnd => serializer.serialize_str("restore"),
            Self::Cells(cells) => named(serializer, "cells", cells),
            Self::KeepRow(id) => named(serializer, "keep", id),
            Self::Edges { drop, restore } => {
                let mut map = serializer.serialize_map(None)?;
                // An object without either list would not be read as a choice of edges.
                if !drop.is_empty() || restore.is_empty() {
                    map.serialize_entry("drop", drop)?;
                }
                if !restore.is_empty() {
                    map.serialize_entry("restore", restore)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for CellChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::From(side) => side.serialize(serializer),
            Self::Value(value) => named(serializer, "value", value),
        }
    }
}

fn named<S: Serializer>(serializer: S, name: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadChoice)
    }
}

struct ReadChoice;

/// The choices that are objects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    cells: Option<Cells>,
    keep: Option<String>,
    drop: Option<Vec<String>>,
    restore: Option<Vec<String>>,
}

impl<'de> Visitor<'de> for ReadChoice {
    type Value = Choice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "\"source\", \"target\", \"base\", \"cells\", \"drop\", \"keep\", \"delete\", \"restore\", {\"cells\": {…}}, \
             {\"keep\": id} or {\"drop\": [ids], \"restore\": [ids]}",
        )
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Choice, E> {
        choice(word).ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choice, A::Error> {
        let Given { cells, keep, drop, restore } = Given::deserialize(MapAccessDeserializer::new(map))?;
        match (cells, keep, drop, restore) {
            (Some(cells), None, None, None) => Ok(Choice::Cells(cells.0)),
            (None, Some(id), None, None) => Ok(Choice::KeepRow(id)),
            (None, None, None, None) => Err(A::Error::invalid_value(Unexpected::Other("an empty object"), &self)),
            (None, None, drop, restore) => {
                Ok(Choice::Edges { drop: drop.unwrap_or_default(), restore: restore.unwrap_or_default() })
            }
            (Some(_), _, _, _) | (None, Some(_), _, _) => {
                Err(A::Error::custom("`cells`, `keep` and edges to `drop` or `restore` exclude each other, write one"))
            }
        }
    }
}

struct Cells(BTreeMap<String, CellChoice>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadCells)
    }
}

struct ReadCells;

impl<'de> Visitor<'de> for ReadCells {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a column for each cell, as in {\"age\": \"target\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cells, A::Error> {
        let mut cells = BTreeMap::new();
        while let Some(column) = map.next_key::<String>()? {
            if cells.contains_key(&column) {
                return Err(A::Error::custom(format_args!("column `{column}` is given twice")));
            }
            cells.insert(column, map.next_value()?);
        }
        Ok(Cells(cells))
    }
}

impl<'de> Deserialize<'de> for CellChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadCell)
    }
}

struct ReadCell;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    value: Value,
}

impl<'de> Visitor<'de> for ReadCell {
    type Value = CellChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"source\", \"target\", \"base\" or {\"value\": …}")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<CellChoice, E> {
        side(word).map(CellChoice::From).ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CellChoice, A::Error> {
        Edited::deserialize(MapAccessDeserializer::new(map)).map(|edited| CellChoice::Value(edited.value))
    }
}
