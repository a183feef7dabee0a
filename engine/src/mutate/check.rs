//! A query against the schema: every name is known, every value fits, before anything is read.

mod value;

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use super::ast::{Action, Assignment, Body, Comparison, Name, Op, Param, Query, Statement, TypeExpr, ValueKind};
use super::problem::{MutateError, TextError, TextProblem};
use crate::excerpt::position;
use crate::id::TableKey;
use crate::nearest::nearest;
use crate::schema::{Catalog, PropertyType, ScalarType, TableType};
use crate::storage::{Compare, ID};

/// A query that fits the schema.
#[derive(Debug)]
pub(super) struct Checked<'c> {
    pub(super) name: String,
    pub(super) params: Vec<Declared>,
    pub(super) steps: Vec<Step<'c>>,
}

/// A parameter and its type.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) kind: PropertyType,
}

/// One statement.
#[derive(Debug)]
pub(super) struct Step<'c> {
    /// How messages name it: `statement 2 (line 3: update Person)`.
    pub(super) label: String,
    pub(super) table: TableType<'c>,
    pub(super) deed: Deed,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum Deed {
    /// Source and destination are there for an edge.
    Insert {
        ends: Option<[Operand; 2]>,
        cells: Vec<Cell>,
    },
    Update {
        cells: Vec<Cell>,
        filter: Vec<Test>,
    },
    Delete {
        filter: Vec<Test>,
    },
}

/// A new value of a property, by its position among the properties of the type.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) property: usize,
    pub(super) operand: Operand,
}

/// A condition on a column.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) column: String,
    pub(super) kind: PropertyType,
    pub(super) compare: Compare,
    pub(super) operand: Operand,
}

/// What stands for a value until the parameters are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Value(Json),
    /// By its position among the parameters.
    Param(usize),
    Now,
}

/// Checks a query.
///
/// # Errors
/// The first place that does not fit, or two statements that cannot go together.
pub(super) fn check<'c>(source: &str, query: &Query, catalog: &'c Catalog) -> Result<Checked<'c>, MutateError> {
    let statements = match &query.body {
        Body::Writes(statements) => statements,
        Body::Reads { at } => {
            let problem = TextProblem::Reads { query: query.name.text.clone() };
            return Err(TextError::at(source, *at, problem).into());
        }
    };
    let params = params(&query.params).map_err(|fault| fault.place(source))?;
    let checker = Checker { catalog, params: &params };
    let mut steps = Vec::with_capacity(statements.len());
    for (number, statement) in (1..).zip(statements) {
        let step = checker.step(statement, label(source, number, statement));
        steps.push(step.map_err(|fault| fault.place(source))?);
    }
    one_way_each(catalog, &steps)?;
    Ok(Checked { name: query.name.text.clone(), params, steps })
}

/// A problem and its byte offset.
#[derive(Debug)]
struct Fault {
    at: usize,
    problem: TextProblem,
}

impl Fault {
    fn place(self, source: &str) -> TextError {
        TextError::at(source, self.at, self.problem)
    }
}

fn label(source: &str, number: usize, statement: &Statement) -> String {
    let (line, _) = position(source, statement.at);
    let verb = match statement.action {
        Action::Insert { .. } => "insert",
        Action::Update { .. } => "update",
        Action::Delete { .. } => "delete",
    };
    format!("statement {number} (line {line}: {verb} {})", statement.table.text)
}

