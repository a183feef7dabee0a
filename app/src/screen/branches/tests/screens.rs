//! The screen in three sizes and three looks. The dump tells styles apart, because no-color must show the same facts.

use stratigraph_engine::ErrorKind;

use super::super::{Loaded, Reply};
use super::stage::{Stage, loaded, odd_names};
use super::writing::{loss, started_at_a_commit};
use crate::message::{Failure, Level};
use crate::stage::NOW;

const SIZES: [(u16, u16); 3] = [(120, 30), (80, 24), (40, 12)];

fn at_sizes(name: &str, prepare: impl Fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = Stage::writing(columns, rows);
        prepare(&mut stage);
        stage.snapshot(name);
    }
}

#[test]
fn nothing_is_there_yet() {
    for (columns, rows) in SIZES {
        Stage::new(columns, rows).snapshot("loading");
    }
}

#[test]
fn branches_before_they_are_counted() {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        stage.answer("branches", vec![Reply::Loaded(Box::new(loaded()))]);
        stage.snapshot("uncounted");
    }
}

#[test]
fn branches_with_marks() {
    at_sizes("list", |stage| {
        stage.keys("j space");
        stage.details();
    });
}

#[test]
fn the_details_of_a_branch() {
    at_sizes("details", |stage| {
        stage.keys("j j j");
        stage.details();
        stage.keys("tab");
    });
}

#[test]
fn the_details_of_a_branch_that_cannot_be_read() {
    at_sizes("unreadable", |stage| {
        stage.keys("j j");
        stage.fail("branch", Failure::new(ErrorKind::Corrupt, "manifest of old has no rows"));
        stage.keys("tab");
    });
}

#[test]
fn a_graph_without_branches() {
    for (columns, rows) in SIZES {
        Stage::with(columns, rows, Loaded::default()).snapshot("empty");
    }
}

#[test]
fn nothing_could_be_read() {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        stage.fail("branches", Failure::new(ErrorKind::Unavailable, "cannot list the branches").caused_by("disk gone"));
        stage.snapshot("failed");
    }
}

#[test]
fn reading_again_failed() {
    at_sizes("failed_again", |stage| {
        stage.keys("r");
        stage.fail("branches", Failure::new(ErrorKind::Unavailable, "cannot list the branches").caused_by("disk gone"));
        stage.keys("ctrl-g");
    });
}

#[test]
fn a_filter_and_a_search() {
    at_sizes("filtered", |stage| {
        stage.keys("f");
        stage.text("r");
        stage.keys("enter /");
        stage.text("reorg");
        stage.keys("enter");
    });
}

#[test]
fn long_and_wide_names() {
    for (columns, rows) in SIZES {
        let mut stage = Stage::with(columns, rows, odd_names());
        stage.keys("j j");
        stage.details();
        stage.snapshot("names");
    }
}

#[test]
fn a_name_is_asked_for() {
    at_sizes("create_prompt", |stage| {
        stage.keys("j B");
        stage.text("hiring");
        stage.keys("enter");
    });
}

#[test]
fn making_a_branch_is_agreed_to() {
    at_sizes("create", |stage| {
        stage.keys("j B");
        stage.text("from-there from 9GZ6N2");
        stage.keys("enter");
        let found = Reply::Found(String::new(), Ok(Box::new(started_at_a_commit())));
        stage.answer("start of a branch", vec![found]);
    });
}

#[test]
fn deleting_a_branch_is_agreed_to() {
    at_sizes("delete", |stage| {
        stage.keys("j D");
        stage.answer("what is lost", vec![Reply::Loss(Box::new(loss(14)))]);
        stage.text("hir");
    });
}

#[test]
fn every_size_is_drawn() {
    for loaded in [loaded(), odd_names(), Loaded::default()] {
        let mut stage = Stage::with(80, 24, loaded);
        for (columns, rows) in [(1, 1), (19, 4), (20, 5), (21, 6), (25, 8), (60, 16), (300, 3)] {
            stage.event(crate::event::Event::Resize(columns, rows));
            stage.keys("j tab j G tab k");
            assert!(!stage.picture().is_empty(), "{columns}x{rows}");
        }
    }
}

#[test]
fn messages_never_cover_the_selected_branch() {
    for rows in [12, 16, 20, 24, 30] {
        for columns in [40, 80, 120] {
            let mut stage = Stage::ready(columns, rows);
            stage.state.shared.messages.say(NOW, Level::Warning, "a message of several lines ".repeat(8));
            for name in ["main", "hiring", "old", "reorg", "reorg/trial"] {
                let picture = stage.picture();
                let line = picture.lines().find(|line| line.contains('▸')).unwrap_or_default();
                assert!(line.contains(name) && !line.contains("several"), "{columns}×{rows} {name}:\n{picture}");
                assert!(picture.contains("a message of"), "{picture}");
                stage.keys("j");
            }
        }
    }
}
