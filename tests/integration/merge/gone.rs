//! Merges whose last common commit went with its branch: they come out as if the branch were still there.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratigraph_engine::merge::{Choice, Decision, MergeError, MergeOutcome, Rule, Side};
use stratigraph_engine::{BranchName, Error, ErrorKind};
use stratigraph_tests::folder::{clean_up_commits, digest};
use stratigraph_tests::graph::{TestGraph, branch};

use super::{carry_out, column, decided, found, merge, mutate, person, plan, put};

const SCHEMA: &str =
    "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n}\nedge Knows: Person -> Person\n";

/// A graph, and whether branches are deleted where a scenario says so.
struct Stage {
    made: TestGraph,
    deletes: bool,
}

impl Stage {
    async fn new(deletes: bool) -> Result<Self> {
        Ok(Self { made: TestGraph::new(SCHEMA).await?, deletes })
    }

    async fn put(&self, on: &str, people: &[(&str, i64)]) -> Result<()> {
        put(&self.made, on, &people.iter().map(|(name, age)| person(name, *age)).collect::<String>()).await
    }

    async fn drop(&self, on: &str, name: &str) -> Result<()> {
        mutate(&self.made.graph, on, &format!("delete Person where name = \"{name}\"")).await
    }

    async fn branch(&self, name: &str, from: &str) -> Result<()> {
        Ok(self.made.branch(name, from).await?)
    }

    async fn merge(&self, source: &str, target: &str) -> Result<()> {
        merge(&self.made.graph, source, target).await.with_context(|| format!("{source} into {target}"))?;
        Ok(())
    }

    /// Merges with one choice for all conflicts.
    async fn merge_taking(&self, source: &str, target: &str, side: Side) -> Result<()> {
        let planned = plan(&self.made.graph, source, target).await?;
        ensure!(!planned.conflicts().is_empty(), "nothing to decide");
        let all = Decision::by_rule(Rule::default(), Choice::Take(side));
        carry_out(&self.made.graph, &planned, &decided(&planned, vec![all])).await?;
        Ok(())
    }

    async fn gone(&self, name: &str) -> Result<()> {
        if self.deletes {
            self.made.graph.delete_branch(&branch(name)).await?;
        }
        Ok(())
    }

    async fn people(&self, of: &str) -> Result<Vec<(String, Value)>> {
        column(&self.made.files().await?, of, "node:Person", "age").await
    }

    /// What merging shows: conflicts with their three rows, and how many rows come, change and go; then what the target has.
    async fn outcome(&self, source: &str, target: &str) -> Result<(Vec<String>, Vec<String>, Vec<(String, Value)>)> {
        let graph = &self.made.graph;
        let planned = plan(graph, source, target).await?;
        ensure!(planned.outcome() == MergeOutcome::Merged, "{}", planned.outcome());
        let rows = graph.rows_of_conflicts(&planned, planned.conflicts()).await?;
        let json =
            |row: &Option<stratigraph_engine::Row>| row.as_ref().map_or(Value::Null, stratigraph_engine::Row::to_json);
        let shown = planned.conflicts().iter().zip(rows).map(|(conflict, rows)| {
            let rows: Vec<[Value; 3]> =
                rows.iter().map(|row| [json(&row.base), json(&row.source), json(&row.target)]).collect();
            format!("{:?} {:?} {rows:?}", found(std::slice::from_ref(conflict)), conflict.detail)
        });
        let shown: Vec<String> = shown.collect();
        let counts =
            planned.tables().iter().map(|it| format!("{} {} {} {}", it.key, it.appends, it.upserts, it.deletes));
        let counts = counts.collect();
        let cells = Decision::by_rule(Rule::default(), Choice::Take(Side::Base));
        let source_wins = Decision::by_rule(Rule::default(), Choice::Take(Side::Source));
        let all = if planned.conflicts().is_empty() { Vec::new() } else { vec![source_wins, cells] };
        let decisions = decided(&planned, all);
        let check = graph.merge_check(&planned, &decisions, &stratigraph_engine::Progress::none()).await?;
        ensure!(check.open.is_empty(), "{:?}", check.open);
        carry_out(graph, &planned, &decisions).await?;
        Ok((shown, counts, self.people(target).await?))
    }
}

