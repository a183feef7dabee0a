//! What can be taken out of the screen: texts for the clipboard, rows for a file, the command line that shows the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};

use super::Branches;
use super::details::Standing;
use super::request::Facts;
use crate::cli::quoted;
use crate::export::Content;
use crate::screen::CopyChoice;
use crate::state::Shared;
use crate::walk::Divergence;

impl Branches {
    /// What can be copied of the selected branch.
    pub(super) fn copy_choices(&self) -> Vec<CopyChoice> {
        let choice = |label: &str, text: String| CopyChoice { label: label.to_owned(), text };
        let Some(facts) = self.list.selected() else { return Vec::new() };
        let mut choices = vec![choice("branch", facts.branch.name.to_string())];
        if let Some(head) = &facts.head {
            choices.push(choice("short id", head.short_id.clone()));
            choices.push(choice("full id", head.commit.id.to_string()));
        }
        choices
    }

    /// The command that shows the same.
    pub(super) fn command(&self, shared: &Shared) -> Option<String> {
        self.list.selected().map(|_| format!("branches {}", quoted(&shared.uri)))
    }

    /// The branches on view as rows of a file.
    ///
    /// Columns: branch, head, `head_at_micros` (UTC), actor, parent, `forked_at`, ahead, behind, tables (of its own, separated by
    /// spaces), `pending`; what is not known is null.
    pub(super) fn content(&self) -> Option<Content> {
        let shown: Vec<&Facts> = self.list.shown().collect();
        if shown.is_empty() {
            return None;
        }
        let batch = self.batch(&shown);
        Some(Content::Rows { name: "branches".to_owned(), batches: [batch].into() })
    }

    fn batch(&self, shown: &[&Facts]) -> RecordBatch {
        let text = |of: &dyn Fn(&Facts) -> Option<String>| -> ArrayRef {
            Arc::new(shown.iter().map(|facts| of(facts)).collect::<StringArray>())
        };
        let number = |of: &dyn Fn(&Facts) -> Option<u64>| -> ArrayRef {
            Arc::new(shown.iter().map(|facts| of(facts)).collect::<UInt64Array>())
        };
        let apart = |facts: &Facts, pick: fn(Divergence) -> usize| match self.standing(facts) {
            Standing::Known(divergence) => Some(pick(divergence) as u64),
            Standing::Main | Standing::Counting | Standing::Unknown => None,
        };
        let times = shown.iter().map(|facts| facts.head.as_ref().map(|head| head.commit.created_at_micros));
        let actor = |facts: &Facts| Some(facts.head.as_ref()?.commit.actor.as_ref()?.to_string());
        let tables = |facts: &Facts| {
            let names: Vec<String> = facts.branch.owned_tables.iter().map(ToString::to_string).collect();
            Some(names.join(" "))
        };
        let columns = vec![
            text(&|facts| Some(facts.branch.name.to_string())),
            text(&|facts| facts.branch.head.map(|head| head.to_string())),
            Arc::new(times.collect::<Int64Array>()),
            text(&actor),
            text(&|facts| facts.branch.parent.as_ref().map(ToString::to_string)),
            number(&|facts| facts.branch.forked_at.map(stratigraph_engine::ManifestVersion::get)),
            number(&|facts| apart(facts, |divergence| divergence.ahead)),
            number(&|facts| apart(facts, |divergence| divergence.behind)),
            text(&tables),
            number(&|facts| Some(facts.pending as u64)),
        ];
        RecordBatch::try_new(Arc::new(schema()), columns).expect("the columns are those of the schema")
    }
}

fn schema() -> Schema {
    let field = |name, of, nullable| Field::new(name, of, nullable);
    Schema::new(vec![
        field("branch", DataType::Utf8, false),
        field("head", DataType::Utf8, true),
        field("head_at_micros", DataType::Int64, true),
        field("actor", DataType::Utf8, true),
        field("parent", DataType::Utf8, true),
        field("forked_at", DataType::UInt64, true),
        field("ahead", DataType::UInt64, true),
        field("behind", DataType::UInt64, true),
        field("tables", DataType::Utf8, false),
        field("pending", DataType::UInt64, false),
    ])
}
