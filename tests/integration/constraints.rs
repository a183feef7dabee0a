//! Rules that a change keeps or breaks together with what is stored, for loads; mutations have theirs beside them.

use anyhow::Result;
use stratigraph_engine::Progress;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_tests::graph::{TestGraph, branch};

const SCHEMA: &str = "node Person { name: String @key }\nnode Note { title: String? @unique }\n\
    edge Owns: Person -> Note @card(1..2)\n";

fn note(id: &str, title: &str) -> String {
    format!("{{\"type\":\"Note\",\"data\":{{\"id\":\"{id}\",\"title\":\"{title}\"}}}}\n")
}

fn owns(id: &str, from: &str, to: &str) -> String {
    format!("{{\"edge\":\"Owns\",\"from\":\"{from}\",\"to\":\"{to}\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

#[tokio::test]
async fn a_record_that_a_later_one_replaces_takes_no_value() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let records = note("a", "x") + &note("a", "y") + &note("b", "x");
    made.load(LoadMode::Merge, "main", &records).await?;
    // The same with stored rows: their values are free once they are replaced in the same load.
    made.load(LoadMode::Merge, "main", &(note("a", "x") + &note("b", "y"))).await?;
    let error = made.load(LoadMode::Merge, "main", &note("c", "x")).await.unwrap_err();
    assert!(error.to_string().contains("as in the stored row `a`"), "{error}");
    let error =
        made.load(LoadMode::Merge, "main", &(note("a", "z") + &note("a", "q") + &note("b", "q"))).await.unwrap_err();
    assert!(error.to_string().contains("record 3: Note `b`: @unique(title) is broken"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_node_that_loses_an_edge_keeps_the_least_number() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let people: String = ["Ada", "Grace", "Linus"]
        .map(|name| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n"))
        .concat();
    let base =
        people + &note("n", "x") + &owns("o1", "Ada", "n") + &owns("o2", "Grace", "n") + &owns("o3", "Grace", "n");
    made.load(LoadMode::Append, "main", &base).await?;
    let refused = |records: String| {
        let made = &made;
        async move { made.load(LoadMode::Merge, "main", &records).await.unwrap_err().to_string() }
    };
    assert!(refused(owns("o1", "Linus", "n")).await.contains("`Ada` has 0 edges (min 1)"));
    assert!(refused(owns("o1", "Grace", "n")).await.contains("`Ada` has 0 edges (min 1)"));
    assert!(refused(owns("o4", "Grace", "n")).await.contains("`Grace` has 3 edges (max 2)"));
    made.load(LoadMode::Merge, "main", &owns("o2", "Linus", "n")).await?;
    // Told as many edges as there are, whatever else moves.
    assert!(refused(owns("o3", "Ada", "n") + &owns("o5", "Ada", "n")).await.contains("`Ada` has 3 edges (max 2)"));
    Ok(())
}

#[tokio::test]
async fn an_overwrite_keeps_the_least_number_too() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let person = |name: &str| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n");
    let nodes = person("Ada") + &person("Grace") + &note("n", "x");
    made.load(LoadMode::Append, "main", &(nodes.clone() + &owns("o1", "Ada", "n") + &owns("o2", "Grace", "n"))).await?;
    let overwrite = |records: String| {
        let made = &made;
        async move { made.load(LoadMode::Overwrite, "main", &records).await }
    };
    let refused = overwrite(owns("o1", "Ada", "n")).await.unwrap_err().to_string();
    assert!(refused.contains("Owns: @card violation: `Grace` has 0 edges (min 1)"), "{refused}");
    // The node is replaced by itself, and its edge is not there any more.
    let refused = overwrite(nodes.clone() + &owns("o1", "Ada", "n")).await.unwrap_err().to_string();
    assert!(refused.contains("`Grace` has 0 edges (min 1)"), "{refused}");
    // Who goes needs no edges, and who never had one neither.
    overwrite(person("Ada") + &person("Eve") + &owns("o1", "Ada", "n")).await?;
    overwrite(owns("o9", "Ada", "n") + &owns("o8", "Eve", "n")).await?;
    Ok(())
}

#[tokio::test]
async fn of_very_many_broken_rules_some_are_told_and_all_counted() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let notes = |from: usize| {
        (from..from + 2000).map(|n| note(&format!("n{n}"), &format!("t{}", n % 2000))).collect::<String>()
    };
    made.load(LoadMode::Append, "main", &notes(0)).await?;
    let error = made.load(LoadMode::Append, "main", &notes(2000)).await.unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1 + 100 + 1, "{error}");
    assert!(error.ends_with("and 1900 more problems"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_a_whole_number_is_told_by_its_text() -> Result<()> {
    let made = TestGraph::new("node Part { number: I64 @key  name: String? }\n").await?;
    let part = |number: &str| format!("{{\"type\":\"Part\",\"data\":{{\"number\":{number}}}}}\n");
    made.load(LoadMode::Append, "main", &(part("-7") + &part("12"))).await?;
    let mutate = async |text: &str| {
        let (text, name) = (text.to_owned(), None);
        let request =
            MutateRequest { branch: branch("main"), actor: None, text, name, params: serde_json::Map::default() };
        made.graph.mutate(request, &Progress::none()).await
    };
    mutate("query add() { insert Part { number: 5 } }").await?;
    mutate("query twice() { insert Part { number: 12, name: \"bolt\" } }").await?;
    assert_eq!(made.files().await?.ids("main", "node:Part").await?, ["-7", "12", "5"]);
    for refused in ["007", "1.0", "1e1", "\"x\"", "null", "[1]"] {
        let error = made.load(LoadMode::Append, "main", &part(refused)).await.err();
        assert!(error.is_some(), "{refused}");
    }
    mutate("query drop() { delete Part where number = 5 }").await?;
    assert_eq!(made.files().await?.ids("main", "node:Part").await?, ["-7", "12"]);
    made.load(LoadMode::Append, "main", &part("-0")).await?;
    mutate("query again() { insert Part { number: -0, name: \"nut\" } }").await?;
    mutate("query name() { update Part set { name: \"screw\" } where number = -0 }").await?;
    assert_eq!(made.files().await?.ids("main", "node:Part").await?, ["-7", "0", "12"]);
    Ok(())
}
