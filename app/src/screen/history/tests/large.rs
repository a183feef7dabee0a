//! A large history: what takes time in proportion to it is left to workers, and only what is on view is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use futures::StreamExt;
use futures::executor::block_on;
use stratigraph_engine::{BranchName, Commit, CommitGraph, CommitId, HistoryProblem, ManifestVersion};
use stratigraph_widgets::commit_dag::synthetic::{Shape, history};
use stratigraph_widgets::commit_dag::{Emphasis, RowItem};

use super::fixture::{Bench, unicode};
use crate::config::Config;
use crate::export::{Content, Produce, Source};
use crate::screen::history::ancestry::{Ancestry, Related};
use crate::screen::history::chart::{Chart, ChartSpec, Folding};
use crate::screen::history::jump::resolve;
use crate::screen::history::log::CommitLog;
use crate::screen::history::search::find;
use crate::screen::history::{COMMITS, INLINE, Preview, Reply, Request, cost};
use crate::view::Target;

/// Spread over all bits, so that ends of ids differ as real ones do.
pub(super) fn id(number: u32) -> CommitId {
    CommitId::from_u128(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 1)
}

/// A made-up history; its later states contain its earlier ones.
pub(super) fn log(commits: usize) -> Arc<CommitLog> {
    log_with(commits, Vec::new())
}

/// The same, with something wrong.
fn log_with(commits: usize, problems: Vec<HistoryProblem>) -> Arc<CommitLog> {
    let commits = u32::try_from(commits).unwrap();
    let made = history(Shape { commits, branches: 30, merge_percent: 20, seed: 7 });
    let commit = |number: u32| {
        let mut parents = made.dag.parents(number).iter().map(|parent| id(*parent));
        Commit {
            id: id(number),
            parent: parents.next(),
            merged_parent: parents.next(),
            branch: BranchName::main(),
            manifest_version: ManifestVersion::new(u64::from(number) + 3),
            created_at_micros: made.dag.time_micros(number),
            actor: None,
        }
    };
    let name = |number: usize| if number == 0 { "main".to_owned() } else { format!("work/{number}") };
    let heads: BTreeMap<BranchName, CommitId> = made
        .heads
        .iter()
        .enumerate()
        .map(|(number, head)| (BranchName::from_stored(Some(&name(number))), id(*head)))
        .collect();
    Arc::new(CommitLog::new(
        Arc::new(CommitGraph::new((0..commits).map(commit).collect(), heads, problems)),
        Vec::new(),
    ))
}

pub(super) fn bench(log: &Arc<CommitLog>) -> Bench {
    let mut bench = Bench::opened((120, 30), unicode(), Config::default());
    bench.load_log(log);
    bench.draw();
    bench
}

/// Everything, no fold closed.
pub(super) fn unfiltered() -> ChartSpec {
    let (filter, branches) = (String::new(), vec!["*".to_owned()]);
    ChartSpec { filter, now_micros: 0, branches, folding: Folding::all(false) }
}

/// Requests made since the last call, as words; details are read for whatever commit is selected and left out.
pub(super) fn asked(bench: &mut Bench) -> Vec<&'static str> {
    let word = |request: &Request| match request {
        Request::Load(..) => "load",
        Request::Arrange(..) => "arrange",
        Request::Search(..) => "search",
        Request::Count(..) => "count",
        Request::Find(..) => "find",
        Request::Release(_) => "release",
        Request::Relate(..) => "relate",
        Request::Details { .. } => "",
        Request::Diff(_) => "diff",
    };
    let words = bench.requests().map(|(_, request)| word(request)).filter(|word| !word.is_empty()).collect();
    bench.asked.clear();
    words
}

