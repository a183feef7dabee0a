//! The schema of a graph: its language, its checked form, its compiled form and what follows from them.
//!
//! Pure code without I/O: text → syntax tree → [`Catalog`] → Arrow schemas. A graph keeps its schema in three files;
//! [`SchemaContract::check`] tells whether they agree.
//!
//! ```
//! use stratigraph_engine::schema::{Catalog, TableType};
//!
//! let catalog = Catalog::parse("node Person { name: String @key  age: I32? }")?;
//! let person = catalog.table(&"node:Person".parse()?).expect("it is declared");
//! assert_eq!(person.dir_name(), "nodes/40d76f1f51639ec0");
//! let columns: Vec<String> = person.arrow_schema().fields().iter().map(|field| field.name().clone()).collect();
//! assert_eq!(columns, ["id", "age", "name"]);
//!
//! let source = "node Person {\n  name: Text\n}";
//! let error = Catalog::parse(source).unwrap_err();
//! assert_eq!((error.line(), error.column()), (2, 9));
//! assert!(error.render(source).ends_with("2 |   name: Text\n  |         ^"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrow;
mod ast;
mod catalog;
mod contract;
mod ids;
mod ir;
mod lex;
mod parse;
mod problem;
mod staging;
mod state;
mod text;
mod types;

pub use arrow::{BLOB_EXTENSION_NAME, arrow_type};
pub use catalog::{Catalog, TableType};
pub use contract::{ContractError, ContractFile, ContractOrigin, SchemaContract};
pub use ids::{DeclarationKind, table_dir_name};
pub use ir::{EdgeType, IR_VERSION, InterfaceType, NodeType, Property, SchemaIr};
pub use problem::{SchemaError, SchemaProblem};
pub use staging::{ContractTexts, StagedSchema};
pub use state::{SCHEMA_IDENTITY_VERSION, STATE_FORMAT_VERSION, SchemaState};
pub use text::{PropertySummary, TypeSummary};
pub use types::{Annotation, Bound, Cardinality, Constraint, PropertyType, ScalarType};

pub(crate) use staging::decide as decide_staged;
