//! Random histories of loads, mutations, branches, merges, failures and recoveries against a small model: same rows on every
//! branch, same conflicts, same outcomes.

mod history;
mod merge;
mod merging;
mod mutation;
mod world;

use anyhow::{Context, Result};
use fail::FailScenario;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use stratigraph_engine::fail as points;
use stratigraph_engine::load::LoadMode;
use tokio::runtime::Runtime;

use crate::alone::alone;
use crate::killed::new_seed;
use crate::small::Content;
use merge::{Merging, any_merging};
use world::{Tally, World};

/// Histories of one run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;
/// The histories of a run that is to be repeated.
const SEED_VARIABLE: &str = "STRATIGRAPH_SEED";
const NAMES: u8 = 6;
const BRANCHES: [&str; 4] = ["main", "a", "b/c", "d"];

#[derive(Debug, Clone)]
enum Step {
    Load {
        branch: usize,
        mode: LoadMode,
        people: Vec<(u8, Option<i8>)>,
        edges: Vec<(u8, u8, u8, Option<i8>)>,
        fails: Option<usize>,
    },
    Mutate {
        branch: usize,
        deeds: Vec<mutation::Deed>,
        fails: Option<usize>,
    },
    Merge(Merging),
    Branch {
        name: usize,
        from: usize,
    },
    Delete {
        name: usize,
    },
    Reopen,
}

/// A graph with rows and two branches, or an empty one, and what is done to it.
fn any_history() -> impl Strategy<Value = Vec<Step>> {
    let first = || {
        let people = (0..NAMES).map(|person| (person, Some(0))).collect();
        let edges = (0..3).map(|edge| (edge, edge, edge + 1, Some(0))).collect();
        let load = Step::Load { branch: 0, mode: LoadMode::Merge, people, edges, fails: None };
        vec![load, Step::Branch { name: 1, from: 0 }, Step::Branch { name: 2, from: 0 }]
    };
    let first = prop_oneof![3 => Just(first()), 1 => Just(Vec::new())];
    let steps = prop_oneof![
        proptest::collection::vec(any_step(), 1..14),
        proptest::collection::vec(prop_oneof![5 => any_change(), 4 => any_merge(), 1 => any_step()], 6..20),
        proptest::collection::vec(prop_oneof![4 => any_change(), 4 => any_merge(), 2 => any_end()], 8..24),
    ];
    (first, steps).prop_map(|(first, steps)| [first, steps].concat())
}

/// A small change of one of the branches that most histories have: seldom refused, often in the way of another one.
fn any_change() -> impl Strategy<Value = Step> {
    let people = proptest::collection::vec((0..NAMES, proptest::option::of(0..3_i8)), 0..2);
    let edges = proptest::collection::vec((0..4_u8, 0..NAMES, 0..NAMES, proptest::option::of(0..3_i8)), 0..2);
    let load = (0..3_usize, people, edges).prop_map(|(branch, people, edges)| Step::Load {
        branch,
        mode: LoadMode::Merge,
        people,
        edges,
        fails: None,
    });
    let mutate = (0..3_usize, mutation::any_deed()).prop_map(|(branch, deed)| Step::Mutate {
        branch,
        deeds: vec![deed],
        fails: None,
    });
    prop_oneof![2 => load, 1 => mutate]
}

/// A branch goes, or comes again.
fn any_end() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..3_usize).prop_map(|name| Step::Delete { name }),
        (1..3_usize, 0..3_usize).prop_map(|(name, from)| Step::Branch { name, from }),
    ]
}

fn any_merge() -> impl Strategy<Value = Step> {
    let points = points::WRITE.len() + points::MERGE.len();
    (any_merging(BRANCHES.len(), points), 0..3_usize, 1..3_usize)
        .prop_map(|(merging, source, apart)| Step::Merge(Merging { source, target: (source + apart) % 3, ..merging }))
}

