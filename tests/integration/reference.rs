//! What the engine reads of the reference's graphs equals what the reference says about them.

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::{
    At, BranchName, Commit, CommitGraph, Graph, ManifestVersion, OpenMode, Progress, TableVersion,
};
use stratigraph_tests::fixtures::Fixture;

/// Name, parent, version it was made at, tables it owns.
type BranchFacts = (String, Option<String>, Option<u64>, Vec<String>);

async fn open(fixture: Fixture) -> Result<Graph> {
    Ok(Graph::open(&fixture.path()?.to_string_lossy(), OpenMode::ReadOnly).await?)
}

fn names(list: &Value) -> Vec<String> {
    list["branches"].as_array().expect("a list").iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

fn as_reference(commit: &Commit) -> Value {
    json!({
        "graph_commit_id": commit.id.to_string(),
        "manifest_branch": commit.branch.stored(),
        "manifest_version": commit.manifest_version.get(),
        "parent_commit_id": commit.parent.map(|id| id.to_string()),
        "merged_parent_commit_id": commit.merged_parent.map(|id| id.to_string()),
        "actor_id": commit.actor.as_deref(),
        "created_at": commit.created_at_micros,
    })
}

/// The commits a branch's lineage holds: its own and those it inherited, in the reference's order.
fn of_branch(history: &CommitGraph, branch: &BranchName) -> Vec<Value> {
    let head = history.heads()[branch];
    let mut commits: Vec<&Commit> = history.first_parents(head).collect();
    commits.sort_by_key(|commit| (commit.manifest_version, commit.created_at_micros, commit.id));
    commits.into_iter().map(as_reference).collect()
}

#[tokio::test]
async fn branches_and_commits_equal_the_reference() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    let mut branches: Vec<String> = graph.branches().await?.into_iter().map(|branch| branch.name.to_string()).collect();
    branches.sort();
    assert_eq!(branches, names(&Fixture::Team.expected_json("branches")?));
    let history = graph.history(&Progress::none()).await?;
    for branch in &branches {
        let expected = Fixture::Team.expected_json(&format!("commits-{branch}"))?;
        assert_eq!(Value::from(of_branch(&history, &branch.parse()?)), expected["commits"], "{branch}");
    }
    assert_eq!(history.commits().len(), 11);
    assert_eq!(history.problems(), []);
    Ok(())
}

#[tokio::test]
async fn snapshots_equal_the_reference_at_every_branch() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    for branch in names(&Fixture::Team.expected_json("branches")?) {
        let snapshot = graph.snapshot(&At::Branch(branch.parse()?)).await?;
        let tables: Vec<Value> = snapshot
            .entries
            .values()
            .map(|entry| {
                json!({
                    "table_key": entry.key.to_string(),
                    "table_path": &*entry.path,
                    "table_version": entry.version.get(),
                    "table_branch": entry.stored_lineage(),
                    "row_count": entry.rows,
                })
            })
            .collect();
        let found = json!({"branch": branch, "manifest_version": snapshot.version.get(), "tables": tables});
        assert_eq!(found, Fixture::Team.expected_json(&format!("snapshot-{branch}"))?);
    }
    Ok(())
}

#[tokio::test]
async fn branches_know_their_parent_and_what_they_own() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    let branches = graph.branches().await?;
    let facts: Vec<BranchFacts> = branches
        .iter()
        .filter(|branch| !branch.name.is_main())
        .map(|branch| {
            let owned = branch.owned_tables.iter().map(ToString::to_string).collect();
            let parent = branch.parent.as_ref().map(ToString::to_string);
            (branch.name.to_string(), parent, branch.forked_at.map(ManifestVersion::get), owned)
        })
        .collect();
    let fact = |name: &str, forked_at, owned: &[&str]| {
        (name.to_owned(), Some("main".to_owned()), Some(forked_at), owned.iter().map(|&key| key.to_owned()).collect())
    };
    let expected = [
        fact("budget", 4, &["node:Person", "node:Project"]),
        fact("experiment/vectors", 6, &["node:Note"]),
        fact("feature/hiring", 4, &["edge:WorksOn", "node:Person"]),
    ];
    assert_eq!(facts, expected);
    Ok(())
}