#[test]
fn keys_leave_the_work_on_a_hundred_thousand_commits_to_workers() {
    let mut bench = bench(&log(100_000));
    asked(&mut bench);
    let row = |bench: &Bench| bench.state.screens.history.list.cursor().row;
    let cases: [(&str, &[&str]); 9] = [
        ("j j ctrl-d", &[]),
        ("G g g", &[]),
        ("l h", &[]),
        ("] [", &[]),
        ("j J K", &[]),
        ("O", &["arrange"]),
        ("a", &["relate"]),
        ("a a j", &["relate"]),
        ("space j c esc", &["diff"]),
    ];
    for (keys, expected) in cases {
        let looked = cost::of(|| bench.press(keys));
        assert!(looked < INLINE, "{keys}: {looked} looked at");
        assert_eq!(asked(&mut bench), expected, "{keys}");
        for overlay in bench.state.shared.overlays.drain(..) {
            assert!(matches!(overlay, crate::overlay::Overlay::Choose(_)), "{keys}: only to which child or parent");
        }
    }
    let chart = Arc::clone(bench.state.screens.history.list.chart().unwrap());
    let fold = (0..chart.len()).find(|row| matches!(chart.item(*row), Some(RowItem::Fold { .. }))).unwrap();
    bench.state.screens.history.list.select_row(fold, 20);
    bench.press("o");
    assert_eq!(asked(&mut bench), ["arrange"]);
    let before = row(&bench);
    bench.press("/");
    bench.type_text("merge");
    assert_eq!((asked(&mut bench), row(&bench)), (vec!["search"], before), "the matches are not known yet");
    bench.press("enter f");
    bench.type_text("kind:merge");
    assert_eq!(asked(&mut bench), ["arrange"]);
    bench.press("esc @");
    bench.type_text("main@v4");
    bench.press("enter");
    assert!(asked(&mut bench).contains(&"find"));
}

#[test]
fn steps_look_at_the_rows_they_concern() {
    let broken = [20_000, 90_000].map(|commit| HistoryProblem::DanglingParent { commit: id(commit), parent: id(0) });
    let mut bench = bench(&log_with(100_000, broken.to_vec()));
    let chart = Arc::clone(bench.state.screens.history.list.chart().unwrap());
    let row = |commit| chart.row_of(id(commit)).unwrap();
    // A step that nobody has to be asked about, in the middle of the list.
    let only = |from: usize, to: usize| chart.parent_rows(from) == [Some(to)] && chart.child_rows(to).eq([from]);
    let (from, to) =
        (chart.len() / 2..chart.len()).map(|row| (row, row + 1)).find(|(row, next)| only(*row, *next)).unwrap();
    bench.state.screens.history.list.select_row(from, 20);
    for (keys, expected) in
        [("J", to), ("K", from), ("g g ]", row(90_000)), ("]", row(20_000)), ("[", row(90_000)), ("G [", row(20_000))]
    {
        let looked = cost::of(|| bench.press(keys));
        assert_eq!(bench.state.screens.history.list.cursor().row, expected, "{keys}");
        assert!(looked < INLINE, "{keys}: {looked} looked at");
    }
}

#[test]
fn looking_at_a_whole_history_is_noticed() {
    let log = log(INLINE);
    let chart = Chart::new(Arc::clone(&log), unfiltered());
    let all: [fn(&Chart); 4] = [
        |chart| drop(find(chart, "merge")),
        |chart| drop((0..chart.len()).map(|row| chart.parent_rows(row)).collect::<Vec<_>>()),
        |chart| drop(Related::new(chart.log(), Ancestry::Ancestors, id(1))),
        |chart| assert_eq!(chart.log().count_since(chart.log()), 0),
    ];
    for (number, all) in all.iter().enumerate() {
        assert!(cost::of(|| all(&chart)) >= INLINE, "{number}");
    }
}

