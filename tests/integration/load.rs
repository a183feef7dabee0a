//! Loading: what is stored afterwards, what is refused, and that a refusal leaves everything as it was.

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::Value;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{
    At, Blobs, BranchName, CreateOptions, Error, ErrorKind, Graph, OpenMode, Progress, ReadOptions, Row,
};
use stratigraph_tests::folder;

mod command;
mod keys;
mod refusals;
mod tables;

const SOURCE: &str = "node Person {\n  name: String @key\n  age: I32?\n  @range(age, 0..150)\n  mail: String? @unique\n}\n\
    node Note {\n  body: String\n}\n\
    edge Knows: Person -> Person @card(0..2) {\n  since: Date?\n}\n";

const PEOPLE: &str = r#"{"type":"Person","data":{"name":"Ada","age":36,"mail":"ada@x"}}
{"type":"Person","data":{"name":"Grace"}}
{"type":"Note","data":{"id":"n1","body":""}}
{"edge":"knows","from":"Ada","to":"Grace","data":{"id":"e1","since":"2026-05-02"}}
"#;

struct Stage {
    root: tempfile::TempDir,
    graph: Graph,
}

impl Stage {
    async fn new() -> Result<Self> {
        Self::of(SOURCE).await
    }

    async fn of(source: &str) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let uri = root.path().join("g").to_string_lossy().into_owned();
        Graph::create(&uri, source, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        Ok(Self { root, graph })
    }

    async fn load(&self, mode: LoadMode, branch: &str, text: &str) -> Result<Option<u64>, Error> {
        let input = Input { name: "data.jsonl".to_owned(), reader: Box::new(std::io::Cursor::new(text.to_owned())) };
        let branch = branch.parse().expect("a branch name");
        let request = LoadRequest { mode, branch, actor: Some("act-dana".into()), inputs: vec![input] };
        let loaded = self.graph.load(request, &Progress::none()).await?;
        Ok(loaded.written.map(|written| written.manifest_version.get()))
    }

    async fn refused(&self, mode: LoadMode, text: &str) -> Result<String> {
        let before = folder::digest(self.root.path())?;
        let error = self.load(mode, "main", text).await.expect_err("it is refused");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        let unchanged = |digest: &folder::Digest| digest.keys().cloned().collect::<Vec<_>>();
        assert_eq!(unchanged(&folder::digest(self.root.path())?), unchanged(&before), "something was written");
        Ok(error.to_string())
    }

    async fn rows(&self, branch: &str, table: &str) -> Result<Vec<Value>> {
        let snapshot = self.graph.snapshot(&At::Branch(branch.parse()?)).await?;
        let key = snapshot.table(table)?.key.clone();
        let mut batches =
            self.graph.read(&snapshot, &key, &ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() }).await?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            let columns = Row::columns_of(&batch);
            rows.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json()));
        }
        Ok(rows)
    }

    async fn ids(&self, branch: &str, table: &str) -> Result<Vec<String>> {
        let rows = self.rows(branch, table).await?;
        Ok(rows.iter().map(|row| row["id"].as_str().expect("ids are texts").to_owned()).collect())
    }

    /// Every table's head is its pin, and no sidecar is left.
    async fn assert_settled(&self) -> Result<()> {
        for branch in self.graph.branches().await? {
            let snapshot = self.graph.snapshot(&At::Branch(branch.name)).await?;
            for status in self.graph.table_status(&snapshot).await {
                assert_eq!(status.drift(), Some(0), "{}", status.entry.key);
            }
        }
        assert!(self.graph.sidecars().await?.is_empty());
        Ok(())
    }
}

#[tokio::test]
async fn a_load_is_one_version_and_one_commit() -> Result<()> {
    let stage = Stage::new().await?;
    assert_eq!(stage.load(LoadMode::Append, "main", PEOPLE).await?, Some(4));
    assert_eq!(stage.ids("main", "Person").await?, ["Ada", "Grace"]);
    let note = &stage.rows("main", "Note").await?[0];
    assert_eq!((note["id"].as_str(), note["body"].as_str()), (Some("n1"), Some("")));
    let edge = &stage.rows("main", "Knows").await?[0];
    assert_eq!(
        (edge["src"].as_str(), edge["dst"].as_str(), edge["since"].as_i64()),
        (Some("Ada"), Some("Grace"), Some(20575))
    );
    let history = stage.graph.history(&Progress::none()).await?;
    assert_eq!((history.commits().len(), history.problems()), (2, &[][..]));
    let head = &history.commits()[0];
    assert_eq!((head.actor.as_deref(), head.manifest_version.get()), (Some("act-dana"), 4));
    assert_eq!(head.parent, Some(history.commits()[1].id));
    stage.assert_settled().await
}

