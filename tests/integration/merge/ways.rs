//! Both ways of comparing rows make the same plan, over random histories: loads, mutations, rows deleted and inserted again, writes
//! that were rolled back, branches of branches, merges in every direction.

use anyhow::{Context, Result, ensure};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use stratigraph_engine::diff::Way;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::merge::{Choice, Conflict, Decision, MergeOutcome, MergePlan, Rule, Side, TableMerge};
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{Error, ErrorKind, Graph, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, branch, load};

use super::{carry_out, decided, is_up_to_date, mutate, plan};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  mail: String? @unique\n}\n\
    edge Knows: Person -> Person @card(0..2) {\n  weight: I32?\n}\n";
const BRANCHES: [&str; 4] = ["main", "a", "b/c", "d"];
/// Histories of one run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;
const NAMES: u8 = 5;

type People = Vec<(u8, Option<i8>, Option<u8>)>;
type Edges = Vec<(u8, u8, u8, Option<i8>)>;

#[derive(Debug, Clone)]
enum Step {
    Load {
        branch: usize,
        mode: LoadMode,
        people: People,
        edges: Edges,
    },
    Age {
        branch: usize,
        name: u8,
        age: i8,
    },
    DeletePerson {
        branch: usize,
        name: u8,
    },
    DeleteEdges {
        branch: usize,
        from: u8,
    },
    /// Deletes a person, and loads one of the same name.
    Again {
        branch: usize,
        name: u8,
        age: Option<i8>,
    },
    /// A write of two tables of which one was committed: it is rolled back.
    RolledBack {
        branch: usize,
        people: People,
        edges: Edges,
    },
    Branch {
        name: usize,
        from: usize,
    },
    Delete {
        name: usize,
    },
    Merge {
        source: usize,
        target: usize,
        side: Side,
        keeps: bool,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let mode = || prop_oneof![4 => Just(LoadMode::Merge), 2 => Just(LoadMode::Append), 1 => Just(LoadMode::Overwrite)];
    let people = |least: usize| {
        proptest::collection::vec((0..NAMES, any::<Option<i8>>(), proptest::option::weighted(0.2, 0..3_u8)), least..4)
    };
    let edges = |least: usize| proptest::collection::vec((0..6_u8, 0..NAMES, 0..NAMES, any::<Option<i8>>()), least..3);
    let on = || 0..BRANCHES.len();
    let side = prop_oneof![Just(Side::Source), Just(Side::Target), Just(Side::Base)];
    prop_oneof![
        6 => (on(), mode(), people(0), edges(0))
            .prop_map(|(branch, mode, people, edges)| Step::Load { branch, mode, people, edges }),
        3 => (on(), 0..NAMES, any::<i8>()).prop_map(|(branch, name, age)| Step::Age { branch, name, age }),
        2 => (on(), 0..NAMES).prop_map(|(branch, name)| Step::DeletePerson { branch, name }),
        1 => (on(), 0..NAMES).prop_map(|(branch, from)| Step::DeleteEdges { branch, from }),
        2 => (on(), 0..NAMES, any::<Option<i8>>()).prop_map(|(branch, name, age)| Step::Again { branch, name, age }),
        1 => (on(), people(1), edges(1)).prop_map(|(branch, people, edges)| Step::RolledBack { branch, people, edges }),
        3 => (1..BRANCHES.len(), on()).prop_map(|(name, from)| Step::Branch { name, from }),
        1 => (1..BRANCHES.len()).prop_map(|name| Step::Delete { name }),
        8 => (on(), 1..BRANCHES.len(), side, any::<bool>()).prop_map(|(source, away, side, keeps)| {
            Step::Merge { source, target: (source + away) % BRANCHES.len(), side, keeps }
        }),
    ]
}

fn name(number: u8) -> String {
    format!("p{number}")
}

fn text(people: &People, edges: &Edges) -> String {
    let people = people.iter().map(|(number, age, mail)| {
        json!({"type": "Person", "data": {"name": name(*number), "age": age, "mail": mail.map(|mail| format!("m{mail}"))}})
    });
    let edges = edges.iter().map(|(id, from, to, weight)| {
        json!({"edge": "Knows", "from": name(*from), "to": name(*to), "data": {"id": format!("e{id}"), "weight": weight}})
    });
    people.chain(edges).map(|record| record.to_string()).collect::<Vec<_>>().join("\n")
}

/// What breaks a rule, is not there or does not fit is refused; everything else is a fault.
fn allowed<T>(result: Result<T, Error>) -> Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict => Ok(()),
            _ => Err(error.into()),
        },
    }
}