#[test]
fn only_the_rows_on_view_are_built() {
    let mut bench = bench(&log(100_000));
    bench.press("G ctrl-u");
    let height = bench.state.shared.pane_height(COMMITS);
    let len = bench.state.screens.history.list.len();
    let clickable: Vec<usize> = bench
        .state
        .shared
        .regions
        .list()
        .iter()
        .filter_map(|region| match region.target {
            Target::Row { pane: COMMITS, index } => Some(index),
            _ => None,
        })
        .collect();
    assert!(height < 30 && len > INLINE);
    assert_eq!(clickable, (len - height..len).collect::<Vec<_>>());
}

#[test]
fn commits_that_arrive_are_counted_by_a_worker() {
    let states = [INLINE + 10, INLINE + 13, INLINE + 17].map(log);
    let mut bench = bench(&states[0]);
    bench.press("j j");
    for state in &states[1..] {
        bench.press("r");
        bench.load_log(state);
    }
    assert_eq!(bench.state.screens.history.list.fresh(), 0, "not counted yet");
    let (job, (before, after)) = bench
        .newest(|request| match request {
            Request::Count(before, after) => Some((before.clone(), after.clone())),
            _ => None,
        })
        .expect("asked");
    assert!(Arc::ptr_eq(&before.0, &states[0]), "from the last history that was counted");
    let count = after.0.count_since(&before.0);
    bench.reply(job, Reply::Counted(Arc::clone(&states[1]), 99));
    bench.reply(job, Reply::Counted(after.0, count));
    assert_eq!(bench.state.screens.history.list.fresh(), 7);
    assert!(bench.draw().join("\n").contains("7 new"));
    bench.press("g g");
    assert_eq!(bench.state.screens.history.list.fresh(), 0);
}

#[test]
fn the_cursor_goes_to_a_match_that_a_worker_finds_and_stays_there() {
    let log = log(INLINE + 10);
    let mut bench = bench(&log);
    bench.press("O");
    let (job, spec) = bench
        .newest(|request| match request {
            Request::Arrange(_, spec) => Some(spec.clone()),
            _ => None,
        })
        .expect("asked");
    bench.reply(job, Reply::Arranged(Arc::new(Chart::new(Arc::clone(&log), spec))));
    bench.press("/");
    bench.type_text("merge");
    let found = |bench: &Bench| {
        let wanted = bench.newest(|request| match request {
            Request::Search(chart, term) => Some((chart.clone(), term.clone())),
            _ => None,
        });
        wanted.map(|(job, (chart, term))| (job, find(&chart.0, &term))).expect("asked")
    };
    let (job, matches) = found(&bench);
    let first = matches.rows[0];
    bench.reply(job, Reply::Found(matches.clone()));
    assert_eq!(bench.state.screens.history.list.cursor().row, first);
    bench.press("enter j k k");
    let moved = bench.state.screens.history.list.cursor().row;
    bench.reply(job, Reply::Found(matches));
    assert_eq!(bench.state.screens.history.list.cursor().row, moved, "only typing moves the cursor");
}

#[test]
fn a_worker_finds_where_to_go() {
    let log = log(INLINE + 10);
    let mut bench = bench(&log);
    let newest = |bench: &Bench| {
        let wanted = bench.newest(|request| match request {
            Request::Find(log, text) => Some((log.clone(), text.clone())),
            _ => None,
        });
        wanted.map(|(job, (log, text))| (job, resolve(log.0.graph(), &text))).expect("asked")
    };
    let go = |bench: &mut Bench, text: &str| {
        bench.press("@");
        bench.type_text(text);
        bench.press("enter");
        let (job, found) = newest(bench);
        bench.reply(job, Reply::Jumped(found));
    };
    let head = log.graph().heads()[&BranchName::from_stored(Some("work/3"))];
    go(&mut bench, "work/3");
    assert_eq!(bench.state.screens.history.list.id(), Some(head));
    go(&mut bench, "nowhere");
    assert_eq!(bench.state.screens.history.list.id(), Some(head));
    let picture = bench.draw().join("\n");
    let more = format!("and {} more", log.graph().heads().len() - 20);
    assert!(picture.contains("> nowhere") && picture.contains(&more), "{picture}");
}

