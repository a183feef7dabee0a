//! Whether a value or a parameter fits the type of a property. Nothing is turned into another type on the way.

use serde_json::Value as Json;

use super::super::ast::{Value, ValueKind};
use super::Declared;
use crate::load::cell;
use crate::schema::{Constraint, PropertyType, ScalarType, TableType};

/// A value that is written in the text, in the form that loads have it in.
///
/// # Errors
/// Why it does not fit, to be read after the name of the property.
pub(super) fn literal(kind: &PropertyType, value: &Value) -> Result<Json, String> {
    let json = json(kind, value)?;
    if json.is_null() && !kind.nullable {
        return Err("it is required and cannot be null".to_owned());
    }
    cell(kind, &json)?;
    Ok(json)
}

fn json(kind: &PropertyType, value: &Value) -> Result<Json, String> {
    let dated = |form: &str| Err(format!("it is a {kind}, write {form}"));
    let is_date = |scalar| kind.scalar == scalar && !kind.list;
    Ok(match &value.kind {
        ValueKind::Null => Json::Null,
        ValueKind::Bool(value) => Json::Bool(*value),
        ValueKind::Text(_) | ValueKind::Number(_) if is_date(ScalarType::Date) => return dated("date(\"2026-05-02\")"),
        ValueKind::Text(_) | ValueKind::Number(_) if is_date(ScalarType::DateTime) => {
            return dated("datetime(\"2026-05-02T09:14:03Z\") or now()");
        }
        ValueKind::Text(text) => Json::String(text.clone()),
        ValueKind::Number(digits) => {
            serde_json::from_str(digits).map_err(|_| format!("`{digits}` is no number that can be kept"))?
        }
        ValueKind::Date(text) if is_date(ScalarType::Date) => Json::String(text.clone()),
        ValueKind::DateTime(text) if is_date(ScalarType::DateTime) => Json::String(text.clone()),
        ValueKind::Date(_) => return Err(format!("it is a {kind}, not a Date")),
        ValueKind::DateTime(_) => return Err(format!("it is a {kind}, not a DateTime")),
        ValueKind::List(items) => {
            let scalar = if matches!(kind.scalar, ScalarType::Vector(_)) { ScalarType::F32 } else { kind.scalar };
            let item = PropertyType { scalar, nullable: true, list: false, enum_values: None };
            Json::Array(items.iter().map(|value| self::json(&item, value)).collect::<Result<_, _>>()?)
        }
        ValueKind::Now | ValueKind::Param(_) => {
            return Err("a list holds values: pass the whole list as a parameter".to_owned());
        }
    })
}

/// Whether the values of a parameter fit a type. An enum takes a text, which is looked at when it is known.
///
/// # Errors
/// Why they do not.
pub(super) fn param_fits(param: &Declared, kind: &PropertyType) -> Result<(), String> {
    let Declared { name, kind: declared } = param;
    let needed = PropertyType { enum_values: None, nullable: declared.nullable, ..kind.clone() };
    if *declared != needed {
        return Err(format!("it is {kind}, and ${name} is declared as {declared}: declare it as {needed}"));
    }
    if declared.nullable && !kind.nullable {
        let needed = PropertyType { nullable: false, ..needed };
        return Err(format!("it cannot be null here, and ${name} may be: declare it as {needed}"));
    }
    Ok(())
}

/// Whether a property is part of what identifies a node.
pub(super) fn is_key(table: TableType<'_>, property: &str) -> bool {
    table.constraints().iter().any(|constraint| match constraint {
        Constraint::Key(columns) => columns.iter().any(|column| column == property),
        Constraint::Unique(_) | Constraint::Index(_) | Constraint::Range { .. } | Constraint::Check { .. } => false,
    })
}
