//! The program on the Merge screen, and a merge with conflicts as plain values.

use std::sync::Arc;

use stratigraph_engine::diff::Way;
use stratigraph_engine::merge::{
    Conflict, ConflictDetail, ConflictKey, ConflictKind, MergeCheck, MergeDecisions, MergeHeads, MergeOutcome,
    MergeWay, TableMerge, ThreeRows,
};
use stratigraph_engine::schema::Catalog;
use stratigraph_engine::{BranchName, CommitId, ManifestVersion, Row, TableKey, Value};

use super::super::Merge;
use super::super::draft::DraftKey;
use super::super::request::{Between, BranchLine, End, Pair, Plan, Preview, Reply, Request};
use crate::event::Event;
use crate::stage::NOW;

const SOURCE: &str = "
node Person { name: String @key  age: I32?  city: String?  email: String? @unique }
node Quiet { title: String }
edge WorksOn: Person -> Person @card(0..1) { role: String? }
";

/// The program on the Merge screen.
pub(super) type Stage = crate::stage::Stage<Merge>;

impl Stage {
    /// A terminal of this size, the graph just opened, the branches asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let mut stage = Self::open(columns, rows);
        stage.enter();
        stage
    }

    /// The branches are read, and what lies between people and main.
    pub(super) fn choosing(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.answer("branches", vec![Reply::Branches(branches())]);
        stage.answer("last common commit", vec![Reply::Between(Box::new(between("people", "main", 4, 2)))]);
        stage
    }

    /// A preview with these conflicts.
    pub(super) fn with(columns: u16, rows: u16, conflicts: Vec<Conflict>) -> Self {
        let mut stage = Self::choosing(columns, rows);
        stage.keys("enter enter");
        stage.answer("merge preview", vec![Reply::Preview(Box::new(preview(conflicts)))]);
        stage
    }

    /// A preview without conflicts.
    pub(super) fn conflictless(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, Vec::new())
    }

    /// A preview with conflicts of all kinds.
    pub(super) fn previewed(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, conflicts())
    }

    /// The conflicts are on view, the first one selected and its rows read.
    pub(super) fn resolving(columns: u16, rows: u16) -> Self {
        let mut stage = Self::previewed(columns, rows);
        stage.keys("tab enter");
        stage.rows();
        stage
    }

    /// The heads of branches were seen.
    pub(super) fn heads(&mut self, heads: &[(&str, u64)]) {
        let heads = heads.iter().map(|(name, version)| (branch(name), crate::stage::seen(*version))).collect();
        self.event(Event::Heads(Ok(heads)));
    }

    /// Moves the cursor to a conflict, with the rows read.
    pub(super) fn select(&mut self, kind: ConflictKind, id: &str) {
        self.keys("g g");
        for _ in 0..40 {
            let found = self.state.screens.merge.tree.conflict();
            if found.is_some_and(|conflict| conflict.key.kind == kind && conflict.key.id == id) {
                self.rows();
                return;
            }
            self.keys("j");
        }
        panic!("no {kind} of {id} in the tree");
    }

    /// Answers the request for the rows of the selected conflict.
    pub(super) fn rows(&mut self) {
        let Some(Request::Rows(_, conflict)) = self.asked("conflict rows") else { return };
        let conflict = conflict.clone();
        let rows = rows_of(&conflict);
        self.answer("conflict rows", vec![Reply::Rows(conflict, rows)]);
    }

    /// Lets the model of the engine check the choices.
    pub(super) fn checked(&mut self) {
        let Some(Request::Check(_, decisions)) = self.asked("check of choices") else {
            panic!("no check was asked for")
        };
        let decisions = Arc::clone(decisions);
        let conflicts = self.state.screens.merge.preview.as_ref().expect("a preview").conflicts.clone();
        let check = super::model::check(&conflicts, &decisions);
        self.answer("check of choices", vec![Reply::Checked(decisions, Box::new(check))]);
    }

    /// The choices as they are now.
    pub(super) fn decisions(&self) -> MergeDecisions {
        (**self.state.screens.merge.deciding.as_ref().expect("a preview").decisions()).clone()
    }

    /// Compares the screen with its snapshots in three looks.
    pub(super) fn snapshot(&mut self, name: &str) {
        self.looks(name, |name, dump| insta::assert_snapshot!(name, dump));
    }
}