/// Runs a scenario with and without its deletions, and holds what merging shows and does against each other, in both directions.
macro_rules! as_if_it_existed {
    ($name:ident, $source:literal, $target:literal, |$stage:ident| $steps:block) => {
        #[tokio::test]
        async fn $name() -> Result<()> {
            for (source, target) in [($source, $target), ($target, $source)] {
                let mut outcomes = Vec::new();
                for deletes in [false, true] {
                    let stage = Stage::new(deletes).await?;
                    {
                        let $stage = &stage;
                        $steps
                    }
                    outcomes.push(stage.outcome(source, target).await.with_context(|| format!("deletes: {deletes}"))?);
                }
                assert_eq!(outcomes[1], outcomes[0], "{source} into {target}");
            }
            Ok(())
        }
    };
}

as_if_it_existed!(a_fix_that_was_merged_to_two_branches, "dev", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1), ("Cyd", 1)]).await?;
    s.branch("dev", "main").await?;
    s.branch("fix", "main").await?;
    s.put("fix", &[("Ada", 2), ("New", 2)]).await?;
    s.merge("fix", "main").await?;
    s.merge("fix", "dev").await?;
    s.gone("fix").await?;
    // Each side goes on: a row of the fix is deleted on one, changed on the other.
    s.drop("dev", "New").await?;
    s.put("dev", &[("Bea", 5)]).await?;
    s.put("main", &[("Ada", 9), ("Cyd", 9)]).await?;
});

as_if_it_existed!(both_sides_had_changes_of_their_own_before, "dev", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1), ("Cyd", 1), ("Dan", 1), ("Eve", 1), ("Fay", 1)]).await?;
    s.branch("dev", "main").await?;
    s.branch("fix", "main").await?;
    // Of main and of dev alone, before the fix comes; one row of both, one of main and of the fix alike.
    s.put("main", &[("Bea", 10), ("Main", 10), ("Eve", 7)]).await?;
    s.put("dev", &[("Cyd", 20), ("Dev", 20)]).await?;
    s.drop("main", "Dan").await?;
    s.put("fix", &[("Ada", 2), ("New", 2), ("Eve", 7)]).await?;
    s.drop("fix", "Fay").await?;
    s.merge("fix", "main").await?;
    s.merge("fix", "dev").await?;
    s.gone("fix").await?;
    s.put("dev", &[("Ada", 3), ("Bea", 30), ("Eve", 1)]).await?;
    s.put("main", &[("Cyd", 40), ("New", 4)]).await?;
});

as_if_it_existed!(over_several_levels, "qa", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1), ("Cyd", 1)]).await?;
    for name in ["qa", "dev", "fix"] {
        s.branch(name, "main").await?;
    }
    s.put("main", &[("Bea", 10)]).await?;
    s.put("dev", &[("Cyd", 20)]).await?;
    s.put("qa", &[("Qua", 1)]).await?;
    s.put("fix", &[("Ada", 2), ("New", 2)]).await?;
    s.merge("fix", "main").await?;
    s.merge("fix", "dev").await?;
    s.gone("fix").await?;
    s.put("dev", &[("Dev", 20)]).await?;
    s.merge("dev", "qa").await?;
    s.gone("dev").await?;
    s.put("qa", &[("Ada", 7), ("Bea", 8)]).await?;
    s.put("main", &[("Cyd", 9)]).await?;
    s.drop("main", "New").await?;
});

as_if_it_existed!(a_base_whose_own_base_is_gone, "dev", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1), ("Cyd", 1)]).await?;
    s.branch("dev", "main").await?;
    s.branch("one", "main").await?;
    s.put("one", &[("Ada", 2), ("One", 2)]).await?;
    s.put("main", &[("Bea", 10)]).await?;
    s.merge("one", "main").await?;
    // The second comes from the first, so that its merges compare with a commit of the first.
    s.branch("two", "main").await?;
    s.merge("one", "dev").await?;
    s.put("one", &[("One", 3)]).await?;
    s.merge("one", "two").await?;
    s.put("two", &[("Two", 4)]).await?;
    s.put("main", &[("Cyd", 11)]).await?;
    s.merge("two", "main").await?;
    s.put("dev", &[("Dev", 20), ("Cyd", 21)]).await?;
    s.merge_taking("two", "dev", Side::Target).await.or_else(|_| anyhow::Ok(()))?;
    s.gone("two").await?;
    s.gone("one").await?;
    s.put("dev", &[("One", 5)]).await?;
    s.drop("main", "Two").await.or_else(|_| anyhow::Ok(()))?;
});

