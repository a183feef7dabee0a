//! Damaged graphs and wrong requests: one clear message each, of the right kind.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, CreateOptions, Error, ErrorKind, Graph, OpenMode};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{branch, load};
use tempfile::TempDir;

fn damaged(damage: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<TempDir> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, copy.path())?;
    damage(copy.path())?;
    Ok(copy)
}

async fn refusal(root: &Path) -> Error {
    Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly).await.expect_err("the graph is damaged")
}

#[tokio::test]
async fn what_is_no_graph_is_refused_by_name() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let error = refusal(empty.path()).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("is not a graph: it has no _schema.pg"), "{error}");
    let error = refusal(Path::new("/no/such/graph")).await;
    assert_eq!((error.kind(), error.to_string().contains("/no/such/graph")), (ErrorKind::NotFound, true));
    let headless = damaged(|root| fs::remove_dir_all(root.join("__manifest")))?;
    let error = refusal(headless.path()).await;
    assert!(error.to_string().contains("it has no __manifest"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_branch_of_a_graph_that_was_moved_says_where_its_files_were() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    let uri = before.to_string_lossy().into_owned();
    let schema = "node Person { name: String @key }\n";
    Box::pin(Graph::create(&uri, schema, &CreateOptions::default())).await?;
    let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
    graph.create_branch(&branch("side"), &branch("main")).await?;
    let person = |name: &str| format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#);
    load(&graph, LoadMode::Append, "side", &person("Ada")).await?;
    drop(graph);

    fs::rename(&before, &after)?;
    let graph = Box::pin(Graph::open(&after.to_string_lossy(), OpenMode::ReadWrite)).await?;
    let reading = graph.snapshot(&"side".parse()?).await.expect_err("its files are gone");
    let writing = load(&graph, LoadMode::Append, "side", &person("Bob")).await.expect_err("its files are gone");
    for error in [format!("{reading:#}"), format!("{writing:#}")] {
        let told = format!("was made when the table was {uri}/__manifest, and looks for its files there");
        assert!(error.contains(&told), "{error}");
    }
    load(&graph, LoadMode::Append, "main", &person("Bob")).await?;

    drop(graph);
    fs::rename(&after, &before)?;
    let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
    load(&graph, LoadMode::Append, "side", &person("Bob")).await?;
    Ok(())
}

#[tokio::test]
async fn schema_files_that_disagree_lock_the_graph_and_say_which() -> Result<()> {
    let truncate = |name: &'static str| {
        move |root: &Path| {
            let text = fs::read_to_string(root.join(name))?;
            fs::write(root.join(name), &text[..text.len() / 2])
        }
    };
    for (damage, kind, named) in [
        (damaged(truncate("_schema.ir.json"))?, ErrorKind::Corrupt, "_schema.ir.json"),
        (damaged(truncate("__schema_state.json"))?, ErrorKind::Corrupt, "__schema_state.json"),
        (
            damaged(|root| fs::remove_file(root.join("__schema_state.json")))?,
            ErrorKind::Conflict,
            "__schema_state.json",
        ),
        (damaged(|root| fs::remove_file(root.join("_schema.ir.json")))?, ErrorKind::Conflict, "_schema.ir.json"),
        (
            damaged(|root| fs::write(root.join("_schema.pg"), "node Other { name: String @key }"))?,
            ErrorKind::Conflict,
            "_schema.pg",
        ),
    ] {
        let error = refusal(damage.path()).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_comment_in_the_schema_changes_nothing() -> Result<()> {
    let commented = damaged(|root| {
        let text = fs::read_to_string(root.join("_schema.pg"))?;
        fs::write(root.join("_schema.pg"), format!("// a comment\n\n{text}"))
    })?;
    Graph::open(&commented.path().to_string_lossy(), OpenMode::ReadOnly).await?;
    Ok(())
}

#[tokio::test]
async fn without_both_compiled_files_only_a_graph_without_branches_opens() -> Result<()> {
    let strip = |root: &Path| {
        fs::remove_file(root.join("_schema.ir.json"))?;
        fs::remove_file(root.join("__schema_state.json"))
    };
    let error = refusal(damaged(strip)?.path()).await;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let single = damaged(|root| {
        strip(root)?;
        fs::remove_dir_all(root.join("__manifest/_refs"))
    })?;
    Graph::open(&single.path().to_string_lossy(), OpenMode::ReadOnly).await?;
    assert!(!single.path().join("_schema.ir.json").exists(), "reading must not write the compiled schema");
    Ok(())
}

#[tokio::test]
async fn other_formats_are_refused_with_stamp_and_writer() -> Result<()> {
    let stamped = |stamp: &'static str| async move {
        let copy = damaged(|_| Ok(()))?;
        let mut manifest = lance::Dataset::open(&copy.path().join("__manifest").to_string_lossy()).await?;
        manifest.update_schema_metadata([("omnigraph:internal_schema_version", stamp)]).await?;
        anyhow::Ok(copy)
    };
    for (stamp, writer) in [("4", "OmniGraph 0.8"), ("6", "OmniGraph 0.9 or 0.10"), ("77", "newer than this program")] {
        let error = refusal(stamped(stamp).await?.path()).await;
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains(&format!("internal schema {stamp}")) && text.contains(writer), "{text}");
    }
    let older = stamped("2").await?;
    assert_eq!(Graph::open(&older.path().to_string_lossy(), OpenMode::ReadOnly).await?.stamp(), 2);
    Ok(())
}

