//! `schema`: the accepted schema, or what can be told of the schema of another position.
//!
//! The format keeps the source of the accepted schema only. Where the tables of a position have the columns the accepted
//! schema gives them, that source is the answer; otherwise a source is derived from their columns.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Serialize;
use stratigraph_engine::schema::Catalog;
use stratigraph_engine::{At, Graph, TableKey, TableKind};
use stratigraph_widgets::width::escape;

use super::error::CliError;
use super::output::Out;
use super::{open_graph, position};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// Folder or file:// URI of the graph
    uri: String,
    /// Branch, commit id or its end, v7 or feature@v7, or a time like 2026-05-02T09:14:03Z
    #[arg(long, value_name = "POSITION")]
    at: Option<String>,
}

const NO_FAILURE: &str = "writing to a string cannot fail";

/// The JSON output.
#[derive(Debug, Serialize)]
struct SchemaFacts<'a> {
    source: &'a str,
    /// `accepted`, or `derived` from the columns of the tables.
    origin: &'static str,
}

/// Prints the schema as `.pg` text.
pub(super) async fn run(args: SchemaArgs, out: &mut Out) -> Result<(), CliError> {
    let at = args.at.as_deref().map(position::parse).transpose()?;
    let graph = open_graph(&args.uri).await?;
    let derived = match at {
        Some(at) => derived_at(&graph, &at).await?,
        None => None,
    };
    let origin = if derived.is_some() { "derived" } else { "accepted" };
    let source = derived.as_deref().unwrap_or_else(|| graph.schema().source());
    if out.is_json() {
        return out.json(&SchemaFacts { source, origin });
    }
    source.trim_end().lines().try_for_each(|line| out.line(&printable(line)))
}

/// A line of source without control characters; tabs are indentation.
fn printable(line: &str) -> String {
    line.split('\t').map(escape).collect::<Vec<_>>().join("\t")
}

/// The derived source; none if the accepted one describes the tables.
async fn derived_at(graph: &Graph, at: &At) -> Result<Option<String>, CliError> {
    let snapshot = graph.snapshot(at).await?;
    let mut tables: BTreeMap<TableKey, SchemaRef> = BTreeMap::new();
    for (key, entry) in &snapshot.entries {
        tables.insert(key.clone(), graph.table_schema(entry).await?);
    }
    let catalog = graph.schema().catalog();
    Ok((!describes(catalog, &tables)).then(|| derive(catalog, &tables)))
}

/// Whether a catalog declares exactly these tables with exactly these columns.
fn describes(catalog: &Catalog, tables: &BTreeMap<TableKey, SchemaRef>) -> bool {
    let same = |key: &TableKey, schema: &Schema| {
        catalog.table(key).is_some_and(|table| columns(key.kind, &table.arrow_schema()) == columns(key.kind, schema))
    };
    catalog.tables().count() == tables.len() && tables.iter().all(|(key, schema)| same(key, schema))
}

/// Name, type in the schema language and nullability of the properties.
fn columns(kind: TableKind, schema: &Schema) -> Vec<(String, String)> {
    let built_in: &[&str] = match kind {
        TableKind::Node => &["id"],
        TableKind::Edge => &["id", "src", "dst"],
    };
    let properties = schema.fields().iter().filter(|field| !built_in.contains(&field.name().as_str()));
    properties.map(|field| (field.name().clone(), type_of(field))).collect()
}

fn derive(catalog: &Catalog, tables: &BTreeMap<TableKey, SchemaRef>) -> String {
    let mut text = "// Derived from the columns of the tables at this position: the format does not keep\n\
        // the schema source, constraints, enums, annotations and interfaces of that time.\n"
        .to_owned();
    let nodes_first = |kind| tables.iter().filter(move |(key, _)| key.kind == kind);
    for (key, schema) in nodes_first(TableKind::Node).chain(nodes_first(TableKind::Edge)) {
        let head = match key.kind {
            TableKind::Node => format!("node {} {{", key.name),
            TableKind::Edge => edge_head(catalog, &key.name),
        };
        writeln!(text, "{head}").expect(NO_FAILURE);
        for (name, kind) in columns(key.kind, schema) {
            writeln!(text, "    {name}: {kind}").expect(NO_FAILURE);
        }
        writeln!(text, "}}").expect(NO_FAILURE);
    }
    text
}

/// The types of an edge's ends are not in its columns; today's are given where the edge still exists.
fn edge_head(catalog: &Catalog, name: &str) -> String {
    match catalog.edge(name) {
        Some(edge) => format!("edge {name}: {} -> {} {{ // ends as declared today", edge.from_type, edge.to_type),
        None => format!("edge {name}: Unknown -> Unknown {{ // the types of its ends are not kept"),
    }
}

fn type_of(field: &Field) -> String {
    format!("{}{}", base_type(field.data_type()), if field.is_nullable() { "?" } else { "" })
}

fn base_type(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "String".to_owned(),
        DataType::Boolean => "Bool".to_owned(),
        DataType::Int32 => "I32".to_owned(),
        DataType::Int64 => "I64".to_owned(),
        DataType::UInt32 => "U32".to_owned(),
        DataType::UInt64 => "U64".to_owned(),
        DataType::Float32 => "F32".to_owned(),
        DataType::Float64 => "F64".to_owned(),
        DataType::Date32 => "Date".to_owned(),
        DataType::Date64 => "DateTime".to_owned(),
        DataType::Struct(_) | DataType::LargeBinary => "Blob".to_owned(),
        DataType::FixedSizeList(_, size) => format!("Vector({size})"),
        DataType::List(item) => format!("[{}]", base_type(item.data_type())),
        other => format!("{other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SOURCE: &str = "node Person { name: String @key  age: I32?  tags: [String]?  face: Vector(4)?  photo: Blob? }\n\
        edge Knows: Person -> Person { since: Date }";

    fn tables(catalog: &Catalog) -> BTreeMap<TableKey, SchemaRef> {
        catalog.tables().map(|table| (table.key(), Arc::new(table.arrow_schema()))).collect()
    }

    #[test]
    fn the_accepted_source_describes_its_own_tables_only() {
        let catalog = Catalog::parse(SOURCE).unwrap();
        assert!(describes(&catalog, &tables(&catalog)));
        for other in [
            SOURCE.replace("age: I32?", "age: I32"),
            SOURCE.replace("age: I32?", ""),
            "node Person { name: String }".into(),
        ] {
            let other = Catalog::parse(&other).unwrap();
            assert!(!describes(&catalog, &tables(&other)));
        }
    }

    #[test]
    fn a_derived_source_parses_to_the_same_columns() {
        let catalog = Catalog::parse(SOURCE).unwrap();
        let derived = derive(&catalog, &tables(&catalog));
        let parsed = Catalog::parse(&derived).unwrap();
        assert_eq!(tables(&parsed), tables(&catalog), "{derived}");
        assert!(derived.starts_with("// Derived from the columns"));
    }
}