as_if_it_existed!(it_went_on_after_it_was_merged_to_one, "dev", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1)]).await?;
    s.branch("dev", "main").await?;
    s.branch("fix", "main").await?;
    s.put("main", &[("Bea", 9)]).await?;
    s.put("fix", &[("Ada", 2)]).await?;
    s.merge("fix", "main").await?;
    s.put("fix", &[("Ada", 3), ("New", 3)]).await?;
    s.merge("fix", "dev").await?;
    s.gone("fix").await?;
    s.put("dev", &[("Bea", 8)]).await?;
    s.put("main", &[("Ada", 4)]).await?;
});

as_if_it_existed!(several_tables_of_which_one_is_taken_over_whole, "dev", "main", |s| {
    s.put("main", &[("Ada", 1), ("Bea", 1)]).await?;
    put(&s.made, "main", "{\"edge\":\"Knows\",\"from\":\"Ada\",\"to\":\"Bea\",\"data\":{\"id\":\"e1\"}}\n").await?;
    s.branch("dev", "main").await?;
    s.branch("fix", "main").await?;
    put(&s.made, "main", "{\"edge\":\"Knows\",\"from\":\"Bea\",\"to\":\"Ada\",\"data\":{\"id\":\"e2\"}}\n").await?;
    s.put("fix", &[("Ada", 2)]).await?;
    put(&s.made, "fix", "{\"edge\":\"Knows\",\"from\":\"Bea\",\"to\":\"Bea\",\"data\":{\"id\":\"e3\"}}\n").await?;
    s.merge("fix", "main").await?;
    s.merge("fix", "dev").await?;
    s.gone("fix").await?;
    mutate(&s.made.graph, "dev", "delete Knows where from = \"Bea\"").await?;
    s.put("main", &[("Ada", 5)]).await?;
});

/// A row that a decision settled says nothing of the merged head's; another merge of it does.
#[tokio::test]
async fn rows_that_decisions_settled_are_told_by_another_merge_or_asked_about() -> Result<()> {
    let stage = Stage::new(true).await?;
    stage.put("main", &[("Ada", 1), ("Bea", 1)]).await?;
    stage.branch("dev", "main").await?;
    stage.branch("fix", "main").await?;
    stage.put("fix", &[("Ada", 2), ("Bea", 2)]).await?;
    stage.put("main", &[("Ada", 10)]).await?;
    stage.merge_taking("fix", "main", Side::Target).await?;
    stage.merge("fix", "dev").await?;
    stage.gone("fix").await?;
    // Only main differs from what the fix had.
    let planned = plan(&stage.made.graph, "dev", "main").await?;
    assert_eq!(found(planned.conflicts()), []);
    merge(&stage.made.graph, "dev", "main").await?;
    assert_eq!(stage.people("main").await?, [("Ada".to_owned(), 10.into()), ("Bea".to_owned(), 2.into())]);

    let stage = Stage::new(true).await?;
    stage.put("main", &[("Ada", 1), ("Bea", 1)]).await?;
    stage.branch("dev", "main").await?;
    stage.branch("fix", "main").await?;
    stage.put("fix", &[("Ada", 2), ("Bea", 2)]).await?;
    for name in ["main", "dev"] {
        stage.put(name, &[("Ada", if name == "main" { 10 } else { 11 })]).await?;
        stage.merge_taking("fix", name, Side::Target).await?;
    }
    stage.gone("fix").await?;
    let planned = plan(&stage.made.graph, "dev", "main").await?;
    assert_eq!(planned.conflicts().len(), 1, "nobody can tell what Ada was");
    assert!(
        !stage
            .made
            .graph
            .merge_check(
                &planned,
                &decided(&planned, vec![Decision::by_rule(Rule::default(), Choice::MergeCells)]),
                &stratigraph_engine::Progress::none()
            )
            .await?
            .open
            .is_empty()
    );
    let base = decided(&planned, vec![Decision::by_hand(&planned.conflicts()[0], Some(Choice::Take(Side::Base)))]);
    let error = carry_out(&stage.made.graph, &planned, &base).await.unwrap_err();
    assert!(matches!(error, Error::Merge(MergeError::UntoldRow { .. })), "{error}");
    assert_eq!(stage.people("main").await?[0], ("Ada".to_owned(), 10.into()), "nothing was written");
    Ok(())
}