#[tokio::test]
async fn positions_that_do_not_exist_say_what_does() -> Result<()> {
    let graph = Graph::open(&Fixture::Team.path()?.to_string_lossy(), OpenMode::ReadOnly).await?;
    for (text, kind, part) in [
        ("nowhere", ErrorKind::NotFound, "feature/hiring"),
        ("nowhere@v3", ErrorKind::NotFound, "nowhere"),
        ("main@v99", ErrorKind::NotFound, "its newest is 9"),
        ("main@v0", ErrorKind::NotFound, "no version 0"),
        ("01M7Y2AKA125T5VJJZZ1M5RCKX", ErrorKind::NotFound, "01M7Y2AKA125T5VJJZZ1M5RCKX"),
        ("2001-01-01", ErrorKind::NotFound, "2001-01-01"),
        ("n", ErrorKind::Invalid, "fits 2 commits"),
    ] {
        let error = graph.snapshot(&text.parse::<At>()?).await.expect_err(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unreadable_table_or_version_is_an_error_of_that_table_only() -> Result<()> {
    let copy = damaged(|root| {
        fs::remove_dir_all(root.join("nodes/6686fcc6d2c8f0bd"))?;
        // Version 7 of node:Person, which main pins and which is its newest; older ones stay.
        fs::remove_file(root.join(format!("nodes/40d76f1f51639ec0/_versions/{:020}.manifest", u64::MAX - 7)))
    })?;
    let graph = Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadOnly).await?;
    let snapshot = graph.snapshot(&"main".parse()?).await?;
    let error: Error = graph.open_table(snapshot.table("Note")?).await.expect_err("its folder is gone").into();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error: Error = graph.open_table(snapshot.table("Person")?).await.expect_err("its version is gone").into();
    let text = error.to_string();
    assert!(
        error.kind() == ErrorKind::NotFound && text.contains("version 7") && text.contains("oldest kept is 1"),
        "{text}"
    );
    let status = graph.table_status(&snapshot).await;
    let unreadable: Vec<String> =
        status.iter().filter(|status| status.head.is_err()).map(|status| status.entry.key.to_string()).collect();
    assert_eq!(unreadable, ["node:Note", "node:Person"]);
    graph.open_table(snapshot.table("Project")?).await?.count(None).await?;
    Ok(())
}

#[tokio::test]
async fn broken_sidecars_are_listed_beside_the_others() -> Result<()> {
    use stratigraph_engine::recovery::SidecarState;
    let copy = damaged(|root| {
        fs::create_dir_all(root.join("__recovery"))?;
        fs::write(root.join("__recovery/01A.json"), "{")?;
        fs::write(root.join("__recovery/01B.json"), r#"{"schema_version": 9}"#)?;
        fs::write(root.join("__recovery/notes.txt"), "not a sidecar")
    })?;
    let graph = Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadOnly).await?;
    let sidecars = graph.sidecars().await?;
    assert_eq!(sidecars.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["01A", "01B"]);
    assert!(matches!(sidecars[0].state, SidecarState::Unreadable { .. }));
    assert_eq!(sidecars[1].state, SidecarState::Newer { schema_version: 9 });
    Ok(())
}

fn run(arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test")).args(arguments).output()?;
    Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

#[test]
fn wrong_requests_are_answered_without_inner_names() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let tables = "the tables are edge:Knows, edge:WorksOn, node:Note, node:Person, node:Project";
    let cannot_filter =
        |filter| format!("error: cannot use the filter `{filter}`; the table has id, age, joined, name, role\n");
    let read = |filter| vec!["read", &team, "Person", "--where", filter];
    let cases = [
        (
            vec!["read", &team, "Person", "--columns", "id,age,id"],
            "error: column `id` is asked for twice: name each column once\n".to_owned(),
        ),
        (
            read(" "),
            "error: the condition after --where is empty: give one like \"age > 30\", or leave --where out\n"
                .to_owned(),
        ),
        (read("age >"), cannot_filter("age >") + "  caused by: Expected: an expression, found: EOF\n"),
        (read("agee > 3"), cannot_filter("agee > 3") + "  caused by: there is no column `agee`; did you mean age?\n"),
        (
            read("name = '"),
            cannot_filter("name = '") + "  caused by: Unterminated string literal at Line: 1, Column: 8\n",
        ),
        (
            vec!["sql", &team, "selec"],
            "error: cannot run this query\n  caused by: Expected: an SQL statement, found: selec at Line: 1, Column: 1\n"
                .to_owned(),
        ),
        (
            vec!["sql", &team, "select name, exists(select 1 from Note) from Person"],
            "error: cannot run this query\n  caused by: EXISTS and IN over a query can be used in conditions only, and without ORDER BY, LIMIT and \
             UNION where it names columns of the outer one; elsewhere, count its rows: `(select count(*) …) > 0`\n"
                .to_owned(),
        ),
        (
            vec!["sql", &team, "select * from Persn"],
            format!("error: there is no table `Persn` (line 1, column 15); {tables}; did you mean Person?\n"),
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(run(&arguments)?, (Some(2), String::new(), expected), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn a_log_without_commits_says_why() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let (code, out, errors) = run(&["log", &team, "--actor", "nobody"])?;
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert_eq!(errors, "note: no commit matches --actor nobody: leave it out to see all\n");
    let (code, _, errors) = run(&["log", &team, "--graph", "--table", "Person", "--actor", "nobody"])?;
    let several = "note: no commit matches --actor nobody --table Person: leave one of them out to see more\n";
    assert_eq!((code, errors.as_str()), (Some(0), several));
    assert_eq!(run(&["log", &team, "--actor", "nobody", "--json"])?, (Some(0), String::new(), String::new()));
    Ok(())
}

#[test]
fn what_was_meant_is_offered() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let no_table = |name: &str, at: &str, meant: &str| {
        let known = "edge:Knows, edge:WorksOn, node:Note, node:Person, node:Project";
        format!("error: no table `{name}` at {at}; there are: {known}\n{meant}")
    };
    let person = "  next: did you mean Person?\n";
    let cases = [
        (vec!["logs", &team], 2, "error: no command `logs`; did you mean `log`?\n".to_owned()),
        (
            vec!["frobnicate", &team],
            2,
            "error: no command `frobnicate`, and no such folder\n  next: `stratigraph --help` lists the commands\n"
                .to_owned(),
        ),
        (vec!["read", &team, "person"], 3, no_table("person", "main@v9", person)),
        (vec!["diff", &team, "main", "budget", "--table", "Persn"], 3, no_table("Persn", "budget@v6", person)),
        (vec!["log", &team, "--table", "PERSON"], 3, no_table("PERSON", "any commit", person)),
        (vec!["read", &team, "Company"], 3, no_table("Company", "main@v9", "")),
    ];
    for (arguments, code, expected) in cases {
        assert_eq!(run(&arguments)?, (Some(code), String::new(), expected), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn two_formats_at_once_are_refused() -> Result<()> {
    let team = Fixture::Team.path()?.to_string_lossy().into_owned();
    let refused = |format| {
        format!("error: --json prints JSON lines and cannot go with --format {format}: leave one of them out\n")
    };
    for command in [vec!["read", &team, "Person"], vec!["sql", &team, "select id from \"Person\""]] {
        let with = |options: &[&'static str]| run(&[command.as_slice(), options].concat());
        assert_eq!(with(&["--json", "--format", "csv"])?, (Some(2), String::new(), refused("csv")));
        assert_eq!(with(&["--json", "--format", "table"])?, (Some(2), String::new(), refused("table")));
        assert_eq!(with(&["--json", "--format", "jsonl"])?, with(&["--json"])?);
    }
    Ok(())
}
