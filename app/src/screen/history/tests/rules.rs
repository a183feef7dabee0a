//! Rules of the screen.

use arrow::array::AsArray;
use futures::StreamExt;
use futures::executor::block_on;
use stratigraph_engine::{At, BranchName, Commit, ManifestVersion, Snapshot};

use super::fixture::{Bench, NOW, change, commits, entry, id, key, log, person};
use crate::effect::{self, Request as Asked};
use crate::event::{Event, Now};
use crate::export::{Content, Source};
use crate::job::{JobStatus, JobUpdate};
use crate::screen::history::chart::{Chart, ChartSpec, Folding};
use crate::screen::history::diff::{self, Against, Target};
use crate::screen::history::{Reply, Request};
use crate::screen::{ScreenId, ScreenRequest, tables};

fn selected(bench: &Bench) -> String {
    bench.state.screens.history.list.id().map(|id| id.to_string()[20..].to_owned()).unwrap_or_default()
}

fn newer(number: u128) -> Commit {
    let main = commits()[9].clone();
    let version = ManifestVersion::new(9 + u64::try_from(number).unwrap());
    let time = main.created_at_micros + 1_000_000 + i64::try_from(number).unwrap();
    let id = stratigraph_engine::CommitId::from_u128(main.id.as_u128() + number);
    Commit {
        id,
        parent: Some(main.id),
        merged_parent: None,
        manifest_version: version,
        created_at_micros: time,
        ..main
    }
}

fn spec(filter: &str) -> ChartSpec {
    let folding = Folding::all(true);
    ChartSpec {
        filter: filter.to_owned(),
        now_micros: super::fixture::NOW.utc_micros,
        branches: vec!["*".to_owned()],
        folding,
    }
}

fn shown(filter: &str) -> Vec<String> {
    let chart = Chart::new(log(commits()), spec(filter));
    (0..chart.len()).filter_map(|row| chart.id_at(row)).map(|id| id.to_string()[20..].to_owned()).collect()
}

#[test]
fn the_graph_is_drawn_in_the_order_of_the_history() {
    assert_eq!(
        shown(""),
        ["1WMJEC", "FP1ZND", "F7AWY5", "DT7XSR", "0KZXRN", "48ZDAE", "YN1CMG", "2T3BM2", "09NZ43", "PW4170", "M5RCKN"]
    );
}

#[test]
fn filter_words_leave_the_commits_they_name() {
    let cases: [(&str, &[&str]); 11] = [
        ("branch:budget", &["1WMJEC", "2T3BM2"]),
        ("actor:alice", &["09NZ43", "PW4170"]),
        ("actor:alice branch:feature", &["09NZ43"]),
        ("kind:merge", &["DT7XSR", "48ZDAE"]),
        ("kind:first", &["M5RCKN"]),
        ("id:8zdae", &["48ZDAE"]),
        ("vectors", &["DT7XSR", "0KZXRN"]),
        ("since:1h", &[]),
        ("until:2020-01-01", &[]),
        ("!actor:act until:1s", &["M5RCKN"]),
        ("since:nonsense branch:budget", &["1WMJEC", "2T3BM2"]),
    ];
    for (filter, expected) in cases {
        let mut left = shown(filter);
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        left.sort();
        expected.sort();
        assert_eq!(left, expected, "{filter}");
    }
    assert_eq!(Chart::new(log(commits()), spec("since:nonsense")).problems().len(), 1);
}

#[test]
fn a_hidden_commit_gives_way_to_the_next_older_one_on_view() {
    let next = |filter: &str, closed: bool, hidden: &str| {
        let chart = Chart::new(log(commits()), ChartSpec { folding: Folding::all(closed), ..spec(filter) });
        chart.id_at(chart.nearest_row(id(hidden))).map(|id| id.to_string()[20..].to_owned()).unwrap_or_default()
    };
    assert_eq!(next("branch:main", false, "01M7Y2AM68DRM4A36QAV1WMJEC"), "FP1ZND", "above all");
    assert_eq!(next("branch:main", false, "01M7Y2AKWH8XRWGA8QCW0KZXRN"), "48ZDAE", "in between");
    assert_eq!(next("branch:main", true, "01M7Y2AKWH8XRWGA8QCW0KZXRN"), "F7AWY5", "in a fold");
    assert_eq!(next("branch:main", false, "01M7Y2AKPDTNYYHG7WARYN1CMG"), "YN1CMG", "on view");
    assert_eq!(next("id:1WMJEC", false, "01M7Y2AKA125T5VJJZZ1M5RCKN"), "1WMJEC", "none is older");
}

