//! Rows, row histories and queries over the reference's graphs.

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use futures::TryStreamExt;
use serde_json::{Map, Value as Json, json};
use stratigraph_engine::diff::Way;
use stratigraph_engine::{
    At, Blobs, DiffFilter, DiffItem, ErrorKind, Graph, OpenMode, Progress, ReadOptions, Row, RowHistoryItem, RowOp,
    Snapshot, SqlOptions, TableKey, TableKind,
};
use stratigraph_tests::fixtures::Fixture;

async fn team() -> Result<Graph> {
    Ok(Graph::open(&Fixture::Team.path()?.to_string_lossy(), OpenMode::ReadOnly).await?)
}

async fn at(graph: &Graph, position: &str) -> Result<Snapshot> {
    Ok(graph.snapshot(&position.parse::<At>()?).await?)
}

async fn rows(graph: &Graph, snapshot: &Snapshot, table: &str, options: &ReadOptions) -> Result<Vec<Row>> {
    let key: TableKey = snapshot.table(table)?.key.clone();
    let mut batches = graph.read(snapshot, &key, options).await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row)));
    }
    Ok(rows)
}

fn ids(rows: &[Row]) -> Vec<String> {
    rows.iter().filter_map(|row| row.get("id")?.as_text().map(str::to_owned)).collect()
}

/// A row as a line of the reference's export.
fn exported(key: &TableKey, row: &Row) -> Json {
    let Json::Object(mut cells) = row.to_json() else { panic!("a row is an object") };
    let mut line = Map::new();
    match key.kind {
        TableKind::Node => line.insert("type".to_owned(), json!(key.name)),
        TableKind::Edge => {
            line.insert("edge".to_owned(), json!(key.name));
            line.insert("from".to_owned(), cells.shift_remove("src").expect("edges have a source"));
            line.insert("to".to_owned(), cells.shift_remove("dst").expect("edges have a target"))
        }
    };
    line.insert("data".to_owned(), Json::Object(cells));
    Json::Object(line)
}

