//! The pictures of this screen in the documentation.

use std::sync::Arc;

use stratigraph_engine::Progress;

use super::fixture::{Bench, change, entry, person, unicode};
use crate::cli::sample;
use crate::config::Config;
use crate::pages::show;
use crate::screen::history::log::CommitLog;

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_commits() {
    let history = sample().await.history(&Progress::none()).await.expect("it can be read");
    let mut bench = Bench::opened((116, 17), unicode(), Config::default());
    bench.load_log(&Arc::new(CommitLog::new(history, Vec::new())));
    bench.press("j");
    bench.facts();
    show("history", &bench.draw().join("\n"));
}

#[test]
fn the_rows_of_a_commit() {
    let mut bench = Bench::team((116, 17));
    bench.press("j d");
    let tables = ["edge:WorksOn", "node:Person"];
    bench.tables(tables.map(|table| change(entry(table, 6, 7, None), entry(table, 7, 7, None))).to_vec());
    let people = vec![person("ann", Some(30), Some(31)), person("bob", None, Some(25)), person("cy", Some(59), None)];
    bench.rows("edge:WorksOn", Vec::new());
    bench.done("edge:WorksOn");
    bench.rows("node:Person", people);
    bench.done("node:Person");
    bench.press("k j tab j");
    show("row-diff", &bench.draw().join("\n"));
}