#[tokio::test]
async fn a_head_past_its_pin_is_seen_as_drift() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    let drifted: Vec<(String, u64)> = graph
        .table_status(&snapshot)
        .await
        .iter()
        .filter_map(|status| {
            status.drift().filter(|&drift| drift > 0).map(|drift| (status.entry.key.to_string(), drift))
        })
        .collect();
    assert_eq!(drifted, [("edge:Knows".to_owned(), 1)]);
    Ok(())
}

#[tokio::test]
async fn the_log_of_a_branch_names_the_tables_that_two_manifests_differ_in() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    let history = graph.history(&Progress::none()).await?;
    for commit in history.commits().iter().filter(|commit| commit.parent.is_some()) {
        let changes = graph.commit_changes(commit, 0).await?;
        let exact: Vec<_> = changes.into_iter().map(|change| change.key).collect();
        assert_eq!(history.changed_tables(commit), Some(exact.as_slice()), "{}", commit.id);
    }
    Ok(())
}

#[tokio::test]
async fn an_interrupted_load_is_listed_and_observed() -> Result<()> {
    let graph = open(Fixture::LoadCrash).await?;
    let sidecars = graph.sidecars().await?;
    assert_eq!(sidecars.len(), 1);
    let stratigraph_engine::recovery::SidecarState::Readable(sidecar) = &sidecars[0].state else {
        panic!("{:?}", sidecars[0].state)
    };
    let text: Value = serde_json::from_str(&sidecars[0].text)?;
    assert_eq!(text, Fixture::LoadCrash.expected_json("01M7Y249A1EHFH4MJGAECB534F")?);
    let observation = graph.observe(sidecar).await?;
    assert!(observation.branch_exists);
    // Person 5 → 6 and Knows 1 → 2 were planned; the reference rolled both forward, so both heads are where they were planned.
    let expected = [("node:Person", 5, 6, Some(5), 6), ("edge:Knows", 1, 2, Some(1), 2)];
    for (pin, expected) in observation.tables.iter().zip(expected) {
        let head = pin.head.as_ref().expect("the table is there").get();
        let pinned = pin.pinned.map(TableVersion::get);
        assert_eq!((pin.table_key.as_str(), pin.expected.get(), pin.planned.get(), pinned, head), expected);
    }
    assert_eq!(graph.audit().await?, []);
    Ok(())
}

#[tokio::test]
async fn every_form_of_a_position_finds_its_version() -> Result<()> {
    let graph = open(Fixture::Team).await?;
    let cases = [
        ("main", "main", 9, Some("01M7Y2AM4A3R9G8AARTRFP1ZND")),
        ("feature/hiring", "feature/hiring", 5, Some("01M7Y2AKJ5MM1PVSC9T809NZ43")),
        ("01M7Y2AKMMJJWTHK3WRA2T3BM2", "budget", 5, Some("01M7Y2AKMMJJWTHK3WRA2T3BM2")),
        ("80wzdae", "main", 6, None),
        ("48ZDAE", "main", 6, Some("01M7Y2AKRVGYG487HA8048ZDAE")),
        ("v4", "main", 4, Some("01M7Y2AKCYY3TSSZQ5XMPW4170")),
        ("budget@v5", "budget", 5, Some("01M7Y2AKMMJJWTHK3WRA2T3BM2")),
        // Before its fork a branch shows what it inherited.
        ("budget@v3", "main", 3, Some("01M7Y2AKA125T5VJJZZ1M5RCKN")),
        // Between the commits of versions 8 and 9.
        ("2026-11-21T03:27:46.300Z", "main", 8, Some("01M7Y2AM237AFN5JAYP9F7AWY5")),
    ];
    for (text, branch, version, commit) in cases {
        let position = graph.resolve(&text.parse()?).await;
        if commit.is_none() {
            assert!(position.is_err(), "{text}");
            continue;
        }
        let position = position?;
        let commit = commit.map(str::parse).transpose()?;
        assert_eq!(
            (position.branch.as_str(), position.version.get(), position.commit),
            (branch, version, commit),
            "{text}"
        );
    }
    Ok(())
}
