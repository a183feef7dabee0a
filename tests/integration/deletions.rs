//! The files that list deleted rows: one of another version is damage, and not other rows.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use stratigraph_engine::load::LoadMode;
use stratigraph_tests::graph::TestGraph;

use crate::command_line::{run, text};

const SCHEMA: &str = "node Note { name: String @key  size: I64? }\n";

fn notes(count: i64) -> String {
    let note = |size| format!("{{\"type\":\"Note\",\"data\":{{\"name\":\"n{size}\",\"size\":{size}}}}}\n");
    (0..count).map(note).collect()
}

fn deletions(made: &TestGraph) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for table in fs::read_dir(made.path().join("nodes"))? {
        let folder = table?.path().join("_deletions");
        if folder.exists() {
            for file in fs::read_dir(folder)? {
                let path = file?.path();
                found.push((fs::metadata(&path)?.modified()?, path));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[tokio::test]
async fn a_list_of_another_version_is_damage() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &notes(60)).await?;
    let uri = made.uri();
    for size in [7, 51] {
        text(&["mutate", &uri, "-e", &format!("query q() {{ delete Note where size = {size} }}")])?;
    }
    let files = deletions(&made)?;
    let [first, last] = files.as_slice() else { anyhow::bail!("two lists: {files:?}") };
    assert_eq!(text(&["read", &uri, "Note", "--json"])?.lines().count(), 58);
    let written = fs::read(last)?;
    fs::copy(first, last)?;
    let name = last.file_name().context("a file")?.to_string_lossy().into_owned();
    let delete = "query q() { delete Note where size = 8 }";
    for command in [
        &["read", &uri, "Note"][..],
        &["read", &uri, "Note", "--where", "size > 3"],
        &["read", &uri, "Note", "--limit", "1"],
        &["sql", &uri, "select name from \"Note\""],
        &["sql", &uri, "select count(*) from \"Note\" where size > 3"],
        &["mutate", &uri, "-e", delete],
    ] {
        let output = run(command)?;
        let errors = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(7), "{command:?}: {:?} {errors}", output.status);
        ensure!(
            errors.contains(&name) && errors.contains("it lists 1 rows as deleted, and the version says 2"),
            "{command:?}: {errors}"
        );
    }
    fs::write(last, written)?;
    text(&["read", &uri, "Note"])?;
    text(&["mutate", &uri, "-e", delete])?;
    assert_eq!(text(&["read", &uri, "Note", "--json"])?.lines().count(), 57);
    Ok(())
}