#[test]
fn branches_of_the_settings_limit_the_history() {
    let of_budget = ChartSpec { branches: vec!["bud*".to_owned()], ..spec("") };
    assert_eq!(Chart::new(log(commits()), of_budget).len(), 4);
}

#[test]
fn the_cursor_stays_on_its_commit_when_others_arrive_and_follows_from_the_top() {
    let mut bench = Bench::team((120, 30));
    assert_eq!(selected(&bench), "1WMJEC");
    bench.press("j j");
    for (heads, expected, new) in [(10, "F7AWY5", "3 new"), (11, "F7AWY5", "3 new")] {
        let versions = [(BranchName::main(), crate::stage::seen(heads))];
        bench.event(Event::Heads(Ok([(BranchName::main(), crate::stage::seen(1))].into())));
        bench.event(Event::Heads(Ok(versions.into())));
        bench.load([commits(), (1..=3).map(newer).collect()].concat());
        assert_eq!(selected(&bench), expected);
        assert!(bench.draw().join("\n").contains(new));
    }
    bench.press("g g");
    assert!(!bench.draw().join("\n").contains(" new"));
    bench.event(Event::Heads(Ok([(BranchName::main(), crate::stage::seen(12))].into())));
    bench.load([commits(), (1..=4).map(newer).collect()].concat());
    assert_eq!(bench.state.screens.history.list.cursor().row, 0, "the top row follows");
}

#[test]
fn a_filter_moves_the_cursor_and_its_end_brings_it_back() {
    let mut bench = Bench::team((120, 30));
    bench.press("j j f");
    bench.type_text("actor:alice");
    assert_eq!(selected(&bench), "09NZ43");
    assert!(bench.draw().join("\n").contains("2 of 11"));
    bench.press("enter esc");
    assert_eq!(selected(&bench), "F7AWY5");
}

#[test]
fn search_keeps_everything_and_goes_round() {
    let mut bench = Bench::team((120, 30));
    bench.press("/");
    bench.type_text("merge");
    bench.press("enter");
    assert_eq!((selected(&bench).as_str(), bench.state.screens.history.list.len()), ("DT7XSR", 11));
    bench.press("n");
    assert_eq!(selected(&bench), "48ZDAE");
    bench.press("n");
    assert_eq!(selected(&bench), "DT7XSR");
}

#[test]
fn steps_follow_the_edges_and_ask_where_there_are_two() {
    let mut bench = Bench::team((120, 30));
    bench.press("j J");
    assert_eq!(selected(&bench), "F7AWY5");
    bench.press("J J");
    assert_eq!((selected(&bench).as_str(), bench.state.shared.overlays.len()), ("DT7XSR", 1));
    bench.press("j enter");
    assert_eq!(selected(&bench), "0KZXRN");
    bench.press("G J");
    assert_eq!(bench.state.shared.notice.as_deref(), Some("this is the first commit"));
}

#[test]
fn going_to_a_branch_an_id_and_a_time() {
    let mut bench = Bench::team((120, 30));
    let targets =
        [("feature/hiring", "09NZ43"), ("8zdae", "48ZDAE"), ("v5", "YN1CMG"), ("2026-11-21T03:27:46Z", "48ZDAE")];
    for (text, expected) in targets {
        bench.press("@");
        bench.type_text(text);
        bench.press("enter");
        assert_eq!(selected(&bench), expected, "{text}");
    }
}

#[test]
fn a_place_that_is_none_keeps_the_prompt_with_the_branches_there_are() {
    for size in [(120, 30), (40, 12)] {
        let mut bench = Bench::team(size);
        bench.press("@");
        bench.type_text("nowhere");
        bench.press("enter");
        let picture = bench.draw().join(" ").replace(['│', '┌', '┐', '└', '┘', '─'], " ");
        let words = picture.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("> nowhere"), "what was typed stays: {words}");
        let reason = "no branch `nowhere`, and no commit whose id ends so; the branches are: main, budget, ";
        assert!(words.contains(reason) && words.contains("experiment/vectors, feature/hiring"), "{words}");
        assert_eq!(bench.state.shared.notice, None, "it is said once");
        for _ in "nowhere".chars() {
            bench.press("backspace");
        }
        bench.type_text("budget");
        bench.press("enter");
        assert!(bench.state.shared.overlays.is_empty());
        assert_eq!(selected(&bench), "1WMJEC");
    }
}