/// Conflicts with rules are about rows that need not clash: their last common rows are told as well.
#[tokio::test]
async fn a_broken_rule_takes_the_base_as_if_the_branch_were_there() -> Result<()> {
    let mut outcomes = Vec::new();
    for deletes in [false, true] {
        let made = TestGraph::new("node Person { name: String @key  mail: String? @unique }\n").await?;
        let mail = async |on: &str, people: &[(&str, &str)]| {
            let record = |(name, mail): &(&str, &str)| {
                format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\",\"mail\":\"{mail}\"}}}}\n")
            };
            put(&made, on, &people.iter().map(record).collect::<String>()).await
        };
        mail("main", &[("Ada", "a"), ("Bea", "b"), ("Cyd", "c"), ("Dan", "d")]).await?;
        made.branch("dev", "main").await?;
        made.branch("fix", "main").await?;
        mail("main", &[("Cyd", "cc")]).await?;
        mail("dev", &[("Dan", "dd")]).await?;
        mail("fix", &[("Eve", "e"), ("Bea", "bb")]).await?;
        for target in ["main", "dev"] {
            merge(&made.graph, "fix", target).await?;
        }
        if deletes {
            made.graph.delete_branch(&branch("fix")).await?;
        }
        mail("main", &[("Ada", "x")]).await?;
        mail("dev", &[("Bea", "x"), ("New", "new")]).await?;
        let planned = plan(&made.graph, "dev", "main").await?;
        let shown = found(planned.conflicts());
        ensure!(!shown.is_empty(), "two rows have one mail");
        let base = planned.conflicts().iter().map(|it| Decision::by_hand(it, Some(Choice::Take(Side::Base))));
        carry_out(&made.graph, &planned, &decided(&planned, base.collect())).await?;
        outcomes.push((shown, column(&made.files().await?, "main", "node:Person", "mail").await?));
    }
    assert_eq!(outcomes[1], outcomes[0]);
    let rows = &outcomes[1].1;
    assert!(rows.iter().any(|(id, mail)| (id.as_str(), mail.as_str()) == ("Bea", Some("bb"))), "{rows:?}");
    Ok(())
}

/// A merge that changes nothing is noted with its commit, since no version of the branch shows it.
#[tokio::test]
async fn a_merge_that_changes_nothing_tells_what_it_brings() -> Result<()> {
    for deletes in [false, true] {
        let stage = Stage::new(deletes).await?;
        stage.put("main", &[("Ada", 1)]).await?;
        stage.branch("dev", "main").await?;
        stage.branch("fix", "main").await?;
        stage.put("fix", &[("New", 2)]).await?;
        stage.merge("fix", "dev").await?;
        stage.put("fix", &[("Other", 3)]).await?;
        // Main made the same changes by itself.
        stage.put("main", &[("New", 2), ("Other", 3)]).await?;
        stage.merge("fix", "main").await?;
        stage.gone("fix").await?;
        stage.drop("main", "New").await?;
        stage.put("dev", &[("Ada", 5)]).await?;
        let planned = plan(&stage.made.graph, "dev", "main").await?;
        ensure!(planned.unknown_commits().is_empty(), "{:?}", planned.unknown_commits());
        merge(&stage.made.graph, "dev", "main").await?;
        let names: Vec<String> = stage.people("main").await?.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Ada", "Other"], "deletes: {deletes}");
    }
    Ok(())
}

