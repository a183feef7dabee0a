//! The rules of the graph on random histories, and named pictures of known ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fold::Folds;
use super::reader::{self, Reading};
use super::synthetic::{Shape, history};
use super::*;

fn print(layout: &Layout, glyphs: &Glyphs) -> Vec<String> {
    layout.window(0..u32::MAX, &Paint::plain(glyphs)).iter().map(ToString::to_string).collect()
}

/// What the reader must find: edges by row, sorted, and the rows with lines to outside.
fn truth(rows: &Rows) -> (Vec<(usize, usize)>, Vec<usize>) {
    let (mut edges, mut outside) = (Vec::new(), Vec::new());
    for row in 0..rows.len() {
        for edge in rows.edges(u32::try_from(row).unwrap()) {
            match edge.row() {
                Some(parent) => edges.push((row, parent as usize)),
                None => outside.push(row),
            }
        }
    }
    edges.sort_unstable();
    (edges, outside)
}

fn assert_lossless(layout: &Layout) -> Reading {
    let (edges, outside) = truth(layout.rows());
    let mut readings = [&UNICODE, &ASCII].map(|glyphs| {
        let text = print(layout, glyphs);
        let reading = reader::read(&text, glyphs).unwrap_or_else(|why| panic!("{why}\n{}", text.join("\n")));
        assert_eq!(reading.edges, edges, "\n{}", text.join("\n"));
        assert_eq!(reading.outside, outside, "\n{}", text.join("\n"));
        reading
    });
    assert_eq!(readings[0], readings[1]);
    std::mem::take(&mut readings[0])
}

/// A random history: octopus merges, several roots, skewed clocks, missing parents; sometimes a default branch.
fn any_history() -> impl Strategy<Value = (Dag, Option<u32>)> {
    let parent = prop_oneof![1 => Just(u32::MAX), 12 => 0_u32..12, 4 => 0_u32..1000];
    let commit = (proptest::collection::vec(parent, 0..4), 0_i64..60, 0..8_u8);
    (proptest::collection::vec(commit, 1..60), proptest::option::weighted(0.8, 0_u32..60)).prop_map(
        |(commits, head)| {
            let mut dag = Dag::new();
            for (node, (backs, time, root)) in (0_u32..).zip(commits) {
                let back = |back: u32| {
                    if back == u32::MAX { EXTERNAL } else { node - 1 - back % node }
                };
                let parents: Vec<u32> =
                    if node == 0 || root == 0 { Vec::new() } else { backs.into_iter().map(back).collect() };
                dag.push(time, &parents);
            }
            let head = head.map(|head| head % u32::try_from(dag.len()).unwrap());
            (dag, head)
        },
    )
}

fn chain_of(dag: &Dag, head: Option<u32>) -> NodeSet {
    head.map(|head| dag.first_parent_chain(head)).unwrap_or_default()
}

fn lay_out(dag: &Dag, head: Option<u32>) -> Layout {
    Layout::new(Rows::all(dag, &order::topological(dag, |node| node)), chain_of(dag, head))
}