#[tokio::test]
async fn every_table_of_every_branch_equals_the_export() -> Result<()> {
    let graph = team().await?;
    for branch in ["main", "feature/hiring", "budget", "experiment/vectors"] {
        let snapshot = at(&graph, branch).await?;
        for limit in [None, Some(1000)] {
            let options = ReadOptions { blobs: Blobs::Bytes, limit, ..ReadOptions::default() };
            let mut found = Vec::new();
            for key in snapshot.entries.keys() {
                let rows = rows(&graph, &snapshot, &key.to_string(), &options).await?;
                found.extend(rows.iter().map(|row| exported(key, row)));
            }
            let text = |lines: &[Json]| lines.iter().map(Json::to_string).collect::<Vec<_>>();
            assert_eq!(text(&found), text(&Fixture::Team.expected_export(branch)?), "{branch}, limit {limit:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn reads_project_filter_and_page() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    let options = |columns: &[&str], filter: Option<&str>, after: Option<&str>, limit| ReadOptions {
        columns: Some(columns.iter().map(|&column| column.to_owned()).collect()),
        filter: filter.map(str::to_owned),
        after: after.map(str::to_owned),
        limit,
        ..ReadOptions::default()
    };
    let found = rows(&graph, &main, "Person", &options(&["role", "id"], Some("age > 34"), None, None)).await?;
    let text: Vec<String> = found.iter().map(|row| row.to_json().to_string()).collect();
    assert_eq!(text, [r#"{"role":"engineer","id":"Ada"}"#, r#"{"role":"manager","id":"Grace"}"#]);
    for limit in [Some(2), None] {
        let page = rows(&graph, &main, "Person", &options(&["id"], None, Some("Ada"), limit)).await?;
        assert_eq!(ids(&page), ["Grace", "Margaret"], "limit {limit:?}");
    }
    let page =
        rows(&graph, &main, "Person", &options(&["age"], Some("age > 0 or true"), Some("Grace"), Some(9))).await?;
    assert_eq!(page.iter().map(|row| row.to_json().to_string()).collect::<Vec<_>>(), [r#"{"age":33}"#]);
    assert_eq!(rows(&graph, &main, "Person", &options(&["id"], None, None, Some(0))).await?, []);
    let person = main.table("Person")?.key.clone();
    assert_eq!(graph.count(&main, &person, None).await?, 3);
    assert_eq!(graph.count(&main, &person, Some("role = 'manager'")).await?, 1);
    Ok(())
}

#[tokio::test]
async fn bad_requests_say_what_there_is() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    let person = main.table("Person")?.key.clone();
    let requests = [
        ReadOptions { columns: Some(vec!["agee".into()]), ..ReadOptions::default() },
        ReadOptions { filter: Some("agee > 1".into()), ..ReadOptions::default() },
        ReadOptions { filter: Some("age >".into()), ..ReadOptions::default() },
        ReadOptions { filter: Some("age = 'x' +".into()), limit: Some(3), ..ReadOptions::default() },
    ];
    for request in requests {
        let error = graph.read(&main, &person, &request).await.err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("id, age, joined, name, role"), "{error}");
    }
    let error = graph.count(&main, &person, Some("agee > 1")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    Ok(())
}

#[tokio::test]
async fn linus_is_gone_at_the_head_and_his_history_says_when() -> Result<()> {
    let graph = team().await?;
    let history = graph.history(&Progress::none()).await?;
    let main = "main".parse()?;
    let chain: Vec<_> = history.first_parents(history.heads()[&main]).cloned().collect();
    let person: TableKey = "node:Person".parse()?;
    let mut present = Vec::new();
    for commit in &chain {
        let snapshot = graph.snapshot_of(commit).await?;
        let found = match snapshot.entries.contains_key(&person) {
            true => graph.entity(&snapshot, &person, "Linus", Blobs::Described).await?,
            false => None,
        };
        present.push(found);
    }
    assert!(present[0].is_none() && present[1].is_some(), "gone at the last commit, back one earlier");
    let items: Vec<RowHistoryItem> =
        graph.row_history(&person, "Linus", &main, &Progress::none()).try_collect().await?;
    // The model: look the row up at every commit and compare neighbors.
    let older = present.iter().skip(1).cloned().chain([None]);
    let expected: Vec<_> = chain
        .iter()
        .zip(present.iter().cloned().zip(older))
        .filter(|(_, (after, before))| after != before)
        .map(|(commit, (after, before))| (commit.id, before, after))
        .collect();
    let found: Vec<_> = items
        .into_iter()
        .map(|item| match item {
            RowHistoryItem::Changed(version) => (version.commit.id, version.before, version.after),
            RowHistoryItem::Ended { reason, .. } => panic!("everything is retained, but {reason}"),
        })
        .collect();
    assert!(expected.len() >= 2);
    assert_eq!(found, expected);
    Ok(())
}

#[tokio::test]
async fn a_first_write_on_a_branch_is_the_changed_rows_only() -> Result<()> {
    let graph = team().await?;
    let (main, hiring) = (at(&graph, "main").await?, at(&graph, "feature/hiring").await?);
    let items: Vec<DiffItem> =
        graph.diff(&hiring, &main, DiffFilter::default(), &Progress::none()).try_collect().await?;
    // The model: the two exports, compared line by line.
    let lines = |branch| -> Result<Vec<String>> {
        Ok(Fixture::Team.expected_export(branch)?.iter().map(Json::to_string).collect())
    };
    let (old, new) = (lines("feature/hiring")?, lines("main")?);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for item in &items {
        match item {
            DiffItem::Row(change) => {
                before.extend(change.before.iter().map(|row| exported(&change.table, row).to_string()));
                after.extend(change.after.iter().map(|row| exported(&change.table, row).to_string()));
            }
            DiffItem::Table(totals) => assert_eq!(totals.way, Way::Delta, "{totals:?}"),
        }
    }
    assert_eq!(before, old.iter().filter(|line| !new.contains(line)).cloned().collect::<Vec<_>>());
    assert_eq!(after, new.iter().filter(|line| !old.contains(line)).cloned().collect::<Vec<_>>());
    let filter = DiffFilter { kind: Some(TableKind::Node), ops: vec![RowOp::Deleted], ..DiffFilter::default() };
    let deleted: Vec<DiffItem> = graph.diff(&hiring, &main, filter, &Progress::none()).try_collect().await?;
    for item in deleted {
        match item {
            DiffItem::Row(change) => assert_eq!((change.op, change.table.kind), (RowOp::Deleted, TableKind::Node)),
            DiffItem::Table(totals) => assert_eq!((totals.inserted, totals.updated), (0, 0)),
        }
    }
    Ok(())
}

async fn sql(graph: &Graph, snapshot: &Snapshot, query: &str) -> Result<Vec<String>> {
    let result = graph.sql(snapshot, query, SqlOptions::default()).await?;
    let batches: Vec<_> = result.batches.try_collect().await?;
    let mut lines = Vec::new();
    for batch in batches {
        let columns = Row::columns_of(&batch);
        lines.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json().to_string()));
    }
    Ok(lines)
}

#[tokio::test]
async fn queries_see_each_type_under_its_own_name() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    let join = r#"select p.title, count(*) as n from "WorksOn" w join "Project" p on w.dst = p.id group by 1"#;
    assert_eq!(sql(&graph, &main, join).await?, [r#"{"title":"Atlas 2","n":2}"#]);
    for table in ["Person", "\"Person\"", "node.Person", "graph.node.\"Person\""] {
        let query = format!("select count(*) as n from {table} where age is not null and id <> 'Ada'");
        assert_eq!(sql(&graph, &main, &query).await?, [r#"{"n":2}"#], "{table}");
    }
    assert_eq!(sql(&graph, &main, "select count(*) as n from Person").await?, [r#"{"n":3}"#]);
    let limited = SqlOptions { limit: Some(1), ..SqlOptions::default() };
    let result = graph.sql(&main, "select id from Person order by id desc", limited).await?;
    assert_eq!(result.schema.field(0).name(), "id");
    let batches: Vec<_> = result.batches.try_collect().await?;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    Ok(())
}

#[tokio::test]
async fn a_result_that_would_lose_a_column_is_refused() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    let twice = "select a.id, b.id from Knows k join Person a on k.src = a.id join Person b on k.dst = b.id";
    let error = graph.sql(&main, twice, SqlOptions::default()).await.expect_err("two columns are called id");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("two columns of the result are called `id`"), "{error}");
    Ok(())
}

#[tokio::test]
async fn only_queries_run() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    let folder = std::env::temp_dir().join("stratigraph-must-not-exist");
    let refused = [
        "drop table Person".to_owned(),
        "delete from Person".to_owned(),
        "insert into Person (id) values ('x')".to_owned(),
        "insert into Person values (1)".to_owned(),
        "explain delete from Person where nothing = 1".to_owned(),
        "create table x as select * from Person".to_owned(),
        "create view x as select * from Person".to_owned(),
        "set datafusion.execution.batch_size = 1".to_owned(),
        format!("copy (select * from Person) to '{}' stored as csv", folder.display()),
        "create external table x stored as csv location '/etc/passwd'".to_owned(),
        "select 1; select 2".to_owned(),
        "select * from Personn".to_owned(),
        "select agee from Person".to_owned(),
        "selec".to_owned(),
    ];
    for query in refused {
        let error = graph.sql(&main, &query, SqlOptions::default()).await.expect_err(&query);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{query}: {error}");
        let writes = ["drop", "delete", "insert", "create", "set", "copy", "explain delete"];
        let is_write = writes.iter().any(|word| query.starts_with(word));
        assert_eq!(error.to_string().contains("is refused: only queries"), is_write, "{query}: {error}");
    }
    assert!(!folder.exists());
    assert!(!sql(&graph, &main, "explain select * from Person").await?.is_empty());
    let error = graph.sql(&main, "select * from Personn", SqlOptions::default()).await.expect_err("unknown");
    assert!(error.to_string().contains("node:Person"), "{error}");
    Ok(())
}

/// The query engine accepts all of these, and gives other rows than they say, or ignores a part of them.
#[tokio::test]
async fn what_the_query_engine_gets_wrong_is_refused_by_name() -> Result<()> {
    let graph = team().await?;
    let main = at(&graph, "main").await?;
    for (query, said) in [
        ("select id from Person where age > all (select age from Person)", "x in (select"),
        ("select id from Person where id = any (select id from Person)", "x in (select"),
        ("select age > any (select 1) from Person", "x in (select"),
        ("select id from Person intersect all select id from Person", "leave out ALL"),
        ("select 1 union all (select 1 except all select 1)", "leave out ALL"),
        ("explain select id from Person where age in (select 1 except all select 1)", "leave out ALL"),
        ("select * from Person tablesample (1 rows)", "TABLESAMPLE"),
        ("with x as (select * from (select * from Person) tablesample (1 rows)) select * from x", "TABLESAMPLE"),
        ("select * from Person for update", "FOR UPDATE"),
        ("select * from Person for json auto", "FOR JSON"),
        ("select * from Person prewhere age = 1", "PREWHERE"),
        ("select * from Person connect by prior id = id", "CONNECT BY"),
        ("select * from Person settings a = 1", "SETTINGS"),
        ("select * from Person format JSON", "FORMAT"),
        ("select * from Person with (nolock)", "hint"),
        ("select * from Person partition (p0)", "PARTITION"),
        ("select age from Person group by age with totals", "WITH TOTALS"),
        ("with recursive n as (select 1 as x union all select x + 1 from n limit 3) select * from n", "LIMIT inside"),
        (
            "with recursive n as (select 1 as x union select x + 1 from n where x < 3 order by x) select * from n",
            "ORDER BY",
        ),
        ("select id from Person where id similar to 'A%'", "use LIKE"),
        ("from Person", "no column"),
        ("select from Person", "no column"),
        ("select abs(distinct age) from Person", "DISTINCT in a function of one row"),
        ("select abs(age) filter (where age > 1) from Person", "FILTER after"),
        ("select abs(age) over (order by age) from Person", "OVER after"),
        (
            "select * from Person pivot (sum(age) for id in ('Ada'))",
            "PIVOT cannot be used: the query engine does not have it",
        ),
        ("select * from Person cross apply (select 1) x", "CROSS APPLY JOIN cannot be used"),
        ("select top 3 * from Person", "TOP cannot be used"),
        ("select * from Person cluster by age", "CLUSTER BY cannot be used"),
        ("select * from Person order by id fetch first 2 rows only", "FETCH cannot be used"),
        ("select id from Person; select 2", "only one query can run at a time"),
        ("show create table Person", "the command `schema` prints"),
        ("select * into x from Person", "SELECT … INTO is refused: only queries"),
    ] {
        let error = graph.sql(&main, query, SqlOptions::default()).await.expect_err(query);
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains(said), "{query}: {error}");
    }
    let failed = sql(&graph, &main, "select id from Person where id = 1").await.expect_err("a text is no number");
    assert_eq!(failed.to_string(), "the query failed", "and no file is unreadable");
    // What is written alike and works.
    for query in [
        "select id from Person except select id from Person where age > 40",
        "select id from Person union all select id from Person",
        "select role, age, count(*) from Person group by rollup(role, age)",
        "select role, age, count(*) from Person group by grouping sets ((role), (age))",
        "select * exclude (age) from Person",
        "with recursive n as (select 1 as x union all select x + 1 from n where x < 3) select * from n limit 2",
        "select count(distinct role), sum(age) filter (where age > 30) from Person",
        "select id, row_number() over (order by age) from Person",
        "select id from Person where age in (select age from Person limit 1)",
        "show tables",
        "show columns from Person",
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 3) select x from n where x = 3",
        "with recursive n(x, y) as (values (1, 2) union select x + y, 1 from n where x < 3) select x, y from n where x = 3",
        "with recursive a(q, p) as (select 1 as p, 2 as q union by name select 3 as p, 4 as q) select * from a where q = 3 and p = 4",
        "with recursive a(x) as (select 1 as p union by name select 2 as p) select * from a where x = 2",
        "with recursive n(x) as (select * from (select 1) union all (select x + 1 from n where x < 3)) select x from n",
        "with recursive p(name, far) as (select id, 0 from Person where id = 'Ada' union all select k.dst, p.far + 1 from p join \
         Knows k on k.src = p.name where p.far < 2) select * from p",
        "describe Person",
        "values (1), (2)",
    ] {
        assert!(!sql(&graph, &main, query).await.with_context(|| query)?.is_empty(), "{query}");
    }
    Ok(())
}
