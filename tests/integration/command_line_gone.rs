//! Branches that are deleted by a command: what is said before, and merges afterwards.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use stratigraph_tests::folder::{clean_up_commits, digest};

use crate::command_line::{lines, run, text};
use crate::command_line_merge::{Stage, errors};

#[test]
fn the_source_branch_is_deleted_after_a_yes() -> Result<()> {
    let stage = Stage::new()?;
    stage.change("review", r#"insert Person { name: "Eve", age: 1 }"#)?;
    let before = stage.head("main")?;
    let refused = stage.merge(&["--delete-source"])?;
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        errors(&refused).contains("merge review into main of ") && errors(&refused).contains("--yes"),
        "{}",
        errors(&refused)
    );
    assert_eq!(stage.head("main")?, before, "nothing was merged");
    let source = stage.head("review")?;
    let made = stage.merged(0, &["--delete-source", "--yes"])?.remove(0);
    assert_eq!((&made["outcome"], &made["source_deleted"]), (&json!("fast_forward"), &json!(true)));
    assert_eq!((&made["source"], &made["source_head"]), (&json!("review"), &source["id"]));
    assert_eq!(lines(&["branches", &stage.graph(), "--json"])?.len(), 1);
    assert_eq!(stage.people()?.lines().count(), 5);

    stage.change("main", r#"update Person set { age: 2 } where name = "Eve""#)?;
    text(&["branch", "create", &stage.graph(), "review"])?;
    text(&["branch", "create", &stage.graph(), "child", "--from", "review"])?;
    let before = digest(Path::new(&stage.graph()))?;
    let used = stage.merge(&["--delete-source", "--yes"])?;
    assert_eq!(used.status.code(), Some(4));
    assert!(errors(&used).contains("cannot delete branch `review`: `child` still depends on it"), "{}", errors(&used));
    let main = run(&["merge", &stage.graph(), "main", "--into", "review", "--delete-source", "--yes"])?;
    assert_eq!(
        (main.status.code(), errors(&main).as_str()),
        (Some(2), "error: cannot delete branch main: every graph has it, and all others start on it\n")
    );
    assert!(digest(Path::new(&stage.graph()))? == before, "both are refused before anything is done");
    Ok(())
}

/// Nothing is known of it once the version that notes the merge was cleaned up, too.
#[test]
fn a_preview_names_a_commit_that_went_with_its_branch() -> Result<()> {
    let stage = Stage::new()?;
    text(&["branch", "create", &stage.graph(), "other"])?;
    stage.change("other", r#"insert Person { name: "Eve" }"#)?;
    stage.change("other", r#"delete Person where name = "Eve""#)?;
    let gone = stage.head("other")?["id"].clone();
    text(&["merge", &stage.graph(), "other", "--into", "main", "--yes"])?;
    stage.change("review", r#"insert Person { name: "Max" }"#)?;
    assert_eq!(errors(&stage.merge(&["--preview"])?), "", "its branch is there");
    text(&["branch", "delete", &stage.graph(), "other", "--yes"])?;
    assert_eq!(errors(&stage.merge(&["--preview"])?), "", "the merge is noted");
    stage.change("main", r#"insert Person { name: "Zoe" }"#)?;
    clean_up_commits(Path::new(&stage.graph()))?;
    let told = errors(&stage.merge(&["--preview"])?);
    let expected =
        format!("commit {} was merged by one side and is gone with its branch", gone.as_str().context("an id")?);
    assert!(told.contains(&expected) && told.contains("may come back; look for it in the preview"), "{told}");
    assert_eq!(stage.preview(0, &[])?[0]["unknown_commits"], json!([gone]));
    Ok(())
}

#[test]
fn a_branch_that_went_with_its_merge_is_as_if_it_were_there_for_the_next() -> Result<()> {
    let stage = Stage::new()?;
    for name in ["dev", "fix"] {
        text(&["branch", "create", &stage.graph(), name])?;
    }
    stage.change("fix", r#"update Person set { age: 40 } where name = "Ada""#)?;
    text(&["merge", &stage.graph(), "fix", "--into", "main", "--yes"])?;
    let told = run(&["merge", &stage.graph(), "fix", "--into", "dev", "--delete-source", "--yes"])?;
    assert!(told.status.success() && !errors(&told).contains("without branch"), "{}", errors(&told));
    stage.change("main", r#"update Person set { age: 41 } where name = "Ada""#)?;
    stage.change("dev", r#"insert Person { name: "Dan" }"#)?;
    for (source, target) in [("dev", "main"), ("main", "dev")] {
        text(&["merge", &stage.graph(), source, "--into", target, "--yes"])?;
        let people = lines(&["read", &stage.graph(), "Person", "--at", target, "--columns", "id,age", "--json"])?;
        let expected = [json!({"id": "Ada", "age": 41}), json!({"id": "Dan", "age": null})];
        assert!(expected.iter().all(|row| people.contains(row)), "{target}: {people:?}");
    }
    Ok(())
}

#[test]
fn what_is_lost_is_said_before_it_is_asked() -> Result<()> {
    let stage = Stage::new()?;
    for number in 0..12 {
        stage.change("review", &format!(r#"insert Person {{ name: "p{number}" }}"#))?;
    }
    text(&["branch", "create", &stage.graph(), "child", "--from", "review"])?;
    let before = digest(Path::new(&stage.graph()))?;
    let refused = run(&["branch", "delete", &stage.graph(), "review"])?;
    assert_eq!(refused.status.code(), Some(4), "{}", errors(&refused));
    assert!(errors(&refused).contains("`child` still depends on it"), "{}", errors(&refused));
    assert!(!errors(&refused).contains("lost"), "nothing is asked: {}", errors(&refused));

    let empty = run(&["branch", "delete", &stage.graph(), "child"])?;
    assert_eq!(empty.status.code(), Some(2), "{}", errors(&empty));
    assert!(errors(&empty).contains("note: No commit is lost: it has none of its own."), "{}", errors(&empty));
    assert_eq!(digest(Path::new(&stage.graph()))?, before, "nothing is deleted without a yes");

    text(&["branch", "delete", &stage.graph(), "child", "--yes"])?;
    let asked = errors(&run(&["branch", "delete", &stage.graph(), "review"])?);
    let head = stage.head("review")?["id"].as_str().context("an id")?[20..].to_owned();
    for words in [
        &*format!("note: Its head is {head}, by nobody named, "),
        "note: 12 commits are on no other branch and are lost:",
        &format!("note: {head} Person, "),
        "note: and 2 more",
        "note: The versions of 1 table that it holds itself are removed.",
        "error: there is no terminal to ask on: delete branch review of ",
    ] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    assert_eq!(asked.matches(" Person, ").count(), 10, "{asked}");
    Ok(())
}
