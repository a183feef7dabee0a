//! The Arrow schema of a table: how the columns of a type are stored.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema};

use crate::id::TableKind;

use super::catalog::TableType;
use super::ir::Property;
use super::types::{PropertyType, ScalarType};

/// Value of the field metadata `ARROW:extension:name` of a blob column.
pub const BLOB_EXTENSION_NAME: &str = "lance.blob.v2";

const EXTENSION_NAME_KEY: &str = "ARROW:extension:name";
const ITEM: &str = "item";

impl TableType<'_> {
    /// Returns the schema of the table: `id` (an edge also has `src` and `dst`), then the properties by name.
    ///
    /// The built-in columns are non-null text. There is no schema metadata, and field metadata only on blob columns.
    #[must_use]
    pub fn arrow_schema(self) -> Schema {
        let built_in: &[&str] = match self.kind() {
            TableKind::Node => &["id"],
            TableKind::Edge => &["id", "src", "dst"],
        };
        let built_in = built_in.iter().map(|name| Field::new(*name, DataType::Utf8, false));
        Schema::new(built_in.chain(self.properties().iter().map(Property::arrow_field)).collect::<Fields>())
    }
}

impl Property {
    /// Returns the column of the property.
    #[must_use]
    pub fn arrow_field(&self) -> Field {
        let field = Field::new(&self.name, arrow_type(&self.prop_type), self.prop_type.nullable);
        if self.prop_type.scalar == ScalarType::Blob {
            let extension = (EXTENSION_NAME_KEY.to_owned(), BLOB_EXTENSION_NAME.to_owned());
            return field.with_metadata(HashMap::from([extension]));
        }
        field
    }
}

/// Returns the type of a column; a date-time is Arrow's `Date64`, an enum is text, list items may be null.
#[must_use]
pub fn arrow_type(kind: &PropertyType) -> DataType {
    let scalar = scalar_type(kind.scalar);
    if kind.list { DataType::List(Arc::new(Field::new(ITEM, scalar, true))) } else { scalar }
}

fn scalar_type(scalar: ScalarType) -> DataType {
    match scalar {
        ScalarType::String => DataType::Utf8,
        ScalarType::Bool => DataType::Boolean,
        ScalarType::I32 => DataType::Int32,
        ScalarType::I64 => DataType::Int64,
        ScalarType::U32 => DataType::UInt32,
        ScalarType::U64 => DataType::UInt64,
        ScalarType::F32 => DataType::Float32,
        ScalarType::F64 => DataType::Float64,
        ScalarType::Date => DataType::Date32,
        ScalarType::DateTime => DataType::Date64,
        ScalarType::Blob => DataType::Struct(Fields::from(vec![
            Field::new("data", DataType::LargeBinary, true),
            Field::new("uri", DataType::Utf8, true),
        ])),
        ScalarType::Vector(dimension) => {
            let size = i32::try_from(dimension).unwrap_or(i32::MAX);
            DataType::FixedSizeList(Arc::new(Field::new(ITEM, DataType::Float32, true)), size)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::Catalog;
    use super::*;

    const CONTACTS: &str = include_str!("testdata/contacts.pg");

    fn columns(source: &str, table: &str) -> Vec<(String, DataType, bool)> {
        let catalog = Catalog::parse(source).expect("the source is valid");
        let schema = catalog.table(&table.parse().expect("a table key")).expect("the table is declared").arrow_schema();
        assert!(schema.metadata().is_empty());
        schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone(), f.is_nullable())).collect()
    }

    fn column(name: &str, kind: DataType, nullable: bool) -> (String, DataType, bool) {
        (name.to_owned(), kind, nullable)
    }

    #[test]
    fn every_type_has_the_column_of_the_format_description() {
        let types = "node All { s: String b: Bool i: I32 j: I64 u: U32 v: U64 f: F32 g: F64? d: Date t: DateTime? \
                     e: enum(a) l: [I64]? x: Vector(3) }";
        let item = |kind| Arc::new(Field::new("item", kind, true));
        assert_eq!(
            columns(types, "node:All"),
            [
                column("id", DataType::Utf8, false),
                column("b", DataType::Boolean, false),
                column("d", DataType::Date32, false),
                column("e", DataType::Utf8, false),
                column("f", DataType::Float32, false),
                column("g", DataType::Float64, true),
                column("i", DataType::Int32, false),
                column("j", DataType::Int64, false),
                column("l", DataType::List(item(DataType::Int64)), true),
                column("s", DataType::Utf8, false),
                column("t", DataType::Date64, true),
                column("u", DataType::UInt32, false),
                column("v", DataType::UInt64, false),
                column("x", DataType::FixedSizeList(item(DataType::Float32), 3), false),
            ]
        );
    }

    #[test]
    fn an_edge_table_starts_with_its_ends() {
        let names: Vec<String> = columns(CONTACTS, "edge:Knows").into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["id", "src", "dst", "since", "weight"]);
        assert!(columns(CONTACTS, "edge:WorksAt").iter().all(|(_, kind, null)| *kind == DataType::Utf8 && !null));
    }

    #[test]
    fn only_blob_columns_carry_metadata() {
        let catalog = Catalog::parse(CONTACTS).expect("the source is valid");
        let schema = TableType::Node(catalog.node("Person").expect("Person is declared")).arrow_schema();
        let marked: Vec<&str> =
            schema.fields().iter().filter(|f| !f.metadata().is_empty()).map(|f| f.name().as_str()).collect();
        assert_eq!(marked, ["avatar"]);
        let avatar = schema.field_with_name("avatar").expect("avatar is a column");
        assert_eq!(avatar.metadata()["ARROW:extension:name"], "lance.blob.v2");
        let parts = vec![Field::new("data", DataType::LargeBinary, true), Field::new("uri", DataType::Utf8, true)];
        assert_eq!(*avatar.data_type(), DataType::Struct(parts.into()));
    }

    #[test]
    fn the_largest_vector_fits() {
        let last = columns("node A { v: Vector(2147483647) }", "node:A").remove(1);
        let DataType::FixedSizeList(_, size) = last.1 else { panic!("a vector is a fixed-size list") };
        assert_eq!(size, i32::MAX);
    }
}
