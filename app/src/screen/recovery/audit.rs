//! What was done about interrupted writes: the list, one row in full, and the rows as a file.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use stratigraph_engine::recovery::AuditRow;
use stratigraph_widgets::width::escape;

use super::outcome::recorded_words;
use super::picker::{Item, Picker, filtered};
use super::words::{Line, Style, stored_writer};
use crate::export::Content;
use crate::matcher::Matcher;
use crate::message::Failure;
use crate::recovery::tail;
use crate::theme::Role;
use crate::view::{age, moment};

/// Letters of an operation's end.
const SHORT: usize = 6;

/// Identity of a row: its operation, and when it was recorded.
pub(super) type Key = (String, i64);

/// The rows read so far.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Newest first; none before they were read.
    pub(super) rows: Option<Vec<AuditRow>>,
    /// Why they could not be read.
    pub(super) failure: Option<Failure>,
    /// What is selected.
    pub(super) picker: Picker<Key>,
}

fn key(row: &AuditRow) -> Key {
    (row.operation_id.clone(), row.created_at_micros)
}

/// How a kind of recovery looks.
fn role(kind: &str) -> Role {
    match kind {
        "RolledForward" => Role::Good,
        "RolledBack" => Role::Warning,
        _ => Role::Text,
    }
}

/// Whose write it was: `Load by dana`.
fn writer(row: &AuditRow) -> String {
    let by = row.recovery_for_actor.as_ref().map_or_else(String::new, |actor| format!(" by {actor}"));
    escape(&format!("{}{by}", stored_writer(&row.sidecar_writer_kind))).into_owned()
}

impl Audit {
    /// The rows of the list that a filter leaves, with what there is to say besides.
    pub(super) fn items(&self, filter: Option<&Matcher>, style: &Style) -> Vec<Item<Key>> {
        let mut items = Vec::new();
        if let Some(failure) = &self.failure {
            let text = format!("! the audit cannot be read: {}", failure.sentence());
            items.push(Item::told(&text, Role::Error, style));
        }
        match self.rows.as_deref() {
            None if self.failure.is_none() => items.push(Item::note("reading the audit", Role::Dim)),
            None => {}
            Some([]) => items.push(Item::note("nothing was ever recovered", Role::Dim)),
            Some(rows) => items.extend(rows.iter().map(|row| Item::row(key(row), vec![line(row, style.now_micros)]))),
        }
        let mut items = filtered(items, filter);
        if items.is_empty() {
            items.push(Item::note("no row matches the filter", Role::Dim));
        }
        items
    }

    /// The selected row.
    pub(super) fn selected(&self, items: &[Item<Key>]) -> Option<&AuditRow> {
        let wanted = self.picker.key(items)?;
        self.rows.iter().flatten().find(|row| key(row) == *wanted)
    }
}

fn line(row: &AuditRow, now_micros: i64) -> Line {
    let tables = match row.outcomes.len() {
        0 => String::new(),
        count => format!("  {}", super::words::tables(count)),
    };
    // Why it was discarded stands in the details.
    let kind = recorded_words(&row.recovery_kind).split(',').next().unwrap_or_default();
    vec![
        (format!("{} ", age(row.created_at_micros, now_micros)), Role::Dim),
        (format!("{}  ", tail(&row.operation_id, SHORT)), Role::Text),
        (format!("{kind:<14}  "), role(&row.recovery_kind)),
        (writer(row), Role::Text),
        (tables, Role::Dim),
    ]
}

/// Everything about a row.
pub(super) fn record(row: &AuditRow, style: &Style) -> Vec<Line> {
    let mut lines = style.text(&row.operation_id, Role::Title);
    lines.extend(style.text(recorded_words(&row.recovery_kind), role(&row.recovery_kind)));
    let (time, ago) = (moment(row.created_at_micros, style.time), age(row.created_at_micros, style.now_micros));
    lines.extend(style.field("When", &format!("{time} ({} ago)", ago.trim()), Role::Text));
    lines.extend(style.field("Writer", &stored_writer(&row.sidecar_writer_kind), Role::Text));
    lines.extend(style.field("For", row.recovery_for_actor.as_deref().unwrap_or("nobody named"), Role::Text));
    lines.extend(style.field("Commit", &row.graph_commit_id, Role::Text));
    lines.push(Vec::new());
    if row.outcomes.is_empty() {
        lines.extend(style.text("no table was changed", Role::Dim));
    }
    for table in &row.outcomes {
        let arrow = style.theme.arrow();
        let text = format!("{}  {}{arrow}{}", table.table_key, table.from_version, table.to_version);
        lines.extend(style.text(&text, Role::Text));
    }
    lines
}

/// The rows as a file: time (UTC), kind, writer, actor, operation, commit, tables (`key from→to`, separated by `, `).
pub(super) fn content(rows: &[&AuditRow]) -> Option<Content> {
    if rows.is_empty() {
        return None;
    }
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Schema::new(vec![
        Field::new("recorded_at", utc, false),
        text("kind", false),
        text("writer", false),
        text("actor", true),
        text("operation_id", false),
        text("commit", false),
        text("tables", false),
    ]);
    let column = |of: &dyn Fn(&AuditRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row)).collect::<StringArray>())
    };
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.created_at_micros));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(times.with_timezone("UTC")),
        column(&|row| Some(row.recovery_kind.clone())),
        column(&|row| Some(row.sidecar_writer_kind.clone())),
        column(&|row| row.recovery_for_actor.clone()),
        column(&|row| Some(row.operation_id.clone())),
        column(&|row| Some(row.graph_commit_id.clone())),
        column(&|row| Some(tables(row))),
    ];
    let batch = RecordBatch::try_new(Arc::new(schema), columns).expect("the columns are those of the schema");
    Some(Content::Rows { name: "audit".to_owned(), batches: vec![batch].into() })
}

fn tables(row: &AuditRow) -> String {
    let tables = row.outcomes.iter();
    let tables = tables.map(|table| format!("{} {}→{}", table.table_key, table.from_version, table.to_version));
    tables.collect::<Vec<_>>().join(", ")
}
