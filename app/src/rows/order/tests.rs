//! Whole rows by their ids, in the order of a list.

use arrow::array::{Int32Array, StringArray};

use super::*;
use crate::cli::sample;

fn batch(ids: &[&str], numbers: &[i32]) -> RecordBatch {
    let ids: StringArray = ids.iter().map(|id| Some(*id)).collect();
    let columns: [(&str, arrow::array::ArrayRef); 2] =
        [("number", Arc::new(Int32Array::from(numbers.to_vec()))), ("id", Arc::new(ids))];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn listed(rows: &[(&str, u64)]) -> VecDeque<Listed> {
    rows.iter().map(|(id, bytes)| (Arc::from(*id), *bytes)).collect()
}

#[test]
fn rows_come_in_the_order_of_the_list() {
    let batches = [batch(&["a", "b"], &[1, 2]), batch(&["b", "c"], &[3, 4])];
    let ids: Vec<Arc<str>> = ["c", "b", "a", "b"].map(Arc::from).into();
    assert_eq!(in_order_of(&batches, &ids), batch(&["c", "b", "a", "b"], &[4, 2, 1, 3]));
}

#[test]
fn pieces_end_before_their_blobs_are_too_many_bytes() {
    let mut waiting = listed(&[("a", PIECE_BYTES), ("b", 1), ("c", 2), ("d", PIECE_BYTES + 1), ("e", 0)]);
    let mut pieces = Vec::new();
    while !waiting.is_empty() {
        pieces.push(next_piece(&mut waiting).iter().map(ToString::to_string).collect::<String>());
    }
    assert_eq!(pieces, ["a", "bc", "d", "e"]);
    let mut many: VecDeque<Listed> = (0..=PIECE_ROWS).map(|row| (row.to_string().into(), 0)).collect();
    assert_eq!(next_piece(&mut many).len(), PIECE_ROWS);
    assert_eq!(next_piece(&mut many).len(), 1);
}

#[test]
fn ids_with_quotes_stay_one_literal() {
    assert_eq!(one_of(&[Arc::from("a"), Arc::from("o'x")]), "id IN ('a', 'o''x')");
}

async fn texts(rows: RowStream) -> Vec<String> {
    let batches: Vec<RecordBatch> = rows.try_collect().await.expect("readable");
    let line = |batch: &RecordBatch, row| {
        let names = stratigraph_engine::Row::columns_of(batch);
        stratigraph_engine::Row::from_batch(&names, batch, row).to_json().to_string()
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| line(batch, row))).collect()
}

#[tokio::test]
async fn reading_by_id_gives_what_the_query_gives() {
    let graph = sample().await;
    let snapshot = Arc::new(graph.snapshot(&"main".parse().expect("a branch")).await.expect("it is there"));
    for (table, column, filter) in [
        ("node:Project", "budget", None),
        ("node:Note", "body", None),
        ("node:Person", "age", Some("age > 34")),
        ("edge:WorksOn", "share", None),
    ] {
        for descending in [false, true] {
            let table: TableKey = table.parse().expect("a table");
            let order = Order { column: column.to_owned(), descending };
            let options = ReadOptions { filter: filter.map(str::to_owned), ..ReadOptions::default() };
            let sorted = read(&graph, &snapshot, &table, &options, &order).await.expect("sorted");
            let columns = names(&graph.table_schema(&snapshot.entries[&table]).await.expect("its columns"));
            let ids = statement(&table, filter, &order, Some(&[ID.to_owned()]));
            let ids = graph.sql(&snapshot, &ids, SqlOptions::default()).await.expect("ids").batches;
            let by_id = ById { graph: graph.clone(), snapshot: snapshot.clone(), table, wanted: columns };
            let expected = texts(sorted).await;
            assert!(expected.len() > 1);
            assert_eq!(texts(by_id.rows(ids)).await, expected);
        }
    }
}
