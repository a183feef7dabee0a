//! The columns of a table beside the properties of its type: what is stored, what the schema says, and where they differ.

use arrow::datatypes::Schema;
use stratigraph_engine::schema::{DeclarationKind, TypeSummary};
use stratigraph_engine::{TableKey, TableKind, Value};

/// Titles of the list.
pub(super) const COLUMNS: [&str; 5] = ["column", ".pg type", "stored as", "nullable", "annotations"];

/// Stands for what does not exist on one side.
pub(super) const ABSENT: &str = "-";

/// Whether a declaration is the type of a table.
pub(super) fn is_type(summary: &TypeSummary, table: &TableKey) -> bool {
    let same_kind = match (summary.kind, table.kind) {
        (DeclarationKind::Node, TableKind::Node) | (DeclarationKind::Edge, TableKind::Edge) => true,
        (DeclarationKind::Interface | DeclarationKind::Node | DeclarationKind::Edge, _) => false,
    };
    same_kind && summary.name == *table.name
}

/// One line per stored column, then one per property that is not stored.
pub(super) fn lines(stored: &Schema, known: Option<&TypeSummary>) -> Vec<Vec<Value>> {
    let property = |name: &str| known.and_then(|known| known.properties.iter().find(|property| property.name == name));
    let mut lines: Vec<Vec<Value>> = Vec::new();
    for field in stored.fields() {
        let (type_text, annotations) = match property(field.name()) {
            Some(property) => (property.type_text.clone(), property.annotations.join(" ")),
            None => (built_in(field.name()).to_owned(), String::new()),
        };
        let nullable = if field.is_nullable() { "yes" } else { "no" };
        lines.push(texts([field.name(), &type_text, &field.data_type().to_string(), nullable, &annotations]));
    }
    let missing = known.into_iter().flat_map(|known| &known.properties);
    for property in missing.filter(|property| stored.field_with_name(&property.name).is_err()) {
        let annotations = property.annotations.join(" ");
        lines.push(texts([&property.name, &property.type_text, "not in this version", ABSENT, &annotations]));
    }
    lines
}

fn built_in(column: &str) -> &'static str {
    match column {
        "id" => "identity",
        "src" | "dst" => "identity of a node",
        _ => "not in the schema",
    }
}

/// An empty text here is no annotation, not an empty value.
fn texts(cells: [&str; 5]) -> Vec<Value> {
    cells.iter().map(|&cell| Value::from(if cell.is_empty() { " " } else { cell })).collect()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use stratigraph_engine::schema::PropertySummary;

    use super::*;

    #[test]
    fn differences_between_table_and_schema_are_said() {
        let stored = Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("age", DataType::Int32, true),
            Field::new("old", DataType::Utf8, true),
        ]);
        let property = |name: &str, type_text: &str| PropertySummary {
            name: name.to_owned(),
            type_text: type_text.to_owned(),
            annotations: vec!["@index".to_owned()],
        };
        let known = TypeSummary {
            kind: DeclarationKind::Node,
            name: "Person".to_owned(),
            detail: String::new(),
            annotations: Vec::new(),
            properties: vec![property("age", "I32?"), property("born", "Date?")],
            constraints: Vec::new(),
        };
        let text: Vec<String> = lines(&stored, Some(&known))
            .iter()
            .map(|line| line.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"))
            .collect();
        assert_eq!(
            text,
            [
                "id|identity|Utf8|no| ",
                "age|I32?|Int32|yes|@index",
                "old|not in the schema|Utf8|yes| ",
                "born|Date?|not in this version|-|@index",
            ]
        );
        assert!(is_type(&known, &"node:Person".parse().expect("valid")));
        assert!(!is_type(&known, &"edge:Person".parse().expect("valid")));
    }
}
