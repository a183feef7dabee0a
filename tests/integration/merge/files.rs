//! Bytes and references to files through every kind of merge and every choice of a conflict (M-06).

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::At;
use stratigraph_engine::merge::{CellChoice, Choice, ConflictDetail, MergeWay, Side};
use stratigraph_tests::graph::{TestGraph, branch};

use super::{carry_out, is_up_to_date, merge, mutate, none, only, plan, put, rows_at, ways};

const SCHEMA: &str = "node Note {\n  title: String @key\n  stars: I32?\n  file: Blob?\n}\n";

/// A note; none leaves the file out.
fn note(title: &str, stars: i64, file: Option<&str>) -> String {
    format!("{}\n", json!({"type": "Note", "data": {"title": title, "stars": stars, "file": file}}))
}

/// A file beside the graph, and the reference to it.
fn outside(made: &TestGraph, name: &str) -> Result<String> {
    let path = made.path().with_file_name(name);
    std::fs::write(&path, format!("content of {name}"))?;
    Ok(format!("file://{}", path.display()))
}

/// Titles and files of a branch as the engine reads them: bytes in base64, references as they are.
async fn files(made: &TestGraph, of: &str) -> Result<Vec<(String, Value)>> {
    let rows = rows_at(&made.graph, &At::Branch(branch(of)), "Note").await?;
    Ok(rows.iter().map(|row| (row["title"].as_str().unwrap_or_default().to_owned(), row["file"].clone())).collect())
}

/// The same, by the independent reader, which reads what a reference stands for.
async fn bytes(made: &TestGraph, of: &str) -> Result<Vec<(String, Value)>> {
    super::column(&made.files().await?, of, "node:Note", "file").await
}

fn of(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(title, file)| ((*title).to_owned(), file.clone())).collect()
}

/// Bytes that no single page holds: written through the same streams as small ones.
fn large() -> (String, Value) {
    let text = format!("base64:{}", "QUJD".repeat(200_000));
    (note("large", 1, Some(&text)), json!(text))
}

#[tokio::test]
async fn files_of_all_kinds_survive_every_way_of_merging() -> Result<()> {
    for (target, both_change, way) in [
        ("main", false, MergeWay::Delta),
        ("main", true, MergeWay::Rewrite),
        ("release", false, MergeWay::Delta),
        ("release", true, MergeWay::Rewrite),
        ("child", false, MergeWay::Fork),
    ] {
        let made = TestGraph::new(SCHEMA).await?;
        let (one, two) = (outside(&made, "one.txt")?, outside(&made, "two.txt")?);
        let before = note("bytes", 1, Some("base64:aGk="))
            + &note("changed", 1, Some("base64:b2xk"))
            + &note("none", 1, None)
            + &note("empty", 1, Some("base64:"))
            + &note("one", 1, Some(&one));
        put(&made, "main", &before).await?;
        for name in ["work", "release"] {
            made.branch(name, "main").await?;
        }
        made.branch("child", "work").await?;
        let (large, large_bytes) = large();
        let changes = note("changed", 2, Some("base64:bmV3"))
            + &note("added", 1, Some("base64:YWRkZWQ="))
            + &note("two", 1, Some(&two))
            + &note("gone", 1, None)
            + &note("blank", 1, Some("base64:"))
            + &large;
        put(&made, "work", &changes).await?;
        // Rows whose file stays while another cell changes.
        mutate(&made.graph, "work", "update Note set { stars: 5 } where title = \"one\"").await?;
        mutate(&made.graph, "work", "update Note set { stars: 5 } where title = \"empty\"").await?;
        if both_change {
            put(&made, target, &note("target", 1, Some("base64:dGFyZ2V0"))).await?;
        }
        let planned = plan(&made.graph, "work", target).await?;
        assert_eq!(ways(&planned), [("node:Note".to_owned(), way, [5, 3, 0])], "{target}");
        carry_out(&made.graph, &planned, &none(&planned)).await?;
        let mut expected = of(&[
            ("added", json!("base64:YWRkZWQ=")),
            ("blank", json!("base64:")),
            ("bytes", json!("base64:aGk=")),
            ("changed", json!("base64:bmV3")),
            ("empty", json!("base64:")),
            ("gone", Value::Null),
            ("large", large_bytes.clone()),
            ("none", Value::Null),
            ("one", json!(one)),
            ("two", json!(two)),
        ]);
        if both_change {
            expected.insert(8, ("target".to_owned(), json!("base64:dGFyZ2V0")));
            expected.sort_by(|a, b| a.0.cmp(&b.0));
        }
        assert!(files(&made, target).await? == expected, "{target} {way}: references stay references");
        is_up_to_date(&made, "work", target).await?;
        if target != "child" {
            made.graph.delete_branch(&branch("child")).await?;
            made.graph.delete_branch(&branch("work")).await?;
        }
        assert!(files(&made, target).await? == expected, "{target} {way}: without the source");
        let stored = bytes(&made, target).await?;
        let content = |name: &str| stored.iter().find(|(title, _)| title == name).map(|(_, file)| file.clone());
        assert_eq!(content("one"), Some(json!("base64:Y29udGVudCBvZiBvbmUudHh0")));
        assert_eq!(content("two"), Some(json!("base64:Y29udGVudCBvZiB0d28udHh0")));
        assert!(content("large") == Some(large_bytes), "every byte");
        assert_eq!((content("gone"), content("blank")), (Some(Value::Null), Some(json!("base64:"))));
    }
    Ok(())
}

