//! Tables that get rows and lose others in one change, as a merge makes them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use tempfile::TempDir;

use super::violation::Loss;
use super::*;
use crate::id::TableVersion;
use crate::storage::{ID, Rows};
use crate::write::SpoolWriter;

const SCHEMA: &str = "node Note { }\n\
    node Person { desk: String?  mail: String? @unique  team: String?  @unique(desk, team) }\n\
    edge Knows: Person -> Person\n\
    edge Owns: Person -> Note @card(1..2)\n";

/// Tables with rows, written as `id cell cell; id cell cell` in the order of their columns, with `-` for null.
struct Scene {
    _folder: TempDir,
    storage: Storage,
    catalog: Catalog,
    entries: BTreeMap<TableKey, TableEntry>,
    digests: Digests,
}

/// What happens to one table: its name, the new rows, the ids that go.
type Deed<'d> = (&'d str, &'d str, &'d str);

/// The same for all tables, as the rules need it.
struct Deeds {
    rows: BTreeMap<TableKey, TableRows>,
    deleted: BTreeMap<TableKey, DeletedIds>,
}

impl Scene {
    async fn new(stored: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let catalog = Catalog::parse(SCHEMA).unwrap();
        let mut entries = BTreeMap::new();
        for table in catalog.tables() {
            let key = table.key();
            let rows = stored.iter().find(|(name, _)| key.to_string() == *name).map_or("", |(_, rows)| *rows);
            let batch = batch(table, rows);
            let (path, rows) = (table.dir_name().into(), batch.num_rows() as u64);
            let made =
                storage.create_table(&table.dir_name(), Rows::batches(batch.schema(), vec![batch])).await.unwrap();
            let version = TableVersion::new(made.version());
            entries.insert(key.clone(), TableEntry { key, path, version, lineage: None, rows });
        }
        Self { _folder: folder, storage, catalog, entries, digests: Digests::default() }
    }

