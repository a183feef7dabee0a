//! Rules of a type that a single row can break: required values, ranges, patterns, enums. Pure.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_schema::DataType;
use regex::Regex;

use crate::schema::{Bound, Constraint, TableType};

/// A rule that a row breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    /// Row of the batch.
    pub(crate) row: usize,
    /// The property whose value it is.
    pub(crate) property: String,
    /// What is wrong with it, naming the property.
    pub(crate) reason: String,
}

/// The rules of one type, ready to be applied.
pub(crate) struct RowRules {
    required: Vec<String>,
    ranges: Vec<(String, Option<Bound>, Option<Bound>)>,
    patterns: Vec<(String, Regex)>,
    enums: Vec<(String, Vec<String>)>,
}

impl RowRules {
    /// The rules of a type.
    ///
    /// # Errors
    /// The pattern of a check that is no regular expression: the schema was accepted by a program that knows other ones.
    pub(crate) fn of(table: TableType<'_>) -> Result<Self, String> {
        let enums = table.properties().iter().filter_map(|property| {
            let allowed = property.prop_type.enum_values.clone()?;
            Some((property.name.clone(), allowed))
        });
        Ok(Self { enums: enums.collect(), ..Self::of_typed(table)? })
    }

    /// The rules of a type for rows whose cells were made from values of its types: an enum has one of its values.
    ///
    /// # Errors
    /// As [`RowRules::of`].
    pub(crate) fn of_typed(table: TableType<'_>) -> Result<Self, String> {
        let required = table.properties().iter().filter(|property| !property.prop_type.nullable);
        let mut rules = Self {
            required: required.map(|property| property.name.clone()).collect(),
            ranges: Vec::new(),
            patterns: Vec::new(),
            enums: Vec::new(),
        };
        for constraint in table.constraints() {
            match constraint {
                Constraint::Range { property, min, max } => rules.ranges.push((property.clone(), *min, *max)),
                Constraint::Check { property, pattern } => {
                    let regex = Regex::new(pattern).map_err(|error| format!("@check of {property}: {error}"))?;
                    rules.patterns.push((property.clone(), regex));
                }
                Constraint::Key(_) | Constraint::Unique(_) | Constraint::Index(_) => {}
            }
        }
        Ok(rules)
    }

    /// What the rows of a batch break, in order of the rules, then of the rows.
    pub(crate) fn breaches(&self, batch: &RecordBatch) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let breach = |row, name: &String, reason| Breach { row, property: name.clone(), reason };
        for name in &self.required {
            let Some(column) = batch.column_by_name(name).filter(|column| column.null_count() > 0) else { continue };
            let missing = (0..column.len()).filter(|&row| column.is_null(row));
            breaches.extend(missing.map(|row| breach(row, name, format!("{name} is required"))));
        }
        for (name, min, max) in &self.ranges {
            let Some(column) = batch.column_by_name(name) else { continue };
            let outside = (0..column.len()).filter_map(|row| Some((row, outside(column, row, *min, *max)?)));
            breaches.extend(outside.map(|(row, why)| breach(row, name, format!("{name}: {why}"))));
        }
        for (name, pattern) in &self.patterns {
            let why = |text: &str| {
                let matches = pattern.is_match(text);
                (!matches).then(|| format!("`{text}` does not match {pattern}"))
            };
            let wrong = wrong_texts(batch, name, why);
            breaches.extend(wrong.map(|(row, why)| breach(row, name, format!("{name}: {why}"))));
        }
        for (name, allowed) in &self.enums {
            let wrong = wrong_texts(batch, name, |text| not_one_of(allowed, text));
            breaches.extend(wrong.map(|(row, why)| breach(row, name, format!("{name}: {why}"))));
        }
        breaches
    }
}

/// The rows of a text column with something wrong, as `why` tells it; those without a text are right.
fn wrong_texts<'b>(
    batch: &'b RecordBatch,
    name: &str,
    why: impl Fn(&str) -> Option<String> + 'b,
) -> impl Iterator<Item = (usize, String)> + 'b {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let texts = column.into_iter().flatten().enumerate();
    texts.filter_map(move |(row, text)| Some((row, why(text?)?)))
}

