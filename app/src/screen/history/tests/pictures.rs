//! Pictures of key states in three sizes and three looks, styles included.

use super::fixture::{Bench, commits, unicode};
use crate::config::Config;
use crate::message::Failure;
use crate::screen::history::Reply;
use crate::screen::history::chart::Chart;
use crate::screen::history::log::CommitLog;
use crate::theme::Surroundings;
use stratigraph_engine::{BranchName, ErrorKind};

const SIZES: [(u16, u16); 3] = [(120, 30), (80, 24), (40, 12)];

fn looks() -> [(&'static str, Surroundings); 3] {
    let plain = Surroundings { no_color: Some("1".to_owned()), ..unicode() };
    let ascii = Surroundings { locale: Some("C".to_owned()), ..unicode() };
    [("color", unicode()), ("plain", plain), ("ascii", ascii)]
}

#[test]
fn the_list_in_all_sizes_and_looks() {
    for (columns, rows) in SIZES {
        for (look, around) in looks() {
            let mut bench = Bench::team_in((columns, rows), around);
            bench.press("j");
            bench.facts();
            insta::assert_snapshot!(format!("list_{columns}x{rows}_{look}"), bench.picture());
        }
    }
}

#[test]
fn the_ancestry_is_strong_and_the_rest_dim() {
    let mut bench = Bench::team((80, 24));
    bench.press("j j j j a");
    insta::assert_snapshot!("ancestry_80x24_color", bench.picture());
}

#[test]
fn while_reading_the_commits_so_far_are_shown() {
    let mut bench = Bench::opened((80, 24), unicode(), Config::default());
    insta::assert_snapshot!("loading_nothing_80x24", bench.draw().join("\n"));
    let (job, spec) = bench
        .newest(|request| match request {
            crate::screen::history::Request::Load(spec, _) => Some(spec.clone()),
            _ => None,
        })
        .unwrap();
    let log = std::sync::Arc::new(CommitLog::partial(commits().split_off(7)));
    bench.reply(job, Reply::Partial(std::sync::Arc::new(Chart::new(log, spec))));
    insta::assert_snapshot!("loading_some_80x24", bench.draw().join("\n"));
}

#[test]
fn errors_stand_in_the_pane_concerned() {
    let mut bench = Bench::team((80, 24));
    bench.press("j j");
    let (job, id) = bench
        .newest(|request| match request {
            crate::screen::history::Request::Details { commit, .. } => Some(commit.id),
            _ => None,
        })
        .unwrap();
    let failure = Failure::new(ErrorKind::NotFound, "manifest version 8 of main is no longer retained");
    bench.reply(job, Reply::Details(id, Err(failure)));
    insta::assert_snapshot!("details_error_80x24", bench.draw().join("\n"));
}

#[test]
fn long_wide_and_hostile_names() {
    let mut all = commits();
    all[10].branch = BranchName::from_stored(Some("wishes/\u{202e}日本語の支店\u{1b}[31m-and-a-very-long-name"));
    all[10].actor = Some("取締役\nact".into());
    let mut bench = Bench::opened((80, 24), unicode(), Config::default());
    bench.load(all);
    insta::assert_snapshot!("names_80x24", bench.draw().join("\n"));
}

#[test]
fn an_empty_history_says_so() {
    let mut bench = Bench::opened((80, 24), unicode(), Config::default());
    bench.load(Vec::new());
    insta::assert_snapshot!("empty_80x24", bench.draw().join("\n"));
}