/// Effective parents by definition: visible ancestors reached through hidden ones only, minus those implied by another.
fn effective_parents(dag: &Dag, visible: &[bool], node: u32) -> BTreeSet<u32> {
    let real = |parents: &[u32]| parents.iter().copied().filter(|&p| p != EXTERNAL).collect::<Vec<_>>();
    let direct: BTreeSet<u32> = real(dag.parents(node)).into_iter().filter(|&p| visible[p as usize]).collect();
    let mut open = real(dag.parents(node));
    let (mut seen, mut nearest) = (BTreeSet::new(), BTreeSet::new());
    while let Some(at) = open.pop() {
        if visible[at as usize] {
            nearest.insert(at);
        } else if seen.insert(at) {
            open.extend(real(dag.parents(at)));
        }
    }
    let implied = |at: u32| nearest.iter().any(|&other| other != at && dag.ancestors(other).contains(at));
    nearest.iter().copied().filter(|&at| direct.contains(&at) || !implied(at)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_characters_alone_give_the_edges((dag, head) in any_history()) {
        let layout = lay_out(&dag, head);
        assert_lossless(&layout);
        prop_assert_eq!(layout.rows().len(), dag.len());
    }

    #[test]
    fn a_parent_is_below_its_child((dag, _) in any_history()) {
        let order = order::topological(&dag, |node| node);
        let rows = Rows::all(&dag, &order);
        for node in 0..u32::try_from(dag.len()).unwrap() {
            for &parent in dag.parents(node).iter().filter(|&&parent| parent != EXTERNAL) {
                prop_assert!(rows.row_of(parent) > rows.row_of(node));
            }
        }
    }

    #[test]
    fn lane_zero_is_the_default_chain_and_nothing_else((dag, head) in any_history()) {
        let chain = chain_of(&dag, head);
        let layout = lay_out(&dag, head);
        for row in layout.window(0..u32::MAX, &Paint::plain(&UNICODE)) {
            if !chain.is_empty() {
                prop_assert_eq!(row.lane == 0, chain.contains(row.item.node()));
            }
        }
    }

    #[test]
    fn filtered_lists_have_effective_parents((dag, head) in any_history(), mask in proptest::collection::vec(any::<bool>(), 60)) {
        let order = order::topological(&dag, |node| node);
        let rows = filter::filter(&dag, &order, |node| mask[node as usize]);
        for row in 0..u32::try_from(rows.len()).unwrap() {
            let node = rows.item(row).unwrap().node();
            let found: BTreeSet<u32> =
                rows.edges(row).iter().filter_map(|edge| edge.row()).map(|at| rows.item(at).unwrap().node()).collect();
            prop_assert_eq!(&found, &effective_parents(&dag, &mask, node));
            for edge in rows.edges(row).iter().filter(|edge| edge.row().is_some()) {
                let parent = rows.item(edge.row().unwrap()).unwrap().node();
                prop_assert_eq!(edge.is_elided(), !dag.parents(node).contains(&parent));
            }
        }
        let chain = chain_of(&dag, head);
        let layout = Layout::new(rows, chain.clone());
        assert_lossless(&layout);
        for row in layout.window(0..u32::MAX, &Paint::plain(&UNICODE)) {
            if layout.has_chain() {
                prop_assert_eq!(row.lane == 0, chain.contains(row.item.node()));
            }
        }
    }

    #[test]
    fn folded_lists_are_lossless_and_complete((dag, head) in any_history(), keep in 0_u32..8, open in 0_u32..4) {
        let rows = Rows::all(&dag, &order::topological(&dag, |node| node));
        let kept = |node: u32| head == Some(node) || node % 8 < keep;
        let folds = Folds::find(&rows, kept);
        let folded = folds.apply(&rows, |top| top % 4 < open);
        let mut commits = 0;
        for row in 0..u32::try_from(folded.len()).unwrap() {
            commits += match folded.item(row).unwrap() {
                RowItem::Commit(_) => 1,
                RowItem::Fold { top, count, .. } => { prop_assert!(!kept(top) && count > 1); count }
            };
        }
        prop_assert_eq!(commits as usize, dag.len());
        prop_assert_eq!(folds.apply(&rows, |_| true), rows.clone());
        for row in 0..u32::try_from(rows.len()).unwrap() {
            let at = folded.row_of(rows.item(row).unwrap().node()).unwrap();
            for parent in rows.edges(row).iter().filter_map(|edge| edge.row()) {
                let to = folded.row_of(rows.item(parent).unwrap().node()).unwrap();
                prop_assert!(at == to || folded.edges(at).contains(&Edge::direct(to)));
            }
        }
        assert_lossless(&Layout::new(folded, chain_of(&dag, head)));
    }
}

#[test]
fn a_window_has_the_rows_of_a_full_run() {
    let made = history(Shape { commits: 2_000, branches: 9, merge_percent: 20, seed: 7 });
    let layout = lay_out(&made.dag, made.heads.first().copied());
    let color = |node: u32| u16::try_from(node % 7).ok();
    let paint = Paint {
        glyphs: &UNICODE,
        color: &color,
        emphasis: &|node| {
            if node % 5 == 0 { Emphasis::Strong } else { Emphasis::Dim }
        },
    };
    let all = layout.window(0..2_000, &paint);
    for start in (0..2_000).step_by(37).chain([255, 256, 257, 1_999]) {
        let end = (start + 41).min(2_000);
        assert_eq!(layout.window(start..end, &paint), all[start as usize..end as usize]);
    }
    assert!(layout.window(2_000..2_040, &paint).is_empty());
    assert_lossless(&layout);
}

#[test]
fn a_long_history_stays_small() {
    let made = history(Shape { commits: 50_000, branches: 12, merge_percent: 15, seed: 3 });
    let layout = lay_out(&made.dag, Some(made.heads[0]));
    let per_commit = (layout.size_bytes() + made.dag.size_bytes() + 50_000 * 4) / 50_000;
    assert!(per_commit <= 200, "{per_commit} bytes a commit");
}

/// Draws a history given as lines `name: parents`, newest first; the first line is the default branch's head.
fn picture(text: &str, glyphs: &Glyphs) -> String {
    let commits: Vec<(&str, Vec<&str>)> = text
        .split(';')
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(name, parents)| (name.trim(), parents.split_whitespace().collect()))
        .collect();
    let count = commits.len();
    let node = |name: &str| commits.iter().rev().position(|(known, _)| *known == name).map_or(EXTERNAL, dag::as_u32);
    let mut dag = Dag::new();
    for (time, (_, parents)) in (0_i64..).zip(commits.iter().rev()) {
        dag.push(time, &parents.iter().map(|name| node(name)).collect::<Vec<_>>());
    }
    let head = commits.iter().position(|(name, _)| *name == "m").unwrap_or(0);
    let layout = lay_out(&dag, Some(dag::as_u32(count - 1 - head)));
    assert_lossless(&layout);
    let rows = layout.window(0..u32::MAX, &Paint::plain(glyphs));
    let line = |row: &GraphRow| format!("{:<10}{}", row.to_string(), commits[count - 1 - row.item.node() as usize].0);
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn linear() {
    insta::assert_snapshot!(picture("a: b; b: c; c:", &UNICODE), @r#"
    ○         a
    ●         b
    ◉         c
    "#);
}

#[test]
fn branch_and_merge() {
    insta::assert_snapshot!(picture("a: b f; f: c; b: c; c:", &UNICODE), @r#"
    ○─╮       a
    │ ●       f
    ● │       b
    ◉─╯       c
    "#);
    insta::assert_snapshot!(picture("a: b f; f: c; b: c; c:", &ASCII), @r#"
    o-.       a
    | *       f
    * |       b
    @-'       c
    "#);
}

#[test]
fn a_branch_ahead_of_the_default_stays_out_of_lane_zero() {
    insta::assert_snapshot!(picture("f: g; g: m; m: n; n:", &UNICODE), @r#"
      ○       f
      ●       g
    ○─╯       m
    ◉         n
    "#);
}

#[test]
fn crossing() {
    insta::assert_snapshot!(picture("a: b; p: q; x: y b; q: c; y: c; b: c; c:", &UNICODE), @r#"
    ○         a
    │ ○       p
    ├─│─○     x
    │ ● │     q
    │ ├─◉     y
    ● │       b
    ◉─╯       c
    "#);
    insta::assert_snapshot!(picture("a: b; p: q; x: y b; q: c; y: c; b: c; c:", &ASCII), @r#"
    o         a
    | o       p
    +-|-o     x
    | * |     q
    | +-@     y
    * |       b
    @-'       c
    "#);
}

#[test]
fn criss_cross() {
    insta::assert_snapshot!(picture("a: c d; b: d c; c: e; d: e; e:", &UNICODE), @r#"
    ○─╮       a
    ├─┼─◌     b
    ● │       c
    ├─◉       d
    ◉         e
    "#);
}

#[test]
fn octopus() {
    insta::assert_snapshot!(picture("a: b c d e; e: f; d: f; c: f; b: f; f:", &UNICODE), @r#"
    ○─┬─┬─╮   a
    │ │ │ ●   e
    │ │ ● │   d
    │ ● │ │   c
    ● │ │ │   b
    ◉─┴─┴─╯   f
    "#);
    insta::assert_snapshot!(picture("a: b c d e; e: f; d: f; c: f; b: f; f:", &ASCII), @r#"
    o-.-.-.   a
    | | | *   e
    | | * |   d
    | * | |   c
    * | | |   b
    @-'-'-'   f
    "#);
}

#[test]
fn two_roots_and_a_missing_parent() {
    insta::assert_snapshot!(picture("a: b; x: y gone; b: c; y:; c: lost", &UNICODE), @r#"
    ○         a
    │ ○─╮     x
    ● │ ~     b
    │ ◉       y
    ●         c
    "#);
}

#[test]
fn skewed_clocks() {
    let mut dag = Dag::new();
    let root = dag.push(900, &[]);
    let early = dag.push(10, &[root]);
    let main = dag.push(20, &[early]);
    let side = dag.push(905, &[early]);
    let merge = dag.push(1, &[main, side]);
    let layout = lay_out(&dag, Some(merge));
    assert_lossless(&layout);
    insta::assert_snapshot!(print(&layout, &UNICODE).join("\n"), @r"
    ○─╮
    │ ●
    ● │
    ●─╯
    ◉
    ");
}

#[test]
fn many_branches() {
    insta::assert_snapshot!(picture(
        "a: m; p: h; q: h; r: i; s: m; i: m; m: h; h:",
        &UNICODE
    ), @r#"
      ○       a
      │ ○     p
      │ ├─◌   q
      │ │   ○ r
      ├─│─◌ │ s
      ├─│───◉ i
    ○─╯ │     m
    ◉───╯     h
    "#);
}

#[test]
fn three_hundred_branches_need_few_lanes() {
    let mut dag = Dag::new();
    dag.push(0, &[]);
    for commit in 1..=300 {
        dag.push(i64::from(commit), &[0]);
    }
    let layout = lay_out(&dag, Some(300));
    // A lane rests for a row, so the branches take lanes 1 and 2 in turn.
    assert_eq!(layout.lanes(), 3);
    assert_lossless(&layout);
}

#[test]
fn filtered_history_is_dotted() {
    let mut dag = Dag::new();
    dag.push(0, &[]);
    for node in 1..6 {
        dag.push(i64::from(node), &[node - 1]);
    }
    dag.push(3, &[0]);
    let order = order::topological(&dag, |node| node);
    let rows = filter::filter(&dag, &order, |node| [5, 6, 0].contains(&node));
    let layout = Layout::new(rows, dag.first_parent_chain(5));
    assert_eq!(print(&layout, &UNICODE), ["○", "┊ ○", "◉─╯"]);
    assert_eq!(print(&layout, &ASCII), ["o", ": o", "@-'"]);
}

#[test]
fn a_run_and_a_side_branch_fold() {
    let mut dag = Dag::new();
    dag.push(0, &[]);
    for node in 1..6 {
        dag.push(i64::from(node), &[node - 1]);
    }
    let (side, main) = (dag.push(10, &[5]), dag.push(11, &[5]));
    let side = dag.push(12, &[side]);
    dag.push(13, &[main, side]);
    let rows = Rows::all(&dag, &order::topological(&dag, |node| node));
    let folds = Folds::find(&rows, |node| [0, 5, 9].contains(&node));
    let layout = Layout::new(folds.apply(&rows, |_| false), dag.first_parent_chain(9));
    assert_eq!(print(&layout, &UNICODE), ["○─╮", "│ ⋮", "● │", "●─╯", "⋮", "◉"]);
    assert_lossless(&layout);
    let kinds: Vec<_> = folds.all().iter().map(|fold| (fold.kind, fold.count)).collect();
    assert_eq!(kinds, [(FoldKind::Side, 2), (FoldKind::Run, 4)]);
}

#[test]
fn color_follows_the_branch_and_weight_the_ancestry() {
    let mut dag = Dag::new();
    dag.push(0, &[]);
    dag.push(1, &[0]);
    dag.push(2, &[0]);
    dag.push(3, &[2, 1]);
    dag.push(4, &[0]);
    let layout = lay_out(&dag, Some(3));
    let ancestors = dag.ancestors(3);
    let paint = Paint {
        glyphs: &UNICODE,
        color: &|node| Some(u16::from(node == 1)),
        emphasis: &|node| {
            if ancestors.contains(node) { Emphasis::Strong } else { Emphasis::Dim }
        },
    };
    let rows = layout.window(0..5, &paint);
    let looks = |row: usize, cell: usize| {
        let cell = rows[row].cells[cell];
        (cell.glyph, cell.color, cell.emphasis)
    };
    assert_eq!(looks(0, 2), ('○', Some(0), Emphasis::Dim));
    assert_eq!(looks(1, 0), ('○', Some(0), Emphasis::Strong));
    assert_eq!(looks(1, 2), ('│', Some(0), Emphasis::Dim));
    assert_eq!(looks(1, 3), ('─', Some(1), Emphasis::Strong));
    assert_eq!(looks(1, 4), ('╮', Some(1), Emphasis::Strong));
    assert_eq!(looks(2, 4), ('│', Some(1), Emphasis::Strong));
}

/// The reference slides lanes and draws several lines a row; its width counts the lanes it needs.
#[test]
fn widths_stay_near_those_of_the_reference() {
    use renderdag::{Ancestor, GraphRowRenderer, Renderer};
    for seed in 1..6 {
        let made = history(Shape { commits: 400, branches: 6, merge_percent: 15, seed });
        let layout = lay_out(&made.dag, Some(made.heads[0]));
        let mut reference = GraphRowRenderer::new().output().build_box_drawing();
        let mut width = 0;
        for &node in order::topological(&made.dag, |node| node).nodes() {
            let parents = made.dag.parents(node).iter().map(|&parent| Ancestor::Parent(parent)).collect();
            width = width.max(usize::try_from(reference.width(Some(&node), Some(&parents))).unwrap());
            reference.next_row(node, parents, "o".into(), String::new());
        }
        assert!(layout.lanes() <= width / 2 + 4, "seed {seed}: {} lanes, reference {width} columns", layout.lanes());
    }
}
