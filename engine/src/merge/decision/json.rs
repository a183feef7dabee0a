//! How decisions are written and read as JSON that a person edits in a text editor.
//!
//! ```json
//! {
//!   "source": "budget",
//!   "target": "main",
//!   "heads": {"source": "01…", "target": "01…", "base": "01…"},
//!   "decisions": [
//!     {
//!       "conflict": {"table": "node:Project", "kind": "DivergentUpdate", "id": "atlas"},
//!       "about": "differs in budget, lead",
//!       "choices": ["source", "target", "base", {"cells": {"budget": "target", "lead": "source"}}, "drop"],
//!       "choice": null,
//!       "rows": "…"
//!     },
//!     {
//!       "rule": {"table": "node:Person", "kind": "DeleteVsUpdate", "where": "age > 30"},
//!       "choice": "keep",
//!       "by": "dana"
//!     }
//!   ]
//! }
//! ```
//!
//! `about` and `choices` are for the person and skipped when read.

use std::collections::HashMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Decision, DecisionError, DecisionProblem, MergeDecisions, Rule, Scope};
use crate::excerpt::Placed;
use crate::id::{BranchName, CommitId, TableKey};
use crate::merge::choice::{Choice, spaced};
use crate::merge::conflict::{Conflict, ConflictKey, ConflictKind, MergeHeads};

/// The conflicts of each key.
type ByKey<'c> = HashMap<&'c ConflictKey, Vec<&'c Conflict>>;

pub(super) fn write(decisions: &MergeDecisions, conflicts: &[Conflict]) -> String {
    let mut by_key = ByKey::new();
    for conflict in conflicts {
        by_key.entry(&conflict.key).or_default().push(conflict);
    }
    let blocks: Vec<String> = decisions.decisions.iter().map(|decision| block(decision, &by_key)).collect();
    let blocks = match blocks.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n{}\n  ]", blocks.join(",\n")),
    };
    let lines = [
        field("source", &decisions.source),
        field("target", &decisions.target),
        field("heads", &decisions.heads),
        format!("\"decisions\": {blocks}"),
    ];
    format!("{{\n  {}\n}}\n", lines.join(",\n  "))
}

fn block(decision: &Decision, by_key: &ByKey<'_>) -> String {
    let mut lines = match &decision.on {
        Scope::Conflict(key) => {
            let mut lines = vec![field("conflict", key)];
            let of_rows = |conflict: &&&Conflict| decision.rows.as_ref().is_none_or(|rows| *rows == conflict.rows);
            let of_key = by_key.get(key).into_iter().flatten();
            lines.extend(hint(&of_key.filter(of_rows).copied().collect::<Vec<_>>()));
            lines
        }
        Scope::Rule(Rule { table, kind, filter }) => {
            let rule = WrittenRule { table: table.clone(), kind: *kind, filter: filter.clone() };
            vec![field("rule", &rule)]
        }
    };
    lines.push(field("choice", &decision.choice));
    lines.extend(decision.by.as_ref().map(|by| field("by", by)));
    lines.extend(decision.rows.as_ref().map(|rows| field("rows", rows)));
    format!("    {{\n      {}\n    }}", lines.join(",\n      "))
}

/// What the conflicts of one decision are about, and what can be chosen for them; nothing if there are none.
fn hint(conflicts: &[&Conflict]) -> Vec<String> {
    if conflicts.is_empty() {
        return Vec::new();
    }
    let about: Vec<String> = conflicts.iter().map(|conflict| conflict.detail.to_string()).collect();
    let mut choices: Vec<Choice> = Vec::new();
    for choice in conflicts.iter().flat_map(|conflict| Choice::fitting(conflict)) {
        if !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    vec![field("about", &about.join("; ")), field("choices", &choices)]
}

fn field(name: &str, value: &impl Serialize) -> String {
    format!("\"{name}\": {}", spaced(value))
}

pub(super) fn read(text: &str) -> Result<MergeDecisions, DecisionError> {
    // Some editors put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let reason = "there is nothing in it".to_owned();
        return Err(DecisionError::Text(Placed::at(text, 0, DecisionProblem::Json { reason })));
    }
    let WrittenMerge { source, target, heads, decisions } =
        serde_json::from_str(text).map_err(|error| placed(text, &error))?;
    let WrittenHeads { source: source_head, target: target_head, base } = heads;
    let heads = MergeHeads { source: source_head, target: target_head, base };
    let decisions = decisions.into_iter().map(|Checked(decision)| decision).collect();
    Ok(MergeDecisions { source, target, heads, decisions })
}

fn placed(text: &str, error: &serde_json::Error) -> DecisionError {
    let whole = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = whole.strip_suffix(&place).unwrap_or(&whole).to_owned();
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    // The column is that of the last byte that was read.
    let at = before + error.column().saturating_sub(1);
    DecisionError::Text(Placed::at(text, at, DecisionProblem::Json { reason }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `source`, `target`, `heads` and `decisions`")]
struct WrittenMerge {
    source: BranchName,
    target: BranchName,
    heads: WrittenHeads,
    decisions: Vec<Checked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the commits of `source`, `target` and `base`")]
struct WrittenHeads {
    source: CommitId,
    target: CommitId,
    base: CommitId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDecision {
    conflict: Option<WrittenKey>,
    rule: Option<WrittenRule>,
    choice: Option<Choice>,
    by: Option<String>,
    rows: Option<String>,
    #[serde(rename = "about")]
    _about: Option<IgnoredAny>,
    #[serde(rename = "choices")]
    _choices: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `table`, `kind` and `id`")]
struct WrittenKey {
    table: TableKey,
    kind: ConflictKind,
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `table`, `kind` or `where`")]
struct WrittenRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ConflictKind>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

/// Checked inside the object: behind it the place of a fault is no longer known.
struct Checked(Decision);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadDecision)
    }
}

struct ReadDecision;

impl<'de> Visitor<'de> for ReadDecision {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decision: an object with `conflict` or `rule`, and `choice`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Checked, A::Error> {
        let written = WrittenDecision::deserialize(MapAccessDeserializer::new(map))?;
        let on = match (written.conflict, written.rule) {
            (Some(WrittenKey { table, kind, id }), None) => Scope::Conflict(ConflictKey { table, kind, id }),
            (None, Some(WrittenRule { table, kind, filter })) => Scope::Rule(Rule { table, kind, filter }),
            (None, None) => return Err(A::Error::custom("the decision has neither `conflict` nor `rule`")),
            (Some(_), Some(_)) => return Err(A::Error::custom("the decision has both `conflict` and `rule`")),
        };
        Ok(Checked(Decision { on, choice: written.choice, by: written.by, rows: written.rows }))
    }
}