async fn change(graph: &Graph, on: &str, body: &str) -> Result<()> {
    match mutate(graph, on, body).await {
        Ok(()) => Ok(()),
        Err(error) => match error.downcast_ref::<Error>() {
            Some(engine) if engine.kind() == ErrorKind::Internal => Err(error),
            // Nothing matched, or it was refused.
            Some(_) | None => Ok(()),
        },
    }
}

/// What is the same in both ways: everything but the way.
fn facts(plan: &MergePlan) -> (MergeOutcome, String, Vec<TableMerge>, Vec<Conflict>) {
    let tables = plan.tables().iter().map(|table| TableMerge { compared: None, ..table.clone() }).collect();
    (plan.outcome(), format!("{:?} {:?}", plan.heads(), plan.other_bases()), tables, plan.conflicts().to_vec())
}

/// Plans both ways, which must agree; none if the branches cannot be merged.
async fn planned(graph: &Graph, source: &str, target: &str) -> Result<Option<MergePlan>> {
    let (from, to) = (branch(source), branch(target));
    let walked = Box::pin(graph.merge_plan_by(&from, &to, Way::Walk, &Progress::none())).await;
    match (plan(graph, source, target).await, walked) {
        (Ok(fast), Ok(walked)) => {
            ensure!(facts(&fast) == facts(&walked), "{:#?}\nwalked: {:#?}", facts(&fast), facts(&walked));
            let compared = walked.tables().iter().filter_map(|table| table.compared);
            ensure!(compared.into_iter().all(|way| way == Way::Walk), "{:?}", walked.tables());
            Ok(Some(fast))
        }
        (Err(fast), Err(walked)) => {
            ensure!(fast.to_string() == walked.to_string(), "{fast}, walked: {walked}");
            ensure!(fast.kind() == ErrorKind::NotFound || fast.kind() == ErrorKind::Invalid, "{fast:?}");
            Ok(None)
        }
        (fast, walked) => anyhow::bail!("{fast:?}, walked: {walked:?}"),
    }
}

struct World {
    made: TestGraph,
    /// Replaced when it is opened anew.
    graph: Graph,
    merges: usize,
}

impl World {
    async fn new() -> Result<Self> {
        let made = TestGraph::new(SCHEMA).await?;
        let graph = made.graph.clone();
        let people: People = (0..4).map(|number| (number, Some(0), None)).collect();
        load(&graph, LoadMode::Merge, "main", &text(&people, &vec![(0, 0, 1, None), (1, 1, 2, None)])).await?;
        Ok(Self { made, graph, merges: 0 })
    }

    async fn apply(&mut self, step: &Step) -> Result<()> {
        let of = |index: &usize| BRANCHES[*index];
        let graph = &self.graph;
        match step {
            Step::Load { branch, mode, people, edges } => {
                allowed(load(graph, *mode, of(branch), &text(people, edges)).await)
            }
            Step::Age { branch, name: number, age } => {
                let body = format!("update Person set {{ age: {age} }} where name = \"{}\"", name(*number));
                change(graph, of(branch), &body).await
            }
            Step::DeletePerson { branch, name: number } => {
                change(graph, of(branch), &format!("delete Person where name = \"{}\"", name(*number))).await
            }
            Step::DeleteEdges { branch, from } => {
                change(graph, of(branch), &format!("delete Knows where from = \"{}\"", name(*from))).await
            }
            Step::Again { branch, name: number, age } => {
                change(graph, of(branch), &format!("delete Person where name = \"{}\"", name(*number))).await?;
                let record = text(&vec![(*number, *age, None)], &Vec::new());
                allowed(load(graph, LoadMode::Append, of(branch), &record).await)
            }
            Step::RolledBack { branch: at, people, edges } => {
                let reader = Box::new(std::io::Cursor::new(text(people, edges)));
                let input = Input { name: "data".to_owned(), reader };
                let request =
                    LoadRequest { mode: LoadMode::Merge, branch: branch(of(at)), actor: None, inputs: vec![input] };
                allowed(Box::pin(graph.rehearse_load(request, StopAt::FirstTable, &Progress::none())).await)?;
                self.graph = self.made.open(OpenMode::ReadWrite).await?;
                Ok(())
            }
            Step::Branch { name, from } => {
                allowed(Box::pin(graph.create_branch(&branch(of(name)), &branch(of(from)))).await)
            }
            Step::Delete { name } => allowed(Box::pin(graph.delete_branch(&branch(of(name)))).await),
            Step::Merge { source, target, side, keeps } => self.merge((of(source), of(target)), *side, *keeps).await,
        }
    }