#[test]
fn the_history_of_a_changed_row_is_read_on_the_branch_of_its_commit_even_if_it_is_deleted() {
    for (steps, id) in [("", "ann"), ("G", "cy")] {
        let mut bench = Bench::with_rows((120, 30));
        bench.press(&format!("tab {steps} L"));
        assert_eq!(bench.state.shared.screen, ScreenId::Tables);
        let opening = bench.asked.iter().rev().find_map(|start| match &start.request {
            Asked::Screen(ScreenRequest::Tables(tables::Request::Open(at))) => Some((start.id, at.clone())),
            _ => None,
        });
        let (job, at) = opening.expect("a position is read");
        let commit = commits().into_iter().find(|commit| At::Commit(commit.id) == at).expect("of the history");
        let snapshot = Snapshot {
            branch: commit.branch.clone(),
            version: commit.manifest_version,
            commit: Some(commit.id),
            entries: [(key("node:Person"), entry("node:Person", 6, 7, None))].into(),
        };
        let opened = tables::Opened {
            at,
            snapshot: snapshot.into(),
            is_head: false,
            short_id: None,
            created_at_micros: None,
            types: Vec::new().into(),
        };
        bench.event(Event::Reply(job, effect::Reply::Tables(tables::Reply::Opened(Box::new(opened)))));
        let asked = bench.asked.iter().rev().find_map(|start| match &start.request {
            Asked::Screen(ScreenRequest::Tables(tables::Request::RowHistory(source, branch, id))) => {
                Some((source.table.clone(), branch.clone(), id.clone()))
            }
            _ => None,
        });
        assert_eq!(asked, Some((key("node:Person"), commit.branch, id.to_owned())));
        assert_eq!(bench.state.focus(), tables::ROW_HISTORY);
    }
}

#[test]
fn comparing_needs_a_mark_and_can_be_swapped() {
    let mut bench = Bench::team((120, 30));
    bench.press("c");
    assert_eq!(bench.state.shared.notice.as_deref(), Some("mark another commit first (space)"));
    bench.press("j space j j c");
    let target = || Target::chosen(id("01M7Y2AM4A3R9G8AARTRFP1ZND"), id("01M7Y2AM00KG79BDBHYZDT7XSR"));
    let asked = |bench: &Bench| {
        bench.newest(|request| match request {
            Request::Diff(diff::Request::All(target)) => Some(target.clone()),
            _ => None,
        })
    };
    assert_eq!(asked(&bench).map(|(_, target)| target), Some(target()));
    bench.press("X");
    assert_eq!(asked(&bench).map(|(_, target)| target), target().swapped());
    bench.press("esc");
    assert_eq!(selected(&bench), "DT7XSR");
}

#[test]
fn d_turns_from_parent_to_parent_of_a_merge() {
    let merge = commits().into_iter().find(|commit| commit.merged_parent.is_some()).unwrap();
    let first = Target::first_parent(&merge);
    let second = first.next(&merge).unwrap();
    let decided = second.next(&merge).unwrap();
    assert_eq!((second.from, second.against), (merge.merged_parent, Against::SecondParent));
    assert_eq!((decided.from, decided.other()), (merge.parent, merge.merged_parent));
    assert_eq!(decided.next(&merge), Some(first));
    let mut bench = Bench::team((120, 30));
    bench.press("d d");
    assert_eq!(bench.state.shared.notice.as_deref(), Some("no second parent"));
}

#[test]
fn the_title_counts_jobs_but_not_the_small_reads_that_follow_the_cursor() {
    let mut bench = Bench::team((120, 30));
    bench.press("j");
    assert!(bench.state.shared.jobs.active().count() > 0, "details are being read");
    assert!(!bench.draw()[0].contains("6 Jobs:"), "{}", bench.draw()[0]);
    bench.press("d");
    assert!(bench.draw()[0].contains("6 Jobs:1"), "{}", bench.draw()[0]);
}

