//! Which rows a statement is about: the same conditions for stored rows and for those that earlier statements made.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, Scalar};
use arrow::compute::kernels::cmp::{eq, gt, gt_eq, lt, lt_eq, neq};
use arrow::compute::{and, is_not_null, is_null, prep_null_mask_filter};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type};
use arrow_schema::ArrowError;

use crate::storage::{Compare, Condition};

/// Conditions that a row must keep, all of them. A cell without a value keeps none but being null.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    tests: Vec<BoundTest>,
}

/// One condition with its value, an array of one row; none is null.
#[derive(Debug, Clone)]
pub(super) struct BoundTest {
    pub(super) column: String,
    pub(super) compare: Compare,
    pub(super) value: Option<ArrayRef>,
}

impl Filter {
    pub(super) fn new(tests: Vec<BoundTest>) -> Self {
        Self { tests }
    }

    /// The conditions for rows that are stored.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        self.tests.iter().map(BoundTest::condition).collect()
    }

    /// Which rows of a batch keep the conditions.
    ///
    /// # Errors
    /// [`ArrowError`] if a column is of another type than its value, which the schema excludes.
    pub(super) fn keep(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let mut kept = BooleanArray::from(vec![true; batch.num_rows()]);
        for test in &self.tests {
            let column = batch
                .column_by_name(&test.column)
                .ok_or_else(|| ArrowError::SchemaError(format!("BUG: the rows have no column {}", test.column)))?;
            let test = test.keep(column)?;
            let test = if test.null_count() == 0 { test } else { prep_null_mask_filter(&test) };
            kept = and(&kept, &test)?;
        }
        Ok(kept)
    }
}

impl BoundTest {
    fn condition(&self) -> Condition {
        let column = self.column.clone();
        match (&self.value, self.compare) {
            (Some(value), compare) => Condition::Compares { column, compare, value: value.clone() },
            (None, Compare::NotEqual) => Condition::IsNotNull { column },
            // Nothing but `=` and `!=` is compared with null.
            (
                None,
                Compare::Equal | Compare::Less | Compare::LessOrEqual | Compare::Greater | Compare::GreaterOrEqual,
            ) => Condition::IsNull { column },
        }
    }

    fn keep(&self, column: &ArrayRef) -> Result<BooleanArray, ArrowError> {
        let Some(value) = &self.value else {
            return match self.compare {
                Compare::NotEqual => is_not_null(column),
                Compare::Equal | Compare::Less | Compare::LessOrEqual | Compare::Greater | Compare::GreaterOrEqual => {
                    is_null(column)
                }
            };
        };
        let (column, value) = (&with_one_zero(column), Scalar::new(with_one_zero(value)));
        match self.compare {
            Compare::Equal => eq(column, &value),
            Compare::NotEqual => neq(column, &value),
            Compare::Less => lt(column, &value),
            Compare::LessOrEqual => lt_eq(column, &value),
            Compare::Greater => gt(column, &value),
            Compare::GreaterOrEqual => gt_eq(column, &value),
        }
    }
}

/// The numbers as conditions compare them: Arrow tells -0.0 from 0.0.
fn with_one_zero(column: &ArrayRef) -> ArrayRef {
    fn added<T: ArrowPrimitiveType>(column: &ArrayRef, add: impl Fn(T::Native) -> T::Native) -> ArrayRef {
        Arc::new(column.as_primitive::<T>().unary::<_, T>(add))
    }
    match column.data_type() {
        DataType::Float32 => added::<Float32Type>(column, |number| number + 0.0),
        DataType::Float64 => added::<Float64Type>(column, |number| number + 0.0),
        _ => column.clone(),
    }
}

/// Whether an array of one row holds null.
pub(super) fn is_null_cell(cell: &ArrayRef) -> bool {
    cell.is_null(0)
}
