//! Mutations that are refused: what is said, and that nothing is changed.

use anyhow::Result;
use serde_json::{Map, json};
use stratigraph_engine::mutate::{MutateError, MutateRequest};
use stratigraph_engine::{BranchName, Error, Progress};

use super::{column, mutate, people, refused, settled};

#[tokio::test]
async fn rows_that_break_rules_are_refused_and_the_next_mutation_goes_on() -> Result<()> {
    let made = people().await?;
    mutate(
        &made.graph,
        "insert Team { name: \"Core\" }\ninsert Team { name: \"Docs\" }\ninsert Team { name: \"Web\" }",
    )
    .await?;
    mutate(&made.graph, "insert MemberOf { from: \"Ada\" to: \"Core\" }").await?;
    let knows = |from: &str, to: &str| format!("insert Knows {{ from: \"{from}\" to: \"{to}\" }}\n");
    let member = |from: &str, to: &str| format!("insert MemberOf {{ from: \"{from}\" to: \"{to}\" }}\n");
    for (body, message) in [
        (
            "insert Person { name: \"Ok\" }\ninsert Person { name: \"X\" age: 151 }".to_owned(),
            "nothing was changed:\nstatement 2 (line 3: insert Person): Person `X`: age: 151 is more than 150",
        ),
        (
            "update Person set { age: -1 } where age > 30".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: update Person): Person `Ada`: age: -1 is less than 0\n\
             statement 1 (line 2: update Person): Person `Grace`: age: -1 is less than 0",
        ),
        (
            "insert Person { name: \"?\" }".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: insert Person): Person `?`: name: `?` does not match ^[A-Za-z0-9 ']+$",
        ),
        (
            knows("Ada", "Nobody"),
            "nothing was changed:\nstatement 1 (line 2: insert Knows): Knows: dst `Nobody` not found in Person",
        ),
        (
            knows("Nobody", "Ada"),
            "nothing was changed:\nstatement 1 (line 2: insert Knows): Knows: src `Nobody` not found in Person",
        ),
        (
            knows("Ada", "Linus") + &knows("Ada", "Ada"),
            "nothing was changed:\nstatement 1 (line 2: insert Knows): Knows: @card violation: `Ada` has 3 edges (max 2)",
        ),
        (
            member("Ada", "Docs") + &member("Ada", "Web"),
            "nothing was changed:\nstatement 1 (line 2: insert MemberOf): MemberOf: @card violation: `Ada` has 3 edges (max 2)",
        ),
        (
            "delete MemberOf where from = \"Ada\"".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: delete MemberOf): MemberOf: @card violation: `Ada` has 0 edges (min 1)",
        ),
        (
            "delete Team where name = \"Core\"".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: delete Team): MemberOf: @card violation: `Ada` has 0 edges (min 1)",
        ),
        (
            "update Person set { mail: \"same\" } where name != \"Ada\"".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: update Person): Person `Linus`: @unique(mail) is broken: there is another [\"same\"]",
        ),
        (
            "update Person set { mail: \"ada@x\" } where name = \"Grace\"".to_owned(),
            "nothing was changed:\nstatement 1 (line 2: update Person): Person: @unique(mail) is broken: there is another [\"ada@x\"], \
             as in the stored row `Ada`",
        ),
    ] {
        assert_eq!(refused(&made, &body).await?, message, "{body}");
    }
    // The node that an edge has to lead from goes itself: nobody is left with too few.
    assert_eq!(mutate(&made.graph, "delete Person where name = \"Ada\"").await?, (1, 4));
    // Values may be exchanged: what counts is what is there in the end.
    mutate(&made.graph, "update Person set { mail: \"g\" } where name = \"Grace\"\nupdate Person set { mail: \"l\" } where name = \"Linus\"").await?;
    let body = "update Person set { mail: \"l\" } where name = \"Grace\"\nupdate Person set { mail: \"g\" } where name = \"Linus\"";
    assert_eq!(mutate(&made.graph, body).await?, (2, 0));
    settled(&made).await
}

#[tokio::test]
async fn mistakes_of_the_text_are_shown_with_their_line() -> Result<()> {
    let made = people().await?;
    let text = "query rename($name: String, $new: String) {\n  update Person set { naem: $new } where name = $name\n}";
    let request = |text: &str, name: Option<&str>| MutateRequest {
        branch: BranchName::main(),
        actor: None,
        text: text.to_owned(),
        name: name.map(str::to_owned),
        params: Map::new(),
    };
    let refused = |request: MutateRequest| async {
        match Box::pin(made.graph.mutate(request, &Progress::none())).await {
            Err(Error::Mutate(error)) => Ok(error),
            other => Err(anyhow::anyhow!("{other:?}")),
        }
    };
    let MutateError::Text(error) = refused(request(text, None)).await? else { panic!("the text is wrong") };
    assert_eq!((error.line(), error.column()), (2, 23));
    assert_eq!(
        error.render(text),
        "line 2, column 23: Person has no property naem; did you mean name?\n\
         2 |   update Person set { naem: $new } where name = $name\n  |                       ^"
    );
    let two = "query a() { delete Note where stars = 1 }\nquery b() { delete Note where stars = 2 }";
    assert_eq!(refused(request(two, None)).await?.to_string(), "the text has several queries, name one of them: a, b");
    assert_eq!(refused(request(two, Some("c"))).await?.to_string(), "there is no query c; the text has a, b");
    assert_eq!(
        refused(request("query a() { delete Note where stars = 1 }\nquery a() { match { } }", None)).await?.to_string(),
        "line 2, column 7: query a is there twice"
    );
    assert_eq!(
        refused(request("// nothing", None)).await?.to_string(),
        "line 1, column 11: `query name() {` is expected here, not the end of the text"
    );
    let named = Box::pin(made.graph.mutate(request(two, Some("b")), &Progress::none())).await?;
    assert_eq!(named.affected_nodes, 1);
    assert_eq!(column(&made.graph, "Note", "id").await?, [json!("n1"), json!("n3")]);
    Ok(())
}