/// Two branches that come from the fix by way of others have no merge that holds it. That is said before it is deleted.
#[tokio::test]
async fn what_nothing_can_stand_for_is_told_before_and_refused_after() -> Result<()> {
    let stage = Stage::new(true).await?;
    stage.put("main", &[("Ada", 1)]).await?;
    stage.branch("dev", "main").await?;
    stage.branch("fix", "main").await?;
    stage.put("fix", &[("Ada", 2)]).await?;
    let base = plan(&stage.made.graph, "fix", "main").await?.heads().source;
    for (by, into) in [("one", "main"), ("two", "dev")] {
        stage.branch(by, "fix").await?;
        stage.put(by, &[(by, 1)]).await?;
        stage.merge(by, into).await?;
        assert_eq!(stage.made.graph.stranded_by(&branch(by)).await?, [], "{by}");
        stage.gone(by).await?;
    }
    let stranded = stage.made.graph.stranded_by(&branch("fix")).await?;
    let [pair] = stranded.as_slice() else { panic!("{stranded:?}") };
    assert_eq!((pair.branches.clone(), pair.base, pair.older), ([branch("dev"), BranchName::main()], base, None));
    let output = crate::command_line::run(&["branch", "delete", &stage.made.uri(), "fix"])?;
    let told = String::from_utf8(output.stderr)?;
    assert!(told.contains("dev and main cannot be merged any more"), "{told}");
    let output = crate::command_line::run(&["branch", "delete", &stage.made.uri(), "fix", "--yes"])?;
    let told = String::from_utf8(output.stderr)?;
    assert!(output.status.success() && told.contains("dev and main cannot be merged any more"), "{told}");
    let before = digest(&stage.made.path())?;
    for (source, target) in [("dev", "main"), ("main", "dev")] {
        let error = plan(&stage.made.graph, source, target).await.unwrap_err();
        assert!(matches!(&error, Error::Merge(MergeError::BaseLost { commit }) if *commit == base), "{error}");
        assert_eq!(error.kind(), ErrorKind::Conflict, "both branches are there");
    }
    assert!(digest(&stage.made.path())? == before, "nothing was written");
    Ok(())
}

/// As after the merge of another program, which notes nothing: here the version that notes it was cleaned up.
#[tokio::test]
async fn a_merge_that_would_start_at_an_older_commit_is_told_before() -> Result<()> {
    let stage = Stage::new(true).await?;
    stage.put("main", &[("Ada", 1)]).await?;
    stage.branch("dev", "main").await?;
    stage.branch("fix", "main").await?;
    let oldest = plan(&stage.made.graph, "fix", "main").await?.heads().base;
    let mut merged = Vec::new();
    for (name, into) in [("Eve", "dev"), ("Fay", "main")] {
        stage.put("fix", &[(name, 1)]).await?;
        stage.drop("fix", name).await?;
        merged.push(plan(&stage.made.graph, "fix", into).await?.heads().source);
        stage.merge("fix", into).await?;
    }
    stage.put("dev", &[("Dan", 1)]).await?;
    stage.put("main", &[("Zoe", 1)]).await?;
    assert_eq!(stage.made.graph.stranded_by(&branch("fix")).await?, [], "both merges are noted");
    clean_up_commits(&stage.made.path())?;
    let stranded = stage.made.graph.stranded_by(&branch("fix")).await?;
    let [pair] = stranded.as_slice() else { panic!("{stranded:?}") };
    assert_eq!(pair.branches, [branch("dev"), BranchName::main()]);
    assert_eq!((pair.base, pair.older), (merged[0], Some(oldest)));
    let output = crate::command_line::run(&["branch", "delete", &stage.made.uri(), "fix", "--yes"])?;
    let told = String::from_utf8(output.stderr)?;
    assert!(
        told.contains(&format!("a merge of dev and main starts at {oldest} instead of {} and may bring", merged[0])),
        "{told}"
    );
    let planned = plan(&stage.made.graph, "dev", "main").await?;
    assert_eq!((planned.heads().base, planned.unknown_commits()), (oldest, &merged[1..]), "so it is");
    Ok(())
}

/// Main has what is on `dev` by way of `fix` alone, and no merge notes it any more.
#[tokio::test]
async fn a_way_between_two_branches_that_goes_is_told_before() -> Result<()> {
    let stage = Stage::new(true).await?;
    stage.put("main", &[("Ada", 1)]).await?;
    stage.branch("dev", "main").await?;
    stage.branch("fix", "main").await?;
    let oldest = plan(&stage.made.graph, "fix", "main").await?.heads().base;
    stage.put("dev", &[("Dan", 1)]).await?;
    stage.merge("dev", "fix").await?;
    stage.drop("fix", "Dan").await?;
    let common = plan(&stage.made.graph, "dev", "main").await?.heads().source;
    stage.merge("fix", "main").await?;
    stage.put("dev", &[("Eve", 1)]).await?;
    stage.put("main", &[("Zoe", 1)]).await?;
    assert_eq!(plan(&stage.made.graph, "dev", "main").await?.heads().base, common);
    assert_eq!(stage.made.graph.stranded_by(&branch("fix")).await?, [], "the merge is noted");
    clean_up_commits(&stage.made.path())?;
    let stranded = stage.made.graph.stranded_by(&branch("fix")).await?;
    let [pair] = stranded.as_slice() else { panic!("{stranded:?}") };
    assert_eq!(pair.branches, [branch("dev"), BranchName::main()]);
    assert_eq!((pair.base, pair.older), (common, Some(oldest)));
    Ok(())
}

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