/// A table gets one commit, and that adds and replaces rows or removes some.
fn one_way_each(catalog: &Catalog, steps: &[Step<'_>]) -> Result<(), MutateError> {
    let (mut writes, mut deletes) = (BTreeMap::<TableKey, String>::new(), BTreeMap::<TableKey, String>::new());
    for Step { label, table, deed } in steps {
        match (deed, table) {
            (Deed::Insert { .. } | Deed::Update { .. }, _) => {
                writes.entry(table.key()).or_insert_with(|| label.clone());
            }
            (Deed::Delete { .. }, table) => {
                deletes.entry(table.key()).or_insert_with(|| label.clone());
                for edge in catalog.edges().iter().filter(|edge| touches(edge, *table)) {
                    let cascade = || format!("{label}, which deletes the edges of its nodes");
                    deletes.entry(TableType::Edge(edge).key()).or_insert_with(cascade);
                }
            }
        }
    }
    match deletes.iter().find_map(|(key, deletes)| Some((key, writes.get(key)?, deletes))) {
        None => Ok(()),
        Some((key, writes, deletes)) => {
            Err(MutateError::TwoWays { table_key: key.clone(), writes: writes.clone(), deletes: deletes.clone() })
        }
    }
}

/// Whether edges of a type lead to or from the nodes of a table.
pub(super) fn touches(edge: &crate::schema::EdgeType, nodes: TableType<'_>) -> bool {
    match nodes {
        TableType::Node(node) => edge.from_type == node.name || edge.to_type == node.name,
        TableType::Edge(_) => false,
    }
}

fn params(declared: &[Param]) -> Result<Vec<Declared>, Fault> {
    let mut names = HashSet::new();
    let mut params = Vec::with_capacity(declared.len());
    for Param { name, kind } in declared {
        if !names.insert(&name.text) {
            let problem = TextProblem::Twice { what: "parameter", name: format!("${}", name.text) };
            return Err(Fault { at: name.at, problem });
        }
        params.push(Declared { name: name.text.clone(), kind: param_type(kind)? });
    }
    Ok(params)
}

fn param_type(written: &TypeExpr) -> Result<PropertyType, Fault> {
    let TypeExpr { base, length, list, nullable } = written;
    let scalar = if let Some(length) = length {
        let number = length.text.parse().ok().filter(|&number: &u32| number > 0 && i32::try_from(number).is_ok());
        let reason = || "a vector has 1 to 2147483647 numbers".to_owned();
        let problem = || TextProblem::Value { property: "Vector".to_owned(), reason: reason() };
        ScalarType::Vector(number.ok_or_else(|| Fault { at: length.at, problem: problem() })?)
    } else {
        ScalarType::from_base_word(&base.text).ok_or_else(|| {
            let words = ScalarType::BASE_WORDS.into_iter().chain(["Vector"]);
            let near = nearest(&base.text, words).map(str::to_owned);
            Fault { at: base.at, problem: TextProblem::UnknownParameterType { name: base.text.clone(), near } }
        })?
    };
    Ok(PropertyType { scalar, nullable: *nullable, list: *list, enum_values: None })
}

struct Checker<'c, 'p> {
    catalog: &'c Catalog,
    params: &'p [Declared],
}

impl<'c> Checker<'c, '_> {
    fn step(&self, statement: &Statement, label: String) -> Result<Step<'c>, Fault> {
        let table = self.table(&statement.table)?;
        let deed = match &statement.action {
            Action::Insert { cells } => self.insert(statement, table, cells)?,
            Action::Update { cells, filter } => self.update(statement, table, cells, filter)?,
            Action::Delete { filter } => Deed::Delete { filter: self.filter(table, filter)? },
        };
        Ok(Step { label, table, deed })
    }

    fn table(&self, name: &Name) -> Result<TableType<'c>, Fault> {
        let node = self.catalog.node(&name.text).map(TableType::Node);
        let edge = || self.catalog.edge_ignoring_case(&name.text).map(TableType::Edge);
        node.or_else(edge).ok_or_else(|| {
            let names = || self.catalog.tables().map(TableType::name);
            let same = names().find(|known| known.eq_ignore_ascii_case(&name.text));
            let near = same.or_else(|| nearest(&name.text, names())).map(str::to_owned);
            Fault { at: name.at, problem: TextProblem::UnknownType { name: name.text.clone(), near } }
        })
    }

    fn insert(&self, statement: &Statement, table: TableType<'c>, cells: &[Assignment]) -> Result<Deed, Fault> {
        let mut ends = [None, None];
        let mut found = Vec::new();
        let mut given = HashSet::new();
        for Assignment { name, value } in cells {
            let end = end_of(table, name);
            once(&mut given, name, end.is_some())?;
            if let Some(end) = end {
                ends[end] = Some(self.operand(&name.text, &text_type(), value)?);
            } else {
                let (property, kind) = property(table, name)?;
                found.push(Cell { property, operand: self.operand(&name.text, &kind, value)? });
            }
        }
        let ends_needed = table_ends(table).iter().zip(&ends).filter(|(_, end)| end.is_none()).map(|(name, _)| *name);
        let needed = table.properties().iter().filter(|property| !property.prop_type.nullable);
        let needed = needed.map(|property| property.name.as_str()).filter(|name| !given.contains(&(*name, false)));
        let missing: Vec<String> = ends_needed.map(str::to_owned).chain(needed.map(|name| said(table, name))).collect();
        if !missing.is_empty() {
            let problem = TextProblem::Missing { table: table.name().to_owned(), missing };
            return Err(Fault { at: statement.at, problem });
        }
        let [from, to] = ends;
        Ok(Deed::Insert { ends: from.zip(to).map(|(from, to)| [from, to]), cells: found })
    }

    fn update(
        &self,
        statement: &Statement,
        table: TableType<'c>,
        cells: &[Assignment],
        filter: &[Comparison],
    ) -> Result<Deed, Fault> {
        let name = || table.name().to_owned();
        let TableType::Node(node) = table else {
            return Err(Fault { at: statement.table.at, problem: TextProblem::EdgeUpdate { table: name() } });
        };
        if cells.is_empty() {
            let missing = vec!["a property to set".to_owned()];
            let problem = TextProblem::Missing { table: format!("update {}", node.name), missing };
            return Err(Fault { at: statement.at, problem });
        }
        let mut given = HashSet::new();
        let mut found = Vec::new();
        for Assignment { name, value } in cells {
            once(&mut given, name, false)?;
            let (property, kind) = property(table, name)?;
            if value::is_key(table, &name.text) {
                let problem = TextProblem::Key { table: node.name.clone(), property: name.text.clone() };
                return Err(Fault { at: name.at, problem });
            }
            found.push(Cell { property, operand: self.operand(&name.text, &kind, value)? });
        }
        Ok(Deed::Update { cells: found, filter: self.filter(table, filter)? })
    }

    fn filter(&self, table: TableType<'_>, filter: &[Comparison]) -> Result<Vec<Test>, Fault> {
        filter.iter().map(|comparison| self.test(table, comparison)).collect()
    }

    fn test(&self, table: TableType<'_>, comparison: &Comparison) -> Result<Test, Fault> {
        let Comparison { name, op, op_at, value } = comparison;
        let (column, kind) = match end_of(table, name) {
            Some(end) => (["src", "dst"][end].to_owned(), text_type()),
            None if name.text == ID => (ID.to_owned(), text_type()),
            None => (name.text.clone(), property(table, name)?.1),
        };
        let compare = compare(*op).ok_or(Fault { at: *op_at, problem: TextProblem::Contains })?;
        let for_equality = matches!(compare, Compare::Equal | Compare::NotEqual);
        if let Some(reason) = incomparable(&kind, for_equality, value.kind == ValueKind::Null) {
            let problem = TextProblem::Incomparable { property: name.text.clone(), kind: kind.to_string(), reason };
            return Err(Fault { at: *op_at, problem });
        }
        // With `=` and `!=` null asks whether there is a value.
        let kind = PropertyType { nullable: for_equality, ..kind };
        let operand = self.operand(&name.text, &kind, value)?;
        Ok(Test { column, kind, compare, operand })
    }

    fn operand(&self, property: &str, kind: &PropertyType, value: &super::ast::Value) -> Result<Operand, Fault> {
        let refused = |reason| {
            let problem = TextProblem::Value { property: property.to_owned(), reason };
            Fault { at: value.at, problem }
        };
        match &value.kind {
            ValueKind::Param(name) => {
                let Some(index) = self.params.iter().position(|param| param.name == *name) else {
                    let near = nearest(name, self.params.iter().map(|param| param.name.as_str())).map(str::to_owned);
                    let problem = TextProblem::UndeclaredParameter { name: name.clone(), near };
                    return Err(Fault { at: value.at, problem });
                };
                value::param_fits(&self.params[index], kind).map_err(refused)?;
                Ok(Operand::Param(index))
            }
            ValueKind::Now if kind.scalar == ScalarType::DateTime && !kind.list => Ok(Operand::Now),
            ValueKind::Now => Err(refused(format!("now() is a DateTime, not {kind}"))),
            ValueKind::Null
            | ValueKind::Bool(_)
            | ValueKind::Number(_)
            | ValueKind::Text(_)
            | ValueKind::Date(_)
            | ValueKind::DateTime(_)
            | ValueKind::List(_) => value::literal(kind, value).map(Operand::Value).map_err(refused),
        }
    }
}