fn any_step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![3 => Just(LoadMode::Merge), 2 => Just(LoadMode::Append), 1 => Just(LoadMode::Overwrite)];
    let people = proptest::collection::vec((0..NAMES, any::<Option<i8>>()), 0..4);
    let edges = proptest::collection::vec((0..8_u8, 0..NAMES, 0..NAMES, any::<Option<i8>>()), 0..3);
    let fails = proptest::option::weighted(0.35, 0..points::WRITE.len());
    let load = (0..BRANCHES.len(), mode, people, edges, fails)
        .prop_map(|(branch, mode, people, edges, fails)| Step::Load { branch, mode, people, edges, fails });
    let fails = proptest::option::weighted(0.35, 0..points::WRITE.len() + points::MUTATION.len());
    let deeds = proptest::collection::vec(mutation::any_deed(), 1..4);
    let mutate =
        (0..BRANCHES.len(), deeds, fails).prop_map(|(branch, deeds, fails)| Step::Mutate { branch, deeds, fails });
    prop_oneof![
        5 => load,
        5 => mutate,
        6 => any_merging(BRANCHES.len(), points::WRITE.len() + points::MERGE.len()).prop_map(Step::Merge),
        2 => (1..BRANCHES.len(), 0..BRANCHES.len()).prop_map(|(name, from)| Step::Branch { name, from }),
        1 => (1..BRANCHES.len()).prop_map(|name| Step::Delete { name }),
        1 => Just(Step::Reopen),
    ]
}

fn name(number: u8) -> String {
    format!("p{number}")
}

/// What a load makes of the content of its branch; none if it must be refused.
fn loaded(
    before: &Content,
    mode: LoadMode,
    people: &[(u8, Option<i8>)],
    edges: &[(u8, u8, u8, Option<i8>)],
) -> Option<Content> {
    let mut after = before.clone();
    if mode == LoadMode::Overwrite {
        if !people.is_empty() {
            after.people.clear();
        }
        if !edges.is_empty() {
            after.edges.clear();
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for &(number, age) in people {
        let known = mode == LoadMode::Append && before.people.contains_key(&name(number));
        if known || !seen.insert(number) {
            return None;
        }
        after.people.insert(name(number), age.map(i64::from));
    }
    let mut seen = std::collections::BTreeSet::new();
    for &(id, from, to, weight) in edges {
        let id = format!("e{id}");
        let known = mode == LoadMode::Append && before.edges.contains_key(&id);
        if known || (!seen.insert(id.clone()) && mode != LoadMode::Merge) {
            return None;
        }
        after.edges.insert(id, (name(from), name(to), weight.map(i64::from)));
    }
    let exists = |id: &String| after.people.contains_key(id);
    // An edge that a later one of the same load replaces needs its nodes, too.
    let needed = edges.iter().all(|&(_, from, to, _)| exists(&name(from)) && exists(&name(to)));
    (needed && after.edges.values().all(|(from, to, _)| exists(from) && exists(to))).then_some(after)
}

fn text(people: &[(u8, Option<i8>)], edges: &[(u8, u8, u8, Option<i8>)]) -> String {
    let people =
        people.iter().map(|&(number, age)| json!({"type": "Person", "data": {"name": name(number), "age": age}}));
    let edges = edges.iter().map(|&(id, from, to, weight)| {
        json!({"edge": "Knows", "from": name(from), "to": name(to), "data": {"id": format!("e{id}"), "weight": weight}})
    });
    people.chain(edges).map(|record| record.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn random_histories_with_failures_agree_with_the_model() -> Result<()> {
    alone(random_histories)
}

#[expect(clippy::print_stderr, reason = "the seed and the summary of the run, for whoever asks for the output")]
fn random_histories() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new().expect("a runtime starts");
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tally = Tally::default();
    let checked = runner.run(&any_history(), |steps| {
        for point in points::WRITE.into_iter().chain(points::MUTATION).chain(points::MERGE) {
            fail::remove(point);
        }
        let root = tempfile::tempdir().expect("a temporary folder");
        let result: Result<()> = runtime.block_on(async {
            let mut world = World::new(root.path(), tally.clone()).await?;
            for (number, step) in steps.iter().enumerate() {
                world.step(step).await.with_context(|| format!("step {number}: {step:?}"))?;
            }
            world.conforms().await
        });
        result.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    scenario.teardown();
    eprintln!("{cases} histories: {tally}");
    checked.map_err(|failure| anyhow::anyhow!("{failure}"))
}
