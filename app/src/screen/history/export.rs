//! The commits on view as rows of a file. They are made while the file is written: a history may have a million of them.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;
use stratigraph_engine::{Commit, RowStream};
use stratigraph_widgets::commit_dag::RowItem;

use super::chart::Chart;
use crate::export::Produce;

/// Rows of the list in one batch.
const BATCH: usize = 4096;

impl Produce for Chart {
    /// The commits from top to bottom, without the folded ones.
    ///
    /// Columns: id, parents (separated by spaces), branch, `manifest_version`, actor, `created_at_micros` (UTC), heads
    /// (branches whose head it is, separated by spaces) and summary; actor and summary may be null.
    fn rows(self: Arc<Self>) -> (SchemaRef, RowStream) {
        let (schema, len) = (schema(), self.len());
        let of_batches = Arc::clone(&schema);
        let piece = move |first| batch(&self, &of_batches, first..(first + BATCH).min(len));
        let batches = (0..len).step_by(BATCH).map(piece).filter(|batch| batch.num_rows() > 0).map(Ok);
        (schema, futures::stream::iter(batches).boxed())
    }
}

/// Whether a chart has commits that are not folded.
pub(super) fn has_commits(chart: &Chart) -> bool {
    commits(chart, 0..chart.len()).next().is_some()
}

fn schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("id", false),
        text("parents", false),
        text("branch", false),
        Field::new("manifest_version", DataType::UInt64, false),
        text("actor", true),
        Field::new("created_at_micros", DataType::Int64, false),
        text("heads", false),
        text("summary", true),
    ]))
}

fn commits(chart: &Chart, rows: Range<usize>) -> impl Iterator<Item = &Commit> {
    rows.filter_map(|row| match chart.item(row)? {
        RowItem::Commit(node) => chart.log().commit(node),
        RowItem::Fold { .. } => None,
    })
}

fn batch(chart: &Chart, schema: &SchemaRef, rows: Range<usize>) -> RecordBatch {
    let log = chart.log();
    let commits: Vec<&Commit> = commits(chart, rows).collect();
    let summaries = log.summaries();
    let text = |of: &dyn Fn(&Commit) -> Option<String>| -> ArrayRef {
        Arc::new(commits.iter().map(|commit| of(commit)).collect::<StringArray>())
    };
    let versions: UInt64Array = commits.iter().map(|commit| Some(commit.manifest_version.get())).collect();
    let times: Int64Array = commits.iter().map(|commit| Some(commit.created_at_micros)).collect();
    let columns = vec![
        text(&|commit| Some(commit.id.to_string())),
        text(&|commit| Some(joined(commit.parents()))),
        text(&|commit| Some(commit.branch.to_string())),
        Arc::new(versions),
        text(&|commit| commit.actor.as_ref().map(ToString::to_string)),
        Arc::new(times),
        text(&|commit| Some(joined(log.labels(commit.id)))),
        text(&|commit| log.summary(&summaries, commit).map(|summary| summary.text(" → "))),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns).expect("the columns are those of the schema")
}

fn joined(names: impl IntoIterator<Item: ToString>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use futures::executor::block_on;

    use super::super::chart::{ChartSpec, Folding};
    use super::super::tests::fixture::{NOW, commits as team, log};
    use super::*;

    fn chart(filter: &str, closed: bool) -> Arc<Chart> {
        let spec = ChartSpec {
            filter: filter.to_owned(),
            now_micros: NOW.utc_micros,
            branches: vec!["*".to_owned()],
            folding: Folding::all(closed),
        };
        Arc::new(Chart::new(log(team()), spec))
    }

    fn cells(chart: Arc<Chart>, column: &str) -> Vec<Option<String>> {
        let (_, batches) = chart.rows();
        let batches: Vec<RecordBatch> = block_on(batches.map(|batch| batch.expect("made here")).collect());
        let column = |batch: &RecordBatch| batch.column_by_name(column).expect("a column").as_string::<i32>().clone();
        batches
            .iter()
            .map(column)
            .flat_map(|texts| texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn commits_are_written_as_the_list_has_them() {
        let budget = chart("branch:budget", false);
        let texts = |column| cells(Arc::clone(&budget), column).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(texts("id"), ["01M7Y2AM68DRM4A36QAV1WMJEC", "01M7Y2AKMMJJWTHK3WRA2T3BM2"]);
        assert_eq!(texts("parents"), ["01M7Y2AKMMJJWTHK3WRA2T3BM2", "01M7Y2AKCYY3TSSZQ5XMPW4170"]);
        assert_eq!(texts("heads"), ["budget", ""]);
        assert_eq!(texts("actor"), ["act-bob", "act-bob"]);
    }

    #[test]
    fn folded_commits_are_left_out_and_a_list_of_folds_has_none() {
        let ids = |filter, closed| cells(chart(filter, closed), "id").len();
        assert_eq!((ids("branch:main", false), ids("branch:main", true)), (7, 2));
        assert!(has_commits(&chart("", true)));
        assert!(!has_commits(&chart("id:nothing", true)));
    }

    #[test]
    fn a_merge_names_both_parents_and_the_first_commit_none() {
        let parents = cells(chart("", false), "parents");
        assert_eq!(parents.first(), Some(&Some("01M7Y2AKMMJJWTHK3WRA2T3BM2".to_owned())));
        assert_eq!(parents.last(), Some(&Some(String::new())));
        assert!(parents.contains(&Some("01M7Y2AKPDTNYYHG7WARYN1CMG 01M7Y2AKJ5MM1PVSC9T809NZ43".to_owned())));
    }
}