fn compare(op: Op) -> Option<Compare> {
    Some(match op {
        Op::Equal => Compare::Equal,
        Op::NotEqual => Compare::NotEqual,
        Op::Less => Compare::Less,
        Op::LessOrEqual => Compare::LessOrEqual,
        Op::Greater => Compare::Greater,
        Op::GreaterOrEqual => Compare::GreaterOrEqual,
        Op::Contains => return None,
    })
}

/// Why a type cannot be compared so; none if it can.
fn incomparable(kind: &PropertyType, for_equality: bool, with_null: bool) -> Option<&'static str> {
    let is_whole = kind.list || matches!(kind.scalar, ScalarType::Vector(_));
    if kind.scalar == ScalarType::Blob {
        return Some("blobs cannot be compared");
    }
    if is_whole && !(with_null && for_equality) {
        return Some("only `= null` and `!= null` compare it");
    }
    if kind.scalar == ScalarType::Bool && !for_equality {
        return Some("only `=` and `!=` compare it");
    }
    (with_null && !for_equality).then_some("only `=` and `!=` compare it with null")
}

/// Refuses to give an end or a property a second time.
fn once<'n>(given: &mut HashSet<(&'n str, bool)>, name: &'n Name, is_end: bool) -> Result<(), Fault> {
    if given.insert((&name.text, is_end)) {
        return Ok(());
    }
    Err(Fault { at: name.at, problem: TextProblem::Twice { what: "property", name: name.text.clone() } })
}