    fn deeds(&self, deeds: &[Deed<'_>]) -> Deeds {
        let mut places = (1..).map(|record| Place { input: 0, record });
        let (mut rows, mut deleted) = (BTreeMap::new(), BTreeMap::new());
        for (name, new, gone) in deeds {
            let key: TableKey = name.parse().unwrap();
            let batch = batch(self.catalog.table(&key).unwrap(), new);
            let mut spool = SpoolWriter::create(batch.schema()).unwrap();
            spool.write(&batch).unwrap();
            let (mut ids, mut replaced) = (HashMap::new(), Vec::new());
            for (row, id) in (0..).zip(batch[ID].as_string::<i32>().iter().flatten()) {
                let earlier = ids.insert(self.digests.of(id), (row, places.next().unwrap()));
                replaced.extend(earlier.map(|(row, _)| row));
            }
            if !ids.is_empty() {
                let spool = spool.finish().unwrap();
                rows.insert(key.clone(), TableRows { spool, ids, replaced, has_given_ids: true });
            }
            let mut set = DeletedIds::default();
            gone.split_whitespace().for_each(|id| {
                set.add(id, places.next().unwrap(), &self.digests);
            });
            deleted.insert(key, set);
        }
        Deeds { rows, deleted }
    }

    async fn problems(&self, change: &GraphChange<'_>, most: usize) -> Option<Found> {
        let progress = Progress::none();
        let committed = Committed { storage: &self.storage, entries: &self.entries, progress: &progress };
        let mut problems = Problems::keeping(most);
        check(&committed, &self.catalog, change, &mut problems).await.unwrap();
        problems.take()
    }

    /// What is broken if all this is done at once, in the order of the deeds.
    async fn broken(&self, deeds: &[Deed<'_>]) -> Vec<Violation> {
        let deeds = self.deeds(deeds);
        let found = self.problems(&deeds.change(&self.digests), usize::MAX).await;
        found.into_iter().flat_map(|found| found.problems).map(|(_, violation)| violation).collect()
    }

    fn relied_on(&self, deeds: &[Deed<'_>]) -> Vec<String> {
        let deeds = self.deeds(deeds);
        relied_on(&self.catalog, &deeds.change(&self.digests)).iter().map(ToString::to_string).collect()
    }
}

impl Deeds {
    fn change<'c>(&'c self, digests: &'c Digests) -> GraphChange<'c> {
        let table = |(key, deleted): (&TableKey, &'c DeletedIds)| {
            let deleted = (!deleted.is_empty()).then_some(deleted);
            (key.clone(), TableChange { rows: self.rows.get(key), deleted, stored: Stored::Replaced })
        };
        let tables = self.deleted.iter().map(table).collect();
        GraphChange { tables, ends: Ends::InRows, cascaded: HashSet::new(), digests }
    }
}

fn batch(table: TableType<'_>, rows: &str) -> RecordBatch {
    let rows: Vec<Vec<&str>> =
        rows.split(';').map(|row| row.split_whitespace().collect()).filter(|row: &Vec<_>| !row.is_empty()).collect();
    let schema = Arc::new(table.arrow_schema());
    let cell = |row: &[&str], column: usize| row.get(column).copied().filter(|text| *text != "-").map(str::to_owned);
    let column = |column| Arc::new(rows.iter().map(|row| cell(row, column)).collect::<StringArray>()) as ArrayRef;
    RecordBatch::try_new(schema.clone(), (0..schema.fields().len()).map(column).collect()).unwrap()
}

fn edge(name: &str) -> TableKey {
    TableKey::new(TableKind::Edge, name)
}

fn node(name: &str) -> TableKey {
    TableKey::new(TableKind::Node, name)
}

#[tokio::test]
async fn every_edge_that_misses_a_node_is_told_by_its_id() {
    let scene = Scene::new(&[("node:Person", "a; b"), ("node:Note", "n")]).await;
    let knows = ("edge:Knows", "k1 c a; k2 a b; k3 x x; k4 a x", "");
    let deeds = [knows, ("edge:Owns", "o1 x n; o2 a n", ""), ("node:Person", "c", "b")];
    let missing = |name: &str, id: &str, role, end: &str| Violation::MissingEnd {
        edge: edge(name),
        edge_id: Some(id.into()),
        role,
        node: node("Person"),
        end: end.into(),
    };
    let expected = [
        missing("Knows", "k2", "dst", "b"),
        missing("Knows", "k3", "src", "x"),
        missing("Knows", "k3", "dst", "x"),
        missing("Knows", "k4", "dst", "x"),
        missing("Owns", "o1", "src", "x"),
    ];
    assert_eq!(scene.broken(&deeds).await, expected);
    assert_eq!(scene.relied_on(&deeds), ["node:Note"]);
    assert_eq!(scene.broken(&[("edge:Knows", "k1 a b; k2 b a", "")]).await, []);
}

#[tokio::test]
async fn noted_ends_tell_one_edge_of_each_node_that_is_missing() {
    let scene = Scene::new(&[("node:Person", "a")]).await;
    let deeds = scene.deeds(&[("edge:Knows", "k1 a x; k2 x a", "")]);
    let place = Place { input: 0, record: 2 };
    let end = |id: &str| End { id: id.into(), place, edge: "Knows".into(), role: "src" };
    let nodes = ["a", "x"].map(|id| (scene.digests.of(id), end(id)));
    let ends = BTreeMap::from([("Person".to_owned(), HashMap::from(nodes))]);
    let change = GraphChange { ends: Ends::Noted(&ends), ..deeds.change(&scene.digests) };
    let (person, id) = (node("Person"), "x".into());
    let missing = Violation::MissingEnd { edge: edge("Knows"), edge_id: None, role: "src", node: person, end: id };
    let found = scene.problems(&change, usize::MAX).await.unwrap();
    assert_eq!((found.problems, found.more), (vec![(Some(place), missing)], 0));
}

#[tokio::test]
async fn an_edge_that_stays_is_told_when_its_node_goes() {
    let stored = [("node:Person", "a; b; c"), ("edge:Knows", "k1 a b; k2 b a; k3 b c; k4 c b; k5 b b; k6 a c")];
    let scene = Scene::new(&stored).await;
    let lost = |id: &str, role| Violation::LostEnd {
        edge: edge("Knows"),
        edge_id: id.into(),
        role,
        node: node("Person"),
        end: "b".into(),
        loss: Loss::Deleted,
    };
    let expected = [lost("k3", "src"), lost("k5", "src"), lost("k4", "dst"), lost("k5", "dst")];
    // So many that their edges cannot be asked for.
    let many: Vec<String> = (0..=FEW).map(|number| format!("none{number}")).collect();
    for others in [String::new(), many.join(" ")] {
        let gone = format!("b {others}");
        let deeds = [("edge:Knows", "k2 a c; k7 d a", "k1"), ("node:Person", "d", &gone)];
        assert_eq!(scene.broken(&deeds).await, expected, "{} ids go", gone.split(' ').count());
    }
    assert_eq!(scene.relied_on(&[("node:Person", "d", "b")]), ["edge:Knows", "edge:Owns"]);
    assert_eq!(scene.broken(&[("edge:Knows", "", "k1 k2 k3 k4 k5"), ("node:Person", "", "b")]).await, []);
}

#[tokio::test]
async fn equal_values_are_told_with_the_ids_of_both_rows() {
    let stored = "a - a@x -; b - b@x -; c d1 - t1; d d2 - t2; e - e@x -";
    let scene = Scene::new(&[("node:Person", stored)]).await;
    let clash = |columns: &[&str], values: &str, id: &str, other| Violation::Unique {
        table: node("Person"),
        rule: "unique",
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        values: values.to_owned(),
        id: id.into(),
        other,
    };
    // The values of `a` and `c`, which go, and `b`, which has others now, are free.
    let free = "f - a@x -; b - f@x -; g - b@x -; h d2 - t1; i d1 - -";
    assert_eq!(scene.broken(&[("node:Person", free, "a")]).await, []);
    let taken = "f - e@x -; g - g@x -; h - g@x -; i d2 - t2; j d3 - t3; k d3 k@x t3; k - g@x -";
    let mail = |id, other| clash(&["mail"], r#"["g@x"]"#, id, other);
    let expected = [
        clash(&["mail"], r#"["e@x"]"#, "f", OtherRow::Stored("e".into())),
        mail("h", OtherRow::New("g".into())),
        clash(&["desk", "team"], r#"["d2","t2"]"#, "i", OtherRow::Stored("d".into())),
        mail("k", OtherRow::New("h".into())),
    ];
    assert_eq!(scene.broken(&[("node:Person", taken, "c")]).await, expected);
    let deeds = scene.deeds(&[("node:Person", taken, "c")]);
    let found = scene.problems(&deeds.change(&scene.digests), 1).await.unwrap();
    assert_eq!((found.problems.len(), found.more), (1, 3), "what is not kept is counted");
}

#[tokio::test]
async fn edges_are_counted_as_they_are_after_all_of_it() {
    let stored = "o1 a n; o2 a n; o3 b n; o4 c n; o5 d n; o6 d n; o7 e n";
    let scene = Scene::new(&[("node:Person", "a; b; c; d; e; f"), ("node:Note", "n"), ("edge:Owns", stored)]).await;
    // `a` loses one and gets two, the one of `b` moves to `f`, that of `c` stays, `d` loses one and gets one, `e` goes.
    let deeds = [("edge:Owns", "o8 a n; o9 a n; o3 f n; o4 c n; o10 d n", "o1 o5 o7"), ("node:Person", "", "e")];
    let broken = |src: &str, edges| Violation::Cardinality {
        edge: edge("Owns"),
        src: src.into(),
        edges,
        allowed: Cardinality { min: 1, max: Some(2) },
    };
    assert_eq!(scene.broken(&deeds).await, [broken("a", 3), broken("b", 0)]);
}
