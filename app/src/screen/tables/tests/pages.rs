//! The picture of this screen in the documentation.

use stratigraph_engine::Value;

use super::super::request::Reply;
use super::stage::{Stage, heads, opened, page};
use crate::pages::show;

#[test]
fn rows_at_a_former_commit() {
    let mut stage = Stage::new(116, 16);
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main@v4", false)))]);
    if stage.asked("table heads").is_some() {
        stage.answer("table heads", vec![Reply::Heads(heads())]);
    }
    let rows = vec![
        vec!["Ada".into(), Value::Int(36), "on the board".into()],
        vec!["Grace".into(), Value::Int(50), Value::Null],
        vec!["李小龍".into(), Value::Int(32), "".into()],
    ];
    stage.answer("rows", vec![Reply::Page(page(&["id", "age", "note"], rows, false))]);
    stage.keys("tab j");
    show("tables", &stage.shown());
}