#[test]
fn the_title_counts_a_read_that_leaves_no_trace_once_it_takes_long() {
    let mut bench = Bench::team((120, 30));
    for start in std::mem::take(&mut bench.asked) {
        bench.event(Event::Job(start.id, JobUpdate::Ended(JobStatus::Succeeded)));
    }
    bench.press("r");
    let title_after = |bench: &mut Bench, millis| {
        let elapsed = NOW.elapsed + std::time::Duration::from_millis(millis);
        bench.event_at(Event::Tick, Now { elapsed, ..NOW });
        bench.draw()[0].clone()
    };
    assert!(!title_after(&mut bench, 400).contains("6 Jobs:"));
    assert!(title_after(&mut bench, 500).contains("6 Jobs:1"), "the history is read again");
    bench.load(commits());
    assert!(!title_after(&mut bench, 900).contains("6 Jobs:"));
}

#[test]
fn row_changes_are_walked_cell_by_cell_and_filtered() {
    let mut bench = Bench::with_rows((120, 30));
    bench.press("enter ]");
    let cell = |bench: &Bench| {
        let table = bench.state.screens.history.diff.as_ref().and_then(|diff| diff.table()).unwrap();
        table.rows.selected().map(|change| (change.id.clone(), table.rows.selected_cell().unwrap().0.to_string()))
    };
    assert_eq!(cell(&bench), Some(("ann".to_owned(), "age".to_owned())));
    bench.press("] ]");
    assert_eq!(cell(&bench), Some(("cy".to_owned(), "id".to_owned())));
    bench.press("[ f");
    bench.type_text("op:del");
    assert!(bench.draw().join("\n").contains("1 of 3"));
}

#[test]
fn rows_of_another_comparison_are_ignored() {
    let mut bench = Bench::with_rows((120, 30));
    let other = Target::chosen(commits()[0].id, commits()[1].id);
    let job = bench.newest(|request| matches!(request, Request::Diff(_)).then_some(())).unwrap().0;
    bench.reply(job, Reply::Diff(diff::Reply::Tables(other, Vec::new())));
    assert!(bench.draw().join("\n").contains("Person +1 ~1 -1"));
}

#[test]
fn folds_close_and_open() {
    let chain = |number: u128| {
        let base = newer(number);
        let parent = (number > 1).then(|| newer(number - 1).id).or(base.parent);
        Commit { parent, ..base }
    };
    let mut all = commits();
    all.extend((1..=8).map(chain));
    let mut bench = Bench::opened((120, 30), super::fixture::unicode(), crate::config::Config::default());
    bench.load(all);
    bench.draw();
    let len = |bench: &Bench| bench.state.screens.history.list.len();
    assert!(len(&bench) < 19, "the run above the merge is folded");
    let folded = len(&bench);
    bench.press("O");
    assert_eq!(len(&bench), 19);
    bench.press("O j enter");
    assert!(len(&bench) > folded, "enter on a fold opens it");
    bench.press("o");
    assert_eq!(len(&bench), folded);
}

#[test]
fn no_size_is_too_small() {
    for columns in [1, 2, 3, 19, 20, 40, 59, 61, 86, 121] {
        for rows in [1, 2, 4, 5, 6, 15, 16, 24] {
            let mut bench = Bench::with_rows((columns, rows));
            bench.press("tab ] z");
            bench.press("esc esc");
        }
    }
}

#[test]
fn a_broken_commit_is_told_and_found() {
    let mut all = commits();
    all.retain(|commit| commit.id != id("01M7Y2AKMMJJWTHK3WRA2T3BM2"));
    let mut bench = Bench::opened((120, 30), super::fixture::unicode(), crate::config::Config::default());
    bench.load(all);
    bench.press("G [");
    assert_eq!(selected(&bench), "1WMJEC");
    assert!(bench.draw().join(" ").contains("! its parent 01M7Y2AKMMJJWTHK3WRA2T3BM2"));
}