pub(super) fn key(text: &str) -> TableKey {
    text.parse().expect("a table key")
}

pub(super) fn branch(name: &str) -> BranchName {
    name.parse().expect("a branch name")
}

pub(super) fn id(text: &str) -> CommitId {
    text.parse().expect("an id")
}

pub(super) fn branches() -> Vec<BranchLine> {
    let line = |name: &str, head: &str, minutes: i64, actor: &str| BranchLine {
        name: branch(name),
        head: Some(head.to_owned()),
        created_at_micros: Some(NOW.utc_micros - minutes * 60_000_000),
        actor: (!actor.is_empty()).then(|| actor.into()),
        broken: None,
    };
    vec![
        line("main", "6HJ3M0", 60, "dana"),
        line("people", "2H3W3Z", 120, "act-review"),
        line("prices", "9GZ6N2", 3000, ""),
    ]
}

pub(super) fn between(source: &str, target: &str, of_source: usize, of_target: usize) -> Between {
    let end = |head: &str, own, minutes: i64| End {
        head: head.to_owned(),
        own,
        created_at_micros: NOW.utc_micros - minutes * 60_000_000,
    };
    Between {
        pair: Pair { source: branch(source), target: branch(target) },
        source: end("2H3W3Z", of_source, 120),
        target: end("6HJ3M0", of_target, 60),
        bases: vec![("7VXZ68".to_owned(), NOW.utc_micros - 300 * 60_000_000)],
    }
}

pub(super) fn heads() -> MergeHeads {
    MergeHeads {
        source: id("01M7ZTGCN69Y62RF1W022H3W3Z"),
        target: id("01M7ZTGC37RFW0A6AJEB6HJ3M0"),
        base: id("01M7ZTGBH2MXS6V03KBG7VXZ68"),
    }
}

pub(super) fn table(name: &str, way: MergeWay, counts: [u64; 4]) -> TableMerge {
    let [appends, upserts, deletes, conflicts] = counts;
    let compared = match way {
        MergeWay::Rewrite => Some(Way::Delta),
        MergeWay::Delta => Some(Way::Walk),
        MergeWay::Untouched | MergeWay::Pointer | MergeWay::Fork => None,
    };
    TableMerge { key: key(name), way, appends, upserts, deletes, compared, conflicts }
}

pub(super) fn preview(conflicts: Vec<Conflict>) -> Preview {
    let count = |name: &str| conflicts.iter().filter(|conflict| conflict.key.table == key(name)).count() as u64;
    let tables = vec![
        table("edge:WorksOn", MergeWay::Delta, [1204, 0, 3, count("edge:WorksOn")]),
        table("node:Person", MergeWay::Rewrite, [1, 2, 0, count("node:Person")]),
        table("node:Quiet", MergeWay::Untouched, [0, 0, 0, 0]),
    ];
    let pair = Pair { source: branch("people"), target: branch("main") };
    Preview {
        plan: Plan::imagined(heads()),
        draft: DraftKey::new(Some("/nowhere".into()), "/data/crm".to_owned(), pair.clone(), heads()),
        pair,
        outcome: MergeOutcome::Merged,
        heads: heads(),
        short: ["2H3W3Z", "6HJ3M0", "7VXZ68"].map(str::to_owned),
        other_bases: Vec::new(),
        unknown: Vec::new(),
        versions: [ManifestVersion::new(4), ManifestVersion::new(7)],
        tables,
        conflicts,
        first: Vec::new(),
        blocked_by: None,
        types: Catalog::parse(SOURCE).expect("a schema").summaries().into(),
        catalog: Arc::new(Catalog::parse(SOURCE).expect("a schema")),
        kept: None,
        kept_failure: None,
    }
}

pub(super) fn conflict(table: &str, kind: ConflictKind, id: &str, detail: ConflictDetail) -> Conflict {
    let key = ConflictKey { table: key(table), kind, id: id.to_owned() };
    Conflict { rows: format!("rows of {id}"), key, detail, caused_by: None }
}

pub(super) fn divergent(id: &str, columns: &[&str], is_cell_mergeable: bool) -> Conflict {
    let columns = columns.iter().map(|&column| column.to_owned()).collect();
    let detail = ConflictDetail::Row { columns, is_cell_mergeable };
    conflict("node:Person", ConflictKind::DivergentUpdate, id, detail)
}

