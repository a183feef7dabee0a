//! The program on the Tables screen, and tables as plain values.

use std::sync::Arc;

use stratigraph_engine::schema::Catalog;
use stratigraph_engine::{
    At, BranchName, CommitId, ManifestVersion, Row, Snapshot, TableEntry, TableKey, TableVersion, Value,
};

use super::super::Tables;
use super::super::request::{Opened, Page, Reply};

/// The schema of the tests' graph.
const SOURCE: &str = "
node Person { name: String @key  age: I32?  note: String? }
node Project { title: String  vec: Vector(2)? }
edge WorksOn: Person -> Project { role: String? }
";

/// The program on the Tables screen.
pub(super) type Stage = crate::stage::Stage<Tables>;

impl Stage {
    /// A terminal of this size, the graph just opened, the first position asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let mut stage = Self::open(columns, rows);
        stage.enter();
        stage
    }

    /// The same with the head of main read and the rows of the first type there.
    pub(super) fn ready(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
        stage.answer("table heads", vec![Reply::Heads(heads())]);
        stage.answer("rows", vec![Reply::Page(people())]);
        stage
    }

    /// Compares the screen with its snapshots in three looks.
    pub(super) fn snapshot(&mut self, name: &str) {
        self.looks(name, |name, dump| insta::assert_snapshot!(name, dump));
    }
}

pub(super) fn key(text: &str) -> TableKey {
    text.parse().expect("a table key")
}

/// A position with three tables: the head of a branch, or its commit before.
pub(super) fn opened(at: &str, is_head: bool) -> Opened {
    let at: At = at.parse().expect("a position");
    let version = if is_head { 9 } else { 4 };
    let entry = |name: &str, table_version: u64, rows: u64, lineage: Option<&str>| {
        let entry = TableEntry {
            key: key(name),
            path: "nodes/0".into(),
            version: TableVersion::new(table_version),
            lineage: lineage.map(|name| name.parse().expect("a branch")),
            rows,
        };
        (entry.key.clone(), entry)
    };
    let entries = [
        entry("node:Person", version - 2, 3, None),
        entry("node:Project", 5, 1_204_311, Some("feature/hiring")),
        entry("edge:WorksOn", 7, 2, None),
    ];
    let commit: CommitId = "01M7Y249A1EHFH4MJGAECB534F".parse().expect("an id");
    let snapshot = Snapshot {
        branch: BranchName::main(),
        version: ManifestVersion::new(version),
        commit: Some(commit),
        entries: entries.into(),
    };
    let catalog = Catalog::parse(SOURCE).expect("a schema");
    Opened {
        at,
        snapshot: Arc::new(snapshot),
        is_head,
        short_id: Some("CB534F".to_owned()),
        created_at_micros: Some(1_777_713_243_000_000),
        types: catalog.summaries().into(),
    }
}

/// Heads of the three tables: one is past its pin, one cannot be read.
pub(super) fn heads() -> super::super::Heads {
    let unreadable = Err("no table at nodes/0".to_owned());
    [(key("node:Person"), Ok(7)), (key("edge:WorksOn"), Ok(8)), (key("node:Project"), unreadable)].into()
}

/// A page of rows with all kinds of nothing, wide signs and control characters.
pub(super) fn people() -> Page {
    page(
        &["id", "age", "note"],
        vec![
            vec!["Ada".into(), Value::Int(36), Value::Null],
            vec!["Zoe".into(), Value::Null, "a\u{1b}[31m b\u{202e}c and a text that is too long for its column".into()],
            vec!["李小龍".into(), Value::Int(7), "".into()],
        ],
        false,
    )
}

pub(super) fn page(columns: &[&str], rows: Vec<Vec<Value>>, more: bool) -> Page {
    let columns: Arc<[Arc<str>]> = columns.iter().map(|&name| Arc::from(name)).collect();
    let rows = rows.into_iter().map(|values| Row::new(columns.clone(), values)).collect();
    Page { columns, rows, first: true, more }
}
