//! A checked query with its parameters: every value is a cell.

use arrow::array::ArrayRef;
use serde_json::{Map, Value as Json};

use super::check::{Cell, Checked, Declared, Deed, Operand, Test};
use super::filter::{BoundTest, Filter, is_null_cell};
use super::problem::MutateError;
use crate::load::{cell, key_id};
use crate::nearest::nearest;
use crate::schema::{Property, PropertyType, TableType};

/// A statement, ready to be carried out.
#[derive(Debug)]
pub(super) struct BoundStep<'c> {
    /// How messages name it.
    pub(super) label: String,
    pub(super) table: TableType<'c>,
    pub(super) deed: BoundDeed,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum BoundDeed {
    /// One row: its id if the type has a key, its ends if it is an edge, a cell for every property.
    Insert { id: Option<String>, ends: Option<[String; 2]>, cells: Vec<ArrayRef> },
    /// New cells by the position of their property, for the rows that match.
    Update { cells: Vec<(usize, ArrayRef)>, filter: Filter },
    /// The rows that match.
    Delete { filter: Filter },
}

/// Puts parameters into a query; `now_millis` is what `now()` stands for, in every statement.
///
/// # Errors
/// [`MutateError`] for parameters that are missing, unknown or do not fit.
pub(super) fn bind<'c>(
    checked: Checked<'c>,
    params: &Map<String, Json>,
    now_millis: i64,
) -> Result<Vec<BoundStep<'c>>, MutateError> {
    let values = values(&checked, params)?;
    let binder = Binder { params: &checked.params, values, now_millis };
    checked
        .steps
        .into_iter()
        .map(|step| Ok(BoundStep { deed: binder.deed(step.table, step.deed)?, label: step.label, table: step.table }))
        .collect()
}

/// The values of all parameters, in the order of their declaration.
fn values(checked: &Checked<'_>, params: &Map<String, Json>) -> Result<Vec<Json>, MutateError> {
    let names = || checked.params.iter().map(|param| param.name.as_str());
    if let Some(name) = params.keys().find(|name| !names().any(|known| known == *name)) {
        return Err(MutateError::UnknownParameter {
            query: checked.name.clone(),
            name: name.clone(),
            near: nearest(name, names()).map(str::to_owned),
            declared: names().map(|name| format!("${name}")).collect(),
        });
    }
    checked.params.iter().map(|param| value(checked, param, params.get(&param.name))).collect()
}

fn value(checked: &Checked<'_>, param: &Declared, given: Option<&Json>) -> Result<Json, MutateError> {
    let Declared { name, kind } = param;
    let refused = |reason| MutateError::Parameter { name: name.clone(), reason };
    match given {
        None if kind.nullable => Ok(Json::Null),
        None => Err(MutateError::MissingParameter {
            query: checked.name.clone(),
            name: name.clone(),
            kind: kind.to_string(),
        }),
        Some(Json::Null) if !kind.nullable => Err(refused(format!("it is a {kind} and cannot be null"))),
        Some(value) => cell(kind, value).map(|_| value.clone()).map_err(refused),
    }
}

struct Binder<'p> {
    params: &'p [Declared],
    values: Vec<Json>,
    now_millis: i64,
}

impl Binder<'_> {
    fn deed(&self, table: TableType<'_>, deed: Deed) -> Result<BoundDeed, MutateError> {
        Ok(match deed {
            Deed::Insert { ends, cells } => self.insert(table, ends, &cells)?,
            Deed::Update { cells, filter } => {
                let cell = |cell: &Cell| {
                    let property = &table.properties()[cell.property];
                    Ok((cell.property, self.cell(&property.name, &property.prop_type, &cell.operand)?))
                };
                let cells = cells.iter().map(cell).collect::<Result<_, MutateError>>()?;
                BoundDeed::Update { cells, filter: self.filter(filter)? }
            }
            Deed::Delete { filter } => BoundDeed::Delete { filter: self.filter(filter)? },
        })
    }

    fn insert(
        &self,
        table: TableType<'_>,
        ends: Option<[Operand; 2]>,
        given: &[Cell],
    ) -> Result<BoundDeed, MutateError> {
        let operand = |index: usize| given.iter().find(|cell| cell.property == index).map(|cell| &cell.operand);
        let key = match table {
            TableType::Node(node) => node.key_property(),
            TableType::Edge(_) => None,
        };
        let mut id = None;
        let mut cells = Vec::with_capacity(table.properties().len());
        for (index, property) in table.properties().iter().enumerate() {
            let operand = operand(index).cloned().unwrap_or(Operand::Value(Json::Null));
            if key == Some(property.name.as_str()) {
                id = Some(self.key(property, &operand)?);
            }
            cells.push(self.cell(&property.name, &property.prop_type, &operand)?);
        }
        let end = |operand: &Operand| self.json(operand).as_str().unwrap_or_default().to_owned();
        Ok(BoundDeed::Insert { id, ends: ends.map(|[from, to]| [end(&from), end(&to)]), cells })
    }

    fn key(&self, property: &Property, operand: &Operand) -> Result<String, MutateError> {
        let id = key_id(&property.name, &property.prop_type, &self.json(operand));
        id.map_err(|reason| self.refused(operand, reason))
    }

    fn filter(&self, tests: Vec<Test>) -> Result<Filter, MutateError> {
        let test = |Test { column, kind, compare, operand }: Test| {
            let cell = self.cell(&column, &kind, &operand)?;
            Ok(BoundTest { column, compare, value: (!is_null_cell(&cell)).then_some(cell) })
        };
        Ok(Filter::new(tests.into_iter().map(test).collect::<Result<_, MutateError>>()?))
    }

    fn cell(&self, property: &str, kind: &PropertyType, operand: &Operand) -> Result<ArrayRef, MutateError> {
        cell(kind, &self.json(operand)).map_err(|reason| self.refused(operand, format!("{property}: {reason}")))
    }

    fn refused(&self, operand: &Operand, reason: String) -> MutateError {
        match operand {
            Operand::Param(index) => MutateError::Parameter { name: self.params[*index].name.clone(), reason },
            // Values of the text were looked at with the text.
            Operand::Value(_) | Operand::Now => MutateError::Rule { reason },
        }
    }

    fn json(&self, operand: &Operand) -> Json {
        match operand {
            Operand::Value(value) => value.clone(),
            Operand::Param(index) => self.values[*index].clone(),
            Operand::Now => self.now_millis.into(),
        }
    }
}