/// Conflicts of all kinds, in the order of their keys.
pub(super) fn conflicts() -> Vec<Conflict> {
    let row = |columns: &[&str]| ConflictDetail::Row {
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        is_cell_mergeable: false,
    };
    vec![
        conflict(
            "edge:WorksOn",
            ConflictKind::OrphanEdge,
            "w1",
            ConflictDetail::Orphan { role: "dst".to_owned(), node: key("node:Person"), end: "gone".to_owned() },
        ),
        conflict(
            "edge:WorksOn",
            ConflictKind::CardinalityViolation,
            "ada",
            ConflictDetail::Cardinality { count: 2, min: 0, max: Some(1) },
        ),
        divergent("ada", &["age", "city"], false),
        divergent("bob", &["city"], true),
        divergent("李小龍", &["age"], false),
        conflict("node:Person", ConflictKind::DeleteVsUpdate, "linus", row(&["city"])),
        conflict(
            "node:Person",
            ConflictKind::UniqueViolation,
            "mia",
            ConflictDetail::Unique { columns: vec!["email".to_owned()], other: "max".to_owned() },
        ),
        conflict(
            "node:Person",
            ConflictKind::ValueConstraintViolation,
            "zoe",
            ConflictDetail::Value { column: "age".to_owned(), reason: "age 900 is over 150".to_owned() },
        ),
    ]
}

fn row(columns: &[&str], values: Vec<Value>) -> Row {
    Row::new(columns.iter().map(|&name| Arc::from(name)).collect::<Vec<_>>().into(), values)
}

pub(super) fn person(id: &str, age: Value, city: Value) -> Row {
    row(&["id", "name", "age", "city", "email"], vec![id.into(), id.into(), age, city, Value::Null])
}

fn works(id: &str, src: &str, dst: &str) -> Row {
    row(&["id", "src", "dst", "role"], vec![id.into(), src.into(), dst.into(), Value::Null])
}

/// The rows of a conflict: base, source, target.
pub(super) fn rows_of(conflict: &Conflict) -> Vec<ThreeRows> {
    let three = |table: &str, id: &str, [base, source, target]: [Option<Row>; 3]| ThreeRows {
        table: key(table),
        id: id.to_owned(),
        base,
        source,
        target,
    };
    let who = conflict.key.id.as_str();
    let is = |age: i64, city: &str| Some(person(who, Value::Int(age), city.into()));
    match conflict.key.kind {
        ConflictKind::DivergentUpdate if who == "bob" => {
            vec![three("node:Person", who, [is(50, "Oslo"), is(50, "Bergen"), is(51, "Oslo")])]
        }
        ConflictKind::DivergentUpdate | ConflictKind::DivergentInsert => {
            vec![three("node:Person", who, [is(30, "Oslo"), is(32, "Bergen"), is(31, "a city with a long name")])]
        }
        ConflictKind::DeleteVsUpdate => {
            vec![three("node:Person", who, [is(40, "Oslo"), None, is(40, "Helsinki")])]
        }
        ConflictKind::UniqueViolation => vec![
            three("node:Person", who, [None, is(1, "Oslo"), None]),
            three("node:Person", "max", [None, None, Some(person("max", Value::Int(2), Value::Null))]),
        ],
        ConflictKind::ValueConstraintViolation => {
            vec![three("node:Person", who, [is(90, ""), is(900, ""), is(90, "")])]
        }
        ConflictKind::OrphanEdge => vec![
            three("edge:WorksOn", who, [None, Some(works(who, "ada", "gone")), None]),
            three("node:Person", "gone", [is(1, "Oslo"), is(1, "Oslo"), None]),
        ],
        ConflictKind::CardinalityViolation => vec![
            three("edge:WorksOn", "w2", [None, Some(works("w2", "ada", "bob")), None]),
            three("edge:WorksOn", "w3", [None, None, Some(works("w3", "ada", "zoe"))]),
            three("edge:WorksOn", "w4", [Some(works("w4", "ada", "mia")), Some(works("w4", "ada", "mia")), None]),
        ],
    }
}

/// What the engine would say of no choice.
pub(super) fn undecided(conflicts: &[Conflict]) -> MergeCheck {
    MergeCheck {
        open: conflicts.to_vec(),
        decided: Vec::new(),
        stale: Vec::new(),
        idle: Vec::new(),
        tables: preview(conflicts.to_vec()).tables,
    }
}