#[test]
fn a_row_diff_that_was_opened_meanwhile_stays_open() {
    let log = log(INLINE + 10);
    let mut bench = bench(&log);
    bench.press("j @");
    bench.type_text("work/3");
    bench.press("enter");
    let newest = bench.newest(|request| matches!(request, Request::Find(..)).then_some(()));
    let (job, ()) = newest.expect("asked");
    let row = bench.state.screens.history.list.cursor().row;
    bench.press("d");
    bench.reply(job, Reply::Jumped(resolve(log.graph(), "work/3")));
    assert!(bench.state.screens.history.diff.is_some());
    assert_eq!(bench.state.screens.history.list.cursor().row, row);
}

#[test]
fn help_palette_and_export_make_no_rows() {
    let mut bench = bench(&log(100_000));
    for keys in ["? esc", ": esc", "e"] {
        let looked = cost::of(|| bench.press(keys));
        assert!(looked < INLINE, "{keys}: {looked} looked at");
        assert_eq!(bench.state.shared.export.is_some(), keys == "e", "{keys}");
    }
    let content = bench.state.shared.export.as_ref().map(|(content, _)| content);
    assert!(matches!(content, Some(Content::Read { source: Source::Made(_), .. })), "made while it is written");
}

#[test]
fn an_export_has_every_commit_once_in_the_order_of_the_list() {
    let log = log(INLINE + 10);
    let spec = unfiltered();
    let chart = Arc::new(Chart::new(Arc::clone(&log), spec));
    let batches: Vec<_> = block_on(Arc::clone(&chart).rows().1.map(Result::unwrap).collect());
    let ids: Vec<String> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let expected: Vec<String> = (0..chart.len()).filter_map(|row| chart.id_at(row)).map(|id| id.to_string()).collect();
    assert!(batches.len() > 1 && ids.len() == log.commits().len());
    assert_eq!(ids, expected);
}

#[test]
fn the_highlight_belongs_to_the_history_on_view() {
    let states = [INLINE + 10, INLINE + 13].map(log);
    let mut bench = bench(&states[0]);
    let newest = |bench: &Bench| {
        let wanted = bench.newest(|request| match request {
            Request::Relate(log, ancestry, id) => Some((log.clone(), *ancestry, *id)),
            _ => None,
        });
        wanted.map(|(job, (log, ancestry, id))| (job, Related::new(&log.0, ancestry, id))).expect("asked")
    };
    let on = |bench: &Bench, log: &Arc<CommitLog>| {
        let list = &bench.state.screens.history.list;
        list.related.is_of(log, Ancestry::Ancestors, list.id().expect("a commit is selected"))
    };
    bench.press("j j a");
    let (job, old) = newest(&bench);
    bench.reply(job, Reply::Related(old.clone()));
    assert!(on(&bench, &states[0]));
    asked(&mut bench);
    bench.press("r");
    bench.load_log(&states[1]);
    assert_eq!(bench.state.screens.history.list.related.emphasis(0), Emphasis::Normal, "old numbers mean nothing here");
    let (job, new) = newest(&bench);
    bench.reply(job, Reply::Related(old));
    assert_eq!(bench.state.screens.history.list.related.emphasis(0), Emphasis::Normal, "they come too late");
    bench.reply(job, Reply::Related(new));
    assert!(on(&bench, &states[1]));
}

#[test]
fn a_whole_history_on_view_wants_no_previews_of_the_next_one() {
    let mut bench = Bench::opened((120, 30), unicode(), Config::default());
    let preview = |bench: &Bench| {
        let newest = bench.newest(|request| match request {
            Request::Load(_, preview) => Some(*preview),
            _ => None,
        });
        newest.map(|(_, preview)| preview)
    };
    assert_eq!(preview(&bench), Some(Preview::SoFar));
    bench.load_log(&log(10));
    bench.press("r");
    assert_eq!(preview(&bench), Some(Preview::Nothing));
}