#[test]
fn a_commit_without_its_parent_says_that_nothing_can_be_told() {
    let gone = ["01M7Y2AKMMJJWTHK3WRA2T3BM2", "01M7Y2AKWH8XRWGA8QCW0KZXRN"].map(id);
    let mut all = commits();
    all.retain(|commit| !gone.contains(&commit.id));
    let mut bench = Bench::opened((120, 30), super::fixture::unicode(), crate::config::Config::default());
    bench.load(all);
    let details = |bench: &Bench| {
        bench.newest(|request| match request {
            Request::Details { commit, parent } => Some((commit.id, parent.as_ref().map(|parent| parent.id))),
            _ => None,
        })
    };
    assert_eq!(details(&bench), None, "there is nothing to read");
    let screen = bench.draw().join(" ");
    assert!(screen.contains("what it changed cannot be told"), "{screen}");
    bench.press("d");
    assert!(bench.state.shared.notice.as_deref().is_some_and(|notice| notice.contains("on no branch any more")));
    bench.press("enter enter");
    assert!(bench.state.screens.history.diff.is_none(), "nor from the details");
    bench.press("esc ] d");
    let merge = id("01M7Y2AM00KG79BDBHYZDT7XSR");
    assert_eq!(details(&bench).map(|(_, ids)| ids), Some((merge, Some(id("01M7Y2AKRVGYG487HA8048ZDAE")))));
    assert!(bench.state.screens.history.diff.is_some(), "its first parent is there");
    bench.press("d");
    assert!(bench.state.shared.notice.as_deref().is_some_and(|notice| notice.contains("on no branch any more")));
}

#[test]
fn broken_commits_are_visited_in_both_directions() {
    let gone = ["01M7Y2AKMMJJWTHK3WRA2T3BM2", "01M7Y2AKWH8XRWGA8QCW0KZXRN"].map(id);
    let mut all = commits();
    all.retain(|commit| !gone.contains(&commit.id));
    let mut bench = Bench::opened((120, 30), super::fixture::unicode(), crate::config::Config::default());
    bench.load(all);
    bench.press("]");
    assert_eq!(selected(&bench), "DT7XSR", "the row the cursor was on counts no more");
    bench.press("]");
    assert_eq!(bench.state.shared.notice.as_deref(), Some("no more commits with a problem there"));
    bench.press("[");
    assert_eq!(selected(&bench), "1WMJEC");
    bench.press("f");
    bench.type_text("branch:main");
    bench.press("enter ]");
    assert_eq!(selected(&bench), "DT7XSR", "the filter hides the other one");
}

#[test]
fn an_export_of_row_changes_is_made_while_it_is_written_from_what_was_there() {
    let mut bench = Bench::team((120, 30));
    bench.press("j d");
    let differing = ["node:Person", "node:Team"].map(|name| change(entry(name, 6, 7, None), entry(name, 7, 6, None)));
    bench.tables(differing.to_vec());
    bench.press("e");
    assert_eq!(bench.state.shared.notice.as_deref(), Some("nothing to export here"));
    bench.rows("node:Person", vec![person("ann", Some(30), Some(31)), person("bob", None, Some(5))]);
    let more = (0..600).map(|number| person(&format!("cy{number:03}"), Some(9), None));
    bench.rows("node:Team", more.collect());
    bench.press("e");
    let (content, _) = bench.state.shared.export.clone().expect("an export is prepared");
    let Content::Read { source: Source::Made(changes), .. } = content else { panic!("made before it is written") };
    bench.press("esc tab f");
    bench.type_text("op:inserted");
    let (schema, batches) = changes.rows();
    let batches: Vec<_> = block_on(batches.map(Result::unwrap).collect());
    let texts = |name: &str| -> Vec<Option<String>> {
        let columns = batches.iter().map(|batch| batch.column_by_name(name).unwrap().as_string::<i32>().clone());
        columns.flat_map(|column| column.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()).collect()
    };
    assert!(batches.len() > 2 && batches.iter().all(|batch| batch.schema() == schema));
    let mut ids = vec!["ann".to_owned(), "bob".to_owned()];
    ids.extend((0..600).map(|number| format!("cy{number:03}")));
    assert_eq!(texts("id").into_iter().flatten().collect::<Vec<_>>(), ids);
    let first = |name| texts(name)[0].clone().unwrap_or_default();
    assert_eq!((first("table"), first("op"), first("columns")), ("node:Person".into(), "updated".into(), "age".into()));
    assert_eq!(first("before"), r#"{"name":"ann","age":30,"id":"ann"}"#);
    assert_eq!((texts("before")[1].clone(), texts("after")[2].clone()), (None, None), "one side of these is missing");
}

#[test]
fn memory_of_a_large_chart_is_bounded() {
    let commits: Vec<Commit> = (1..=20_000_u128)
        .map(|number| Commit { parent: (number > 1).then(|| newer(number - 1).id), ..newer(number) })
        .collect();
    let chart = Chart::new(log(commits), ChartSpec { folding: Folding::all(false), ..spec("") });
    assert!(chart.size_bytes() <= 200 * chart.len(), "{} bytes for {}", chart.size_bytes(), chart.len());
}