#[tokio::test]
async fn files_are_compared_by_content_and_null_is_not_empty() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &["a", "b", "c", "d"].map(|title| note(title, 1, Some("base64:aGk="))).concat()).await?;
    made.branch("work", "main").await?;
    // The same bytes on both sides; other bytes of the same length; null and empty; the same as before.
    put(&made, "work", &(note("a", 1, Some("base64:aGE=")) + &note("b", 1, Some("base64:aGE=")))).await?;
    put(&made, "main", &(note("a", 1, Some("base64:aGE=")) + &note("b", 1, Some("base64:aGI=")))).await?;
    put(&made, "work", &(note("c", 1, None) + &note("d", 1, Some("base64:aGk=")))).await?;
    put(&made, "main", &(note("c", 1, Some("base64:")) + &note("d", 2, Some("base64:aGk=")))).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let conflicts: Vec<(&str, String)> = planned
        .conflicts()
        .iter()
        .map(|conflict| match &conflict.detail {
            ConflictDetail::Row { columns, .. } => (conflict.key.id.as_str(), columns.join(" ")),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(conflicts, [("b", "file".to_owned()), ("c", "file".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn files_survive_every_choice() -> Result<()> {
    let cell = |file: CellChoice| Choice::Cells([("file".to_owned(), file)].into());
    for (choice, expected) in [
        (Choice::Take(Side::Source), Some("two")),
        (Choice::Take(Side::Target), None),
        (Choice::Take(Side::Base), Some("one")),
        (cell(CellChoice::From(Side::Source)), Some("two")),
        (cell(CellChoice::From(Side::Target)), None),
        (cell(CellChoice::From(Side::Base)), Some("one")),
        (cell(CellChoice::Value(json!("THREE"))), Some("three")),
    ] {
        let made = TestGraph::new(SCHEMA).await?;
        let references = ["one", "two", "three"].map(|name| outside(&made, name));
        let [one, two, three] = references.map(|reference| reference.expect("the file is written"));
        put(&made, "main", &(note("n", 1, Some(&one)) + &note("other", 1, Some(&one)))).await?;
        made.branch("work", "main").await?;
        put(&made, "work", &note("n", 1, Some(&two))).await?;
        put(&made, "main", &note("n", 1, Some("base64:aGk="))).await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let choice = match choice {
            Choice::Cells(cells) if cells.values().any(|cell| matches!(cell, CellChoice::Value(_))) => {
                cell(CellChoice::Value(json!(three)))
            }
            other => other,
        };
        carry_out(&made.graph, &planned, &only(&planned, choice.clone())?).await?;
        let reference = match expected {
            Some("one") => json!(one),
            Some("two") => json!(two),
            Some(_) => json!(three),
            None => json!("base64:aGk="),
        };
        assert_eq!(files(&made, "main").await?, of(&[("n", reference), ("other", json!(one))]), "{choice}");
        let content = match expected {
            Some("one") => "base64:Y29udGVudCBvZiBvbmU=",
            Some("two") => "base64:Y29udGVudCBvZiB0d28=",
            Some(_) => "base64:Y29udGVudCBvZiB0aHJlZQ==",
            None => "base64:aGk=",
        };
        let stored = bytes(&made, "main").await?;
        assert_eq!(stored[0], ("n".to_owned(), json!(content)), "{choice}");
    }
    Ok(())
}

/// The other columns are decided while the file comes along from the side that changed it.
#[tokio::test]
async fn cells_are_merged_around_a_file() -> Result<()> {
    for changed_by in ["work", "main"] {
        let other = if changed_by == "work" { "main" } else { "work" };
        let made = TestGraph::new(SCHEMA).await?;
        let (one, two) = (outside(&made, "one")?, outside(&made, "two")?);
        put(&made, "main", &note("n", 1, Some(&one))).await?;
        made.branch("work", "main").await?;
        put(&made, changed_by, &note("n", 1, Some(&two))).await?;
        mutate(&made.graph, other, "update Note set { stars: 9 } where title = \"n\"").await?;
        let planned = plan(&made.graph, "work", "main").await?;
        carry_out(&made.graph, &planned, &only(&planned, Choice::MergeCells)?).await?;
        let rows = rows_at(&made.graph, &At::Branch(branch("main")), "Note").await?;
        assert_eq!((&rows[0]["stars"], &rows[0]["file"]), (&json!(9), &json!(two)), "changed by {changed_by}");
        // And back, without anything to decide.
        merge(&made.graph, "main", "work").await?;
        let rows = rows_at(&made.graph, &At::Branch(branch("work")), "Note").await?;
        assert_eq!((&rows[0]["stars"], &rows[0]["file"]), (&json!(9), &json!(two)));
    }
    Ok(())
}