    async fn merge(&mut self, (source, target): (&str, &str), side: Side, keeps: bool) -> Result<()> {
        let Some(plan) = planned(&self.graph, source, target).await? else { return Ok(()) };
        let rule = |choice| Decision::by_rule(Rule::default(), choice);
        // The last that fits holds: a side for rows, orphans go, and rows that one side deleted stay or go.
        let kept = if keeps { Choice::Keep } else { Choice::Delete };
        let decisions = decided(&plan, vec![rule(Choice::Drop), rule(Choice::Take(side)), rule(kept)]);
        let checked = Box::pin(self.graph.merge_check(&plan, &decisions, &Progress::none())).await?;
        if !checked.open.is_empty() {
            return Ok(());
        }
        carry_out(&self.graph, &plan, &decisions).await?;
        self.merges += 1;
        is_up_to_date(&self.made, source, target).await
    }

    /// All pairs of branches, both directions.
    async fn check_pairs(&self) -> Result<()> {
        let names: Vec<String> =
            self.graph.branches().await?.into_iter().map(|branch| branch.name.to_string()).collect();
        for source in &names {
            for target in names.iter().filter(|target| *target != source) {
                planned(&self.graph, source, target).await.with_context(|| format!("{source} into {target}"))?;
            }
        }
        Ok(())
    }
}

async fn run(steps: &[Step]) -> Result<usize> {
    let mut world = World::new().await?;
    for (number, step) in steps.iter().enumerate() {
        world.apply(step).await.with_context(|| format!("step {number}: {step:?}"))?;
    }
    world.check_pairs().await?;
    world.made.files().await?;
    Ok(world.merges)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

#[test]
fn both_ways_plan_the_same_merge() {
    let mut config = Config { max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let merges = std::cell::Cell::new(0);
    let cases = config.cases;
    // Histories begin with branches that can be made, or there would be little to merge.
    let branches = (0..1_usize, 0..2_usize, 0..3_usize)
        .prop_map(|froms| [(1, froms.0), (2, froms.1), (3, froms.2)].map(|(name, from)| Step::Branch { name, from }));
    let steps = (branches, proptest::collection::vec(any_step(), 6..16)).prop_map(|(branches, rest)| {
        let mut steps = rest[..2].to_vec();
        steps.extend(branches);
        steps.extend_from_slice(&rest[2..]);
        steps
    });
    let result = TestRunner::new(config).run(&steps, |steps| {
        let made = block_on(Box::pin(run(&steps))).map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        merges.set(merges.get() + made);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(merges.get() >= cases as usize / 2, "{} merges in {cases} histories", merges.get());
}

/// Metadata must be enough where it can be: through forks of forks, after merges in both directions, after rows came back, and
/// after a write that was rolled back.
#[tokio::test]
async fn ordinary_histories_are_compared_by_metadata() -> Result<()> {
    let mut world = World::new().await?;
    let person = |branch, name, age| Step::Load {
        branch,
        mode: LoadMode::Merge,
        people: vec![(name, Some(age), None)],
        edges: Vec::new(),
    };
    let merge = |source, target| Step::Merge { source, target, side: Side::Source, keeps: true };
    let steps = [
        Step::Branch { name: 1, from: 0 },
        person(1, 1, 10),
        Step::Branch { name: 2, from: 1 },
        person(2, 2, 20),
        person(0, 3, 30),
        merge(2, 0),
        person(1, 4, 40),
        Step::Again { branch: 2, name: 1, age: Some(10) },
        merge(0, 2),
        Step::RolledBack { branch: 0, people: vec![(1, Some(99), None)], edges: vec![(5, 1, 1, None)] },
        person(0, 0, 50),
        person(2, 0, 60),
        Step::Branch { name: 3, from: 2 },
        person(3, 1, 70),
        merge(3, 1),
    ];
    for (number, step) in steps.iter().enumerate() {
        world.apply(step).await.with_context(|| format!("step {number}: {step:?}"))?;
        let names: Vec<String> =
            world.graph.branches().await?.into_iter().map(|branch| branch.name.to_string()).collect();
        for source in &names {
            for target in names.iter().filter(|target| *target != source) {
                let plan = planned(&world.graph, source, target).await?.context("they can be merged")?;
                let walked = plan.tables().iter().filter(|table| table.compared == Some(Way::Walk)).count();
                ensure!(walked == 0, "step {number}, {source} into {target}: {:?}", plan.tables());
            }
        }
    }
    assert_eq!(world.merges, 3);
    Ok(())
}