/// How the language calls source and destination of an edge.
fn table_ends(table: TableType<'_>) -> &'static [&'static str] {
    match table {
        TableType::Node(_) => &[],
        TableType::Edge(_) => &["from", "to"],
    }
}

/// Which end a name means; none if it means a property.
fn end_of(table: TableType<'_>, name: &Name) -> Option<usize> {
    table_ends(table).iter().position(|end| *end == name.text && !name.is_quoted)
}

/// A property as the language says it: one that is called like an end stands in backticks.
fn said(table: TableType<'_>, property: &str) -> String {
    if table_ends(table).contains(&property) { format!("`{property}`") } else { property.to_owned() }
}

fn text_type() -> PropertyType {
    PropertyType { scalar: ScalarType::String, nullable: false, list: false, enum_values: None }
}

/// Finds a property by its exact name.
fn property(table: TableType<'_>, name: &Name) -> Result<(usize, PropertyType), Fault> {
    let properties = table.properties();
    if let Some(index) = properties.iter().position(|property| property.name == name.text) {
        return Ok((index, properties[index].prop_type.clone()));
    }
    let owner = || table.name().to_owned();
    if name.text == ID {
        let key = match table {
            TableType::Node(node) => node.key_property(),
            TableType::Edge(_) => None,
        };
        let origin = key.map_or_else(|| "made by the graph".to_owned(), |key| format!("its {key}"));
        return Err(Fault { at: name.at, problem: TextProblem::Id { table: owner(), origin } });
    }
    let known: Vec<String> = table_ends(table)
        .iter()
        .filter(|_| !name.is_quoted)
        .map(|end| (*end).to_owned())
        .chain(properties.iter().map(|property| said(table, &property.name)))
        .collect();
    let near = match (table, name.text.as_str()) {
        // The columns of the table, not the words of the language.
        (TableType::Edge(_), "src") => Some("from".to_owned()),
        (TableType::Edge(_), "dst") => Some("to".to_owned()),
        _ => nearest(&name.text, known.iter().map(String::as_str)).map(str::to_owned),
    };
    let problem = TextProblem::UnknownProperty { table: owner(), name: name.text.clone(), near, known };
    Err(Fault { at: name.at, problem })
}

#[cfg(test)]
mod tests;