/// Random rows, merges and ends of branches, each history once with and once without its deletions.
#[tokio::test]
async fn random_histories_merge_as_if_deleted_branches_were_there() -> Result<()> {
    let (mut same, mut refused) = (0, 0);
    for seed in 0..6_u64 {
        let whole = Box::pin(random_history(&Stage::new(false).await?, seed)).await?;
        let parted = Box::pin(random_history(&Stage::new(true).await?, seed)).await?;
        for (at, (whole, parted)) in whole.iter().zip(&parted).enumerate() {
            match (whole, parted) {
                (Met::Planned(whole), Met::Planned(parted)) => {
                    assert_eq!(parted, whole, "seed {seed}, merge {at}");
                    same += 1;
                }
                (_, Met::Refused(reason)) => {
                    ensure!(reason.contains("was deleted"), "seed {seed}, merge {at}: {reason}");
                    refused += 1;
                    break;
                }
                (Met::Refused(_), Met::Planned(_)) => panic!("seed {seed}, merge {at}: {whole:?}"),
            }
        }
    }
    ensure!(same > 40 && refused * 10 < same, "{same} merges were planned, {refused} refused");
    Ok(())
}

/// What planning a merge came to.
#[derive(Debug, PartialEq)]
enum Met {
    /// Outcome, conflicts and numbers of rows.
    Planned(String),
    Refused(String),
}

async fn random_history(stage: &Stage, seed: u64) -> Result<Vec<Met>> {
    const STABLE: [&str; 3] = ["main", "dev", "qa"];
    let mut random = Random(seed.wrapping_mul(2_654_435_761).wrapping_add(1));
    let people: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    let first: Vec<(&str, i64)> = people.iter().map(|name| (name.as_str(), 0)).collect();
    stage.put("main", &first).await?;
    for name in &STABLE[1..] {
        stage.branch(name, "main").await?;
    }
    let (mut met, mut next) = (Vec::new(), 1);
    for round in 0..5 {
        let fix = format!("fix{round}");
        stage.branch(&fix, STABLE[random.below(3)]).await?;
        for step in 0..4 {
            let on = if step % 2 == 0 { fix.as_str() } else { STABLE[random.below(3)] };
            let who = &people[random.below(people.len())];
            if random.below(5) > 0 || stage.drop(on, who).await.is_err() {
                // Sometimes two sides write the same.
                next += i64::from(random.below(4) > 0);
                stage.put(on, &[(who, next)]).await?;
            }
        }
        for target in STABLE {
            if random.below(10) < 7 {
                met.push(meet(stage, &fix, target).await?);
            }
        }
        stage.gone(&fix).await?;
        let (source, target) = (random.below(3), random.below(2) + 1);
        met.push(meet(stage, STABLE[source], STABLE[(source + target) % 3]).await?);
    }
    for (source, target) in [("dev", "main"), ("main", "dev"), ("qa", "dev"), ("qa", "main"), ("main", "qa")] {
        met.push(look(stage, source, target).await?);
    }
    Ok(met)
}

async fn look(stage: &Stage, source: &str, target: &str) -> Result<Met> {
    match plan(&stage.made.graph, source, target).await {
        Ok(planned) => {
            ensure!(planned.unknown_commits().is_empty(), "every merge is noted: {:?}", planned.unknown_commits());
            let rows = planned.tables().iter().map(|it| [it.appends, it.upserts, it.deletes]).collect::<Vec<_>>();
            Ok(Met::Planned(format!("{} {:?} {rows:?}", planned.outcome(), found(planned.conflicts()))))
        }
        Err(error) => Ok(Met::Refused(error.to_string())),
    }
}

/// Merges what needs no decision.
async fn meet(stage: &Stage, source: &str, target: &str) -> Result<Met> {
    let met = look(stage, source, target).await?;
    if let Met::Planned(_) = met {
        let planned = plan(&stage.made.graph, source, target).await?;
        if planned.conflicts().is_empty() {
            carry_out(&stage.made.graph, &planned, &decided(&planned, Vec::new())).await?;
        }
    }
    Ok(met)
}