#[tokio::test]
async fn modes_add_replace_and_overwrite() -> Result<()> {
    let stage = Stage::new().await?;
    stage.load(LoadMode::Append, "main", PEOPLE).await?;
    stage.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Linus","age":28}}"#).await?;
    stage
        .load(
            LoadMode::Merge,
            "main",
            r#"{"type":"Person","data":{"name":"Ada","age":37}} {"type":"Person","data":{"name":"Margaret"}}"#,
        )
        .await?;
    let rows = stage.rows("main", "Person").await?;
    let ages: Vec<(&str, Option<i64>)> =
        rows.iter().map(|row| (row["id"].as_str().unwrap_or_default(), row["age"].as_i64())).collect();
    assert_eq!(ages, [("Ada", Some(37)), ("Grace", None), ("Linus", Some(28)), ("Margaret", None)]);
    stage.load(LoadMode::Overwrite, "main", r#"{"type":"Note","data":{"id":"n9","body":"x"}}"#).await?;
    assert_eq!(stage.ids("main", "Note").await?, ["n9"]);
    assert_eq!(stage.ids("main", "Person").await?.len(), 4, "other tables stay");
    assert_eq!(stage.load(LoadMode::Append, "main", "").await?, None, "nothing to load is no commit");
    stage.assert_settled().await
}

#[tokio::test]
async fn a_merge_of_unkeyed_rows_takes_the_last_of_equal_ids() -> Result<()> {
    let stage = Stage::new().await?;
    let notes = r#"{"type":"Note","data":{"id":"n","body":"1"}} {"type":"Note","data":{"id":"m","body":"2"}} {"type":"Note","data":{"id":"n","body":"3"}}"#;
    stage.load(LoadMode::Merge, "main", notes).await?;
    let bodies: Vec<Value> = stage.rows("main", "Note").await?.iter().map(|row| row["body"].clone()).collect();
    assert_eq!(bodies, ["2", "3"]);
    Ok(())
}

#[tokio::test]
async fn every_rule_is_checked_before_anything_moves() -> Result<()> {
    let stage = Stage::new().await?;
    stage.load(LoadMode::Append, "main", PEOPLE).await?;
    let person = |data: &str| format!(r#"{{"type":"Person","data":{data}}}"#);
    let knows = |from: &str, to: &str, id: &str| {
        format!(r#"{{"edge":"Knows","from":"{from}","to":"{to}","data":{{"id":"{id}"}}}}"#)
    };
    let cases = [
        (LoadMode::Append, "{\"type\":".to_owned(), "record 1"),
        (LoadMode::Append, r#"{"type":"Cat"}"#.to_owned(), "there is no node type Cat"),
        (LoadMode::Append, r#"{"data":{}}"#.to_owned(), "neither `type` nor `edge`"),
        (LoadMode::Append, person(r#"{"age":1}"#), "name is required"),
        (LoadMode::Append, person(r#"{"name":"X","age":"1"}"#), "age: a whole number is expected"),
        (LoadMode::Append, person(r#"{"name":"X","age":151}"#), "151 is more than 150"),
        (LoadMode::Append, person(r#"{"name":"X","agee":1}"#), "no property agee"),
        (LoadMode::Append, person(r#"{"name":"X","id":"Y"}"#), "its id is not its key"),
        (LoadMode::Append, person(r#"{"name":"Ada"}"#), "the id `Ada` is stored already"),
        (LoadMode::Merge, format!("{0}{0}", person(r#"{"name":"X"}"#)), "the id `X` is there twice"),
        (LoadMode::Append, person(r#"{"name":"X","mail":"ada@x"}"#), "@unique(mail) is broken"),
        (
            LoadMode::Append,
            format!("{}{}", person(r#"{"name":"X","mail":"q"}"#), person(r#"{"name":"Y","mail":"q"}"#)),
            "@unique(mail) is broken",
        ),
        (LoadMode::Append, r#"{"type":"Note","data":{"body":null}}"#.to_owned(), "body is required"),
        (LoadMode::Append, knows("Ada", "Nobody", "e9"), "dst `Nobody` not found in Person"),
        (LoadMode::Append, knows("Ada", "Grace", "e2") + &knows("Ada", "Ada", "e3"), "has 3 edges (max 2)"),
        (LoadMode::Append, knows("Ada", "Grace", "e1"), "the id `e1` is stored already"),
        (LoadMode::Overwrite, person(r#"{"name":"Solo"}"#), "would lose its src `Ada`"),
    ];
    for (mode, text, expected) in cases {
        let message = stage.refused(mode, &text).await?;
        assert!(message.contains(expected), "{text}\n{message}");
    }
    // A refusal does not stand in the way of the next load.
    stage.load(LoadMode::Merge, "main", &knows("Ada", "Grace", "e1")).await?;
    stage.load(LoadMode::Merge, "main", &person(r#"{"name":"Ada","mail":"ada@x"}"#)).await?;
    stage.assert_settled().await
}

#[tokio::test]
async fn problems_are_told_with_their_records_and_counted() -> Result<()> {
    let stage = Stage::new().await?;
    let people: Vec<String> = (0..150)
        .map(|number| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number}\",\"age\":{}}}}}\n", number + 100))
        .collect();
    let message = stage.refused(LoadMode::Append, &people.concat()).await?;
    assert!(message.contains("data.jsonl, record 52: Person: age: 151 is more than 150"), "{message}");
    assert_eq!(message.lines().count(), 1 + 99, "{message}");
    let people: Vec<String> = (0..300)
        .map(|number| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"p{number}\",\"age\":-1}}}}\n"))
        .collect();
    let message = stage.refused(LoadMode::Append, &people.concat()).await?;
    assert!(message.ends_with("and 200 more problems"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_branch_forks_only_what_it_writes_and_nobody_else_sees_it() -> Result<()> {
    let stage = Stage::new().await?;
    stage.load(LoadMode::Append, "main", PEOPLE).await?;
    let (main, work): (BranchName, BranchName) = (BranchName::main(), "feature/x".parse()?);
    stage.graph.create_branch(&work, &main).await?;
    assert_eq!(stage.ids("feature/x", "Person").await?, ["Ada", "Grace"]);
    stage.load(LoadMode::Append, "feature/x", r#"{"type":"Person","data":{"name":"Linus"}}"#).await?;
    stage.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Margaret"}}"#).await?;
    assert_eq!(stage.ids("feature/x", "Person").await?, ["Ada", "Grace", "Linus"]);
    assert_eq!(stage.ids("main", "Person").await?, ["Ada", "Grace", "Margaret"]);
    let branches = stage.graph.branches().await?;
    let owned: Vec<String> = branches[1].owned_tables.iter().map(ToString::to_string).collect();
    assert_eq!(owned, ["node:Person"]);

    let child: BranchName = "child".parse()?;
    stage.graph.create_branch(&child, &work).await?;
    let error = stage.graph.delete_branch(&work).await.unwrap_err();
    assert!(error.to_string().contains("`child` still depends on it"), "{error}");
    stage.graph.delete_branch(&child).await?;
    stage.graph.delete_branch(&work).await?;
    let error = stage.graph.delete_branch(&work).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    // The name can be used again and starts clean.
    stage.graph.create_branch(&work, &main).await?;
    stage.load(LoadMode::Append, "feature/x", r#"{"type":"Person","data":{"name":"Barbara"}}"#).await?;
    assert_eq!(stage.ids("feature/x", "Person").await?, ["Ada", "Barbara", "Grace", "Margaret"]);
    stage.assert_settled().await
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_table_wait_for_each_other_and_all_succeed() -> Result<()> {
    let stage = std::sync::Arc::new(Stage::new().await?);
    let loads = (0..12).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let text = format!(r#"{{"type":"Person","data":{{"name":"p{number:02}"}}}}"#);
            stage.load(LoadMode::Append, "main", &text).await
        })
    });
    for load in loads.collect::<Vec<_>>() {
        load.await??;
    }
    assert_eq!(stage.ids("main", "Person").await?.len(), 12);
    let history = stage.graph.history(&Progress::none()).await?;
    assert_eq!(history.commits().len(), 13);
    let head = history.heads()[&BranchName::main()];
    assert_eq!(history.first_parents(head).count(), 13, "one line, no fork");
    stage.assert_settled().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_with_the_same_id_one_wins() -> Result<()> {
    let stage = std::sync::Arc::new(Stage::new().await?);
    let loads = (0..8).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let text = format!(r#"{{"type":"Person","data":{{"name":"Ada","age":{number}}}}}"#);
            stage.load(LoadMode::Append, "main", &text).await
        })
    });
    let mut won = 0;
    for load in loads.collect::<Vec<_>>() {
        match load.await? {
            Ok(_) => won += 1,
            Err(error) => assert!(error.to_string().contains("is stored already"), "{error}"),
        }
    }
    assert_eq!((won, stage.ids("main", "Person").await?.len()), (1, 1));
    stage.assert_settled().await
}
