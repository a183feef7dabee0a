//! Which column of a file is which of a table.

use arrow::array::{RecordBatch, StringArray};
use arrow_schema::{Schema, SchemaRef};

use super::block::nullable;
use super::convert::{Conversion, as_texts, is_text};
use crate::id::TableKey;
use crate::schema::{Catalog, TableType};
use crate::storage::ID;

/// The columns of a file, by what they are for.
pub(super) struct Header<'c> {
    pub(super) table: TableType<'c>,
    /// The columns of the table, each allowed to be null.
    pub(super) schema: SchemaRef,
    pub(super) id: Option<TextColumn>,
    /// The source and the destination of an edge.
    pub(super) ends: Vec<TextColumn>,
    /// Per property, its column and how that becomes one of the table.
    pub(super) properties: Vec<Option<(usize, Conversion)>>,
    /// Position and name of the property that is the id.
    pub(super) key: Option<(usize, &'c str)>,
}

/// A column of texts.
#[derive(Debug)]
pub(super) struct TextColumn {
    at: usize,
    pub(super) name: String,
}

impl TextColumn {
    pub(super) fn texts(&self, rows: &RecordBatch) -> Result<StringArray, String> {
        as_texts(rows.column(self.at)).map_err(|error| format!("{}: {error}", self.name))
    }
}

impl<'c> Header<'c> {
    /// Finds the table that is meant by the name of a type, alone or after `node:` or `edge:`.
    pub(super) fn table(catalog: &'c Catalog, name: &str) -> Result<TableType<'c>, String> {
        if name.contains(':') {
            let key: TableKey =
                name.parse().map_err(|_| format!("`{name}` is no table: say node:TYPE or edge:TYPE"))?;
            return catalog.table(&key).ok_or_else(|| format!("there is no {} type {}", key.kind.as_str(), key.name));
        }
        match (catalog.node(name), catalog.edge_ignoring_case(name)) {
            (Some(node), None) => Ok(TableType::Node(node)),
            (None, Some(edge)) => Ok(TableType::Edge(edge)),
            (Some(_), Some(_)) => {
                Err(format!("{name} is both a node type and an edge type: say node:{name} or edge:{name}"))
            }
            (None, None) => {
                Err(format!("there is no type {name}: a file of rows is called like its type, or given as TYPE=FILE"))
            }
        }
    }

    /// Finds the columns of a table.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn find(table: TableType<'c>, found: &Schema) -> Result<Self, Vec<String>> {
        let mut search = Search { found, used: vec![false; found.fields().len()], problems: Vec::new() };
        search.refuse_repeated();
        let key = match table {
            TableType::Node(node) => node.key_property(),
            TableType::Edge(_) => None,
        };
        let (mut properties, mut key_at) = (Vec::new(), None);
        for (at, property) in table.properties().iter().enumerate() {
            let name = property.name.as_str();
            if key == Some(name) {
                key_at = Some((at, name));
            }
            let Some(column) = search.column(name) else {
                if !property.prop_type.nullable {
                    search.problems.push(format!("{name} is required, and there is no column {name}"));
                }
                properties.push(None);
                continue;
            };
            let kind = found.field(column).data_type();
            let conversion = Conversion::of(kind, &property.prop_type);
            if conversion.is_none() {
                let wanted = &property.prop_type;
                search.problems.push(format!(
                    "the column {name} has the type {kind}, which does not become {wanted} without loss"
                ));
            }
            properties.push(conversion.map(|conversion| (column, conversion)));
        }
        let id = search.texts(ID);
        let ends = match table {
            TableType::Node(_) => Vec::new(),
            TableType::Edge(_) => {
                [["src", "from"], ["dst", "to"]].map(|names| search.end(names)).into_iter().flatten().collect()
            }
        };
        search.refuse_unknown();
        match search.problems.is_empty() {
            true => Ok(Self { table, schema: nullable(table), id, ends, properties, key: key_at }),
            false => Err(search.problems),
        }
    }
}

struct Search<'f> {
    found: &'f Schema,
    /// Which columns were asked for.
    used: Vec<bool>,
    problems: Vec<String>,
}

impl Search<'_> {
    fn column(&mut self, name: &str) -> Option<usize> {
        let at = self.found.fields().iter().position(|field| field.name() == name)?;
        self.used[at] = true;
        Some(at)
    }

    fn texts(&mut self, name: &str) -> Option<TextColumn> {
        let at = self.column(name)?;
        let kind = self.found.field(at).data_type();
        if !is_text(kind) {
            self.problems.push(format!("the column {name} has the type {kind}, and must be text"));
        }
        Some(TextColumn { at, name: name.to_owned() })
    }

    /// One end of an edge: a property may have the second name.
    fn end(&mut self, [name, other]: [&str; 2]) -> Option<TextColumn> {
        let is_free =
            self.found.fields().iter().position(|field| field.name() == other).is_some_and(|at| !self.used[at]);
        match (self.texts(name), is_free.then(|| self.texts(other)).flatten()) {
            (Some(end), None) | (None, Some(end)) => Some(end),
            (Some(_), Some(_)) => {
                self.problems.push(format!("there are two columns, {name} and {other}, for the same end: keep one"));
                None
            }
            (None, None) => {
                self.problems.push(format!("there is no column {name} (or {other}), which an edge needs"));
                None
            }
        }
    }

    fn refuse_repeated(&mut self) {
        let names: Vec<&String> = self.found.fields().iter().map(|field| field.name()).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                self.problems.push(format!("the column {name} is there twice"));
                self.used[at] = true;
            }
        }
    }

    fn refuse_unknown(&mut self) {
        let unknown = self.found.fields().iter().zip(&self.used).filter(|(_, used)| !**used);
        self.problems.extend(unknown.map(|(field, _)| format!("it has no property {}", field.name())));
    }
}
