//! Loading many rows at once, from every format. The budget itself is measured with the program as it is released: see
//! `docs/performance.md`.

use std::fmt::Write;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{BatchSize, Criterion, Throughput};
use parquet::arrow::ArrowWriter;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest, TableFile};
use stratigraph_engine::{BranchName, CreateOptions, Graph, OpenMode, Progress};
use tokio::runtime::Runtime;

const SCHEMA: &str = "node Item {\n  sku: String @key\n  title: String\n  stock: I64\n  price: F64\n}\n";
const ROWS: u32 = 50_000;

/// Time for some rows into an empty table, without making the graph.
pub(crate) fn rows(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text: Arc<[u8]> = records().into_bytes().into();
    let file = folder.path().join("Item.parquet");
    write_table(&file);
    let mut group = criterion.benchmark_group("load");
    group.throughput(Throughput::Elements(ROWS.into()));
    let text_input = || Input { name: "items".into(), reader: Box::new(Cursor::new(text.clone())) };
    let file_input = || {
        let rows = TableFile::new("Item", File::open(&file).expect("it was just written"));
        Input { name: "items".into(), reader: Box::new(rows) }
    };
    let formats: [(&str, &dyn Fn() -> Input); 2] = [("json lines", &text_input), ("parquet", &file_input)];
    for (name, input) in formats {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (runtime.block_on(create()), input()),
                |((folder, graph), input)| {
                    runtime.block_on(load(&graph, input));
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn records() -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        let (stock, price) = (row.wrapping_mul(7919) % 10_000, f64::from(row) / 8.0);
        writeln!(
            text,
            r#"{{"type":"Item","data":{{"sku":"item-{row:07}","title":"lot {stock} of {row}","stock":{stock},"price":{price}}}}}"#
        )
        .expect("a text takes everything");
    }
    text
}

fn write_table(path: &Path) {
    let column = |of: fn(u32) -> String| Arc::new((0..ROWS).map(of).map(Some).collect::<StringArray>()) as ArrayRef;
    let columns: [(&str, ArrayRef); 4] = [
        ("sku", column(|row| format!("item-{row:07}"))),
        ("title", column(|row| format!("lot {} of {row}", row.wrapping_mul(7919) % 10_000))),
        (
            "stock",
            Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| i64::from(row.wrapping_mul(7919) % 10_000)))),
        ),
        ("price", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| f64::from(row) / 8.0)))),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let file = File::create(path).expect("a new file");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a writer");
    writer.write(&rows).expect("room for a file");
    writer.close().expect("room for a file");
}

async fn create() -> (tempfile::TempDir, Graph) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let uri = folder.path().join("graph").to_string_lossy().into_owned();
    Graph::create(&uri, SCHEMA, &CreateOptions::default()).await.expect("a new graph");
    (folder, Graph::open(&uri, OpenMode::ReadWrite).await.expect("it opens"))
}

async fn load(graph: &Graph, input: Input) {
    let request = LoadRequest { mode: LoadMode::Append, branch: BranchName::main(), actor: None, inputs: vec![input] };
    let loaded = graph.load(request, &Progress::none()).await.expect("the rows are right");
    assert_eq!(loaded.records.values().sum::<u64>(), u64::from(ROWS));
}