/// Why a text is no word of an enum; none if it is one.
pub(crate) fn not_one_of(allowed: &[String], text: &str) -> Option<String> {
    let is_one = allowed.iter().any(|word| word == text);
    (!is_one).then(|| format!("`{text}` is not one of {}", allowed.join(", ")))
}

/// Why a number is not in a range; none if it is, or is null.
fn outside(column: &ArrayRef, row: usize, min: Option<Bound>, max: Option<Bound>) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let number = Number::of(column, row)?;
    if matches!(number, Number::Float(number) if number.is_nan()) {
        return Some("NaN is in no range".to_owned());
    }
    let below = min.filter(|&bound| number.cmp(bound) == Some(std::cmp::Ordering::Less));
    let above = max.filter(|&bound| number.cmp(bound) == Some(std::cmp::Ordering::Greater));
    match (below, above) {
        (Some(bound), _) => Some(format!("{number} is less than {}", show(bound))),
        (None, Some(bound)) => Some(format!("{number} is more than {}", show(bound))),
        (None, None) => None,
    }
}

fn show(bound: Bound) -> String {
    match bound {
        Bound::Integer(number) => number.to_string(),
        Bound::Float(number) => number.to_string(),
    }
}

/// A number of any type, compared without rounding where both sides are whole.
#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    fn of(column: &ArrayRef, row: usize) -> Option<Self> {
        Some(match column.data_type() {
            DataType::Int32 => Self::Whole(column.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Self::Whole(column.as_primitive::<Int64Type>().value(row).into()),
            DataType::UInt32 => Self::Whole(column.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Self::Whole(column.as_primitive::<UInt64Type>().value(row).into()),
            DataType::Float32 => Self::Float(column.as_primitive::<Float32Type>().value(row).into()),
            DataType::Float64 => Self::Float(column.as_primitive::<Float64Type>().value(row)),
            _ => return None,
        })
    }

    fn cmp(self, bound: Bound) -> Option<std::cmp::Ordering> {
        match (self, bound) {
            (Self::Whole(number), Bound::Integer(bound)) => Some(number.cmp(&i128::from(bound))),
            (Self::Whole(number), Bound::Float(bound)) => (number as f64).partial_cmp(&bound),
            (Self::Float(number), Bound::Integer(bound)) => number.partial_cmp(&(bound as f64)),
            (Self::Float(number), Bound::Float(bound)) => number.partial_cmp(&bound),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};

    use super::*;
    use crate::schema::Catalog;

    #[test]
    fn a_row_is_told_with_its_property_for_every_rule_it_breaks() {
        let source = "node Paint { name: String @key @check(name, \"^[a-z]\") color: enum(red, blue)? \
            litres: I32? @range(litres, 1..10) maker: String }";
        let catalog = Catalog::parse(source).unwrap();
        let table = catalog.tables().next().unwrap();
        let text = |cells: [Option<&str>; 4]| Arc::new(StringArray::from(cells.to_vec())) as ArrayRef;
        let columns = [
            ("id", text([Some("a"), Some("b"), Some("C"), Some("d")])),
            ("color", text([Some("red"), Some("green"), None, Some("Red")])),
            ("litres", Arc::new(Int32Array::from(vec![Some(1), Some(11), None, Some(10)])) as ArrayRef),
            ("maker", text([Some("x"), Some("x"), None, Some("x")])),
            ("name", text([Some("a"), Some("b"), Some("C"), Some("d")])),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, cells)| (name, cells, true))).unwrap();
        let told = |rules: RowRules| -> Vec<(usize, String, String)> {
            rules.breaches(&batch).into_iter().map(|breach| (breach.row, breach.property, breach.reason)).collect()
        };
        let expected = [
            (2, "maker", "maker is required"),
            (1, "litres", "litres: 11 is more than 10"),
            (2, "name", "name: `C` does not match ^[a-z]"),
            (1, "color", "color: `green` is not one of blue, red"),
            (3, "color", "color: `Red` is not one of blue, red"),
        ]
        .map(|(row, property, reason)| (row, property.to_owned(), reason.to_owned()));
        assert_eq!(told(RowRules::of(table).unwrap()), expected);
        assert_eq!(told(RowRules::of_typed(table).unwrap()), expected[..3]);
    }
}
