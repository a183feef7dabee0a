//! Rows that keep conditions on typed values, in storage order.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow_schema::DataType;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, TryStreamExt};
use lance_table::format::Fragment;

use super::Table;
use super::blob::{self, Blobs};
use super::scan::{BATCH_ROWS, RowStream};
use super::sorted::{ID, keep, row_bytes};
use super::stage::TextSet;
use super::table::ROW_ADDRESS;
use crate::error::Result;

/// Bytes that one batch of rows should have at most, as far as its types tell.
const BATCH_BYTES: usize = 16 << 20;

/// How a cell is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a row has to keep; a cell without a value keeps no comparison.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// A cell is compared with the one value of an array of the column's type.
    Compares { column: String, compare: Compare, value: ArrayRef },
    /// A cell has no value.
    IsNull { column: String },
    /// A cell has a value.
    IsNotNull { column: String },
    /// One of some text columns has a value of a set.
    AnyOneOf { columns: Vec<String>, values: TextSet },
}

impl Condition {
    fn expression(&self) -> datafusion::error::Result<Expr> {
        Ok(match self {
            Self::Compares { column, compare, value } => {
                let (column, value) = (ident(column), lit(ScalarValue::try_from_array(value, 0)?));
                match compare {
                    Compare::Equal => column.eq(value),
                    Compare::NotEqual => column.not_eq(value),
                    Compare::Less => column.lt(value),
                    Compare::LessOrEqual => column.lt_eq(value),
                    Compare::Greater => column.gt(value),
                    Compare::GreaterOrEqual => column.gt_eq(value),
                }
            }
            Self::IsNull { column } => ident(column).is_null(),
            Self::IsNotNull { column } => ident(column).is_not_null(),
            Self::AnyOneOf { columns, values } => {
                let any = columns.iter().map(|column| values.condition(column)).reduce(Expr::or);
                any.unwrap_or_else(|| lit(false))
            }
        })
    }
}

impl Table {
    /// Reads some columns of the rows that keep all conditions. Blobs come as bytes, or as references to what is outside.
    ///
    /// # Errors
    /// [`StorageError::Request`](crate::storage::StorageError::Request) for an unknown column,
    /// [`StorageError::Table`](crate::storage::StorageError::Table) otherwise, at once or in the stream.
    pub(crate) async fn matching(&self, columns: &[String], conditions: &[Condition]) -> Result<RowStream> {
        self.fenced_rows(self.matched(columns, conditions, Blobs::Bytes)).await
    }

    /// Reads some columns of the rows with one id: more than one if the table breaks the rule that ids are unique.
    ///
    /// # Errors
    /// [`StorageError::NoIds`](crate::storage::StorageError::NoIds), and as [`Table::matching`].
    pub(crate) async fn with_id(&self, id: &str, columns: &[String], blobs: Blobs) -> Result<RowStream> {
        self.require_ids()?;
        let one =
            Condition::AnyOneOf { columns: vec![ID.to_owned()], values: TextSet::of(std::iter::once(id.to_owned())) };
        self.fenced_rows(self.matched(columns, &[one], blobs)).await
    }

    async fn matched(&self, columns: &[String], conditions: &[Condition], how: Blobs) -> Result<RowStream> {
        let error = |cause| self.error(cause);
        let blobs = if how == Blobs::Described { Vec::new() } else { self.blob_columns(columns) };
        let fragments = self.fragments_with(conditions).await?;
        if fragments.as_ref().is_some_and(Vec::is_empty) {
            return Ok(futures::stream::empty().boxed());
        }
        let mut scanner = self.scanner(fragments).await?;
        let mut read: Vec<&str> = columns.iter().map(String::as_str).collect();
        if !blobs.is_empty() {
            read.push(ROW_ADDRESS);
        }
        scanner.project(&read).map_err(error)?;
        let expressions = conditions.iter().map(Condition::expression).collect::<datafusion::error::Result<Vec<_>>>();
        if let Some(filter) = expressions.map_err(|cause| self.error(cause.into()))?.into_iter().reduce(Expr::and) {
            scanner.filter_expr(filter);
        }
        scanner.batch_size((BATCH_BYTES / row_bytes(&self.schema(), columns)).clamp(1, BATCH_ROWS));
        let table = self.clone();
        let rows = scanner.try_into_stream().await.map_err(error)?;
        let rows = rows.map_err(move |cause| table.error(cause)).boxed();
        if blobs.is_empty() {
            return Ok(rows);
        }
        let wanted: Arc<[String]> = columns.into();
        let rows = blob::with_content(self, rows, blobs, how);
        Ok(rows.map_ok(move |batch| keep(&batch, &wanted)).boxed())
    }

    /// The only fragments that can have rows which keep all conditions; `None` if that cannot be told.
    async fn fragments_with(&self, conditions: &[Condition]) -> Result<Option<Vec<Fragment>>> {
        let few = conditions.iter().find_map(|condition| match condition {
            Condition::AnyOneOf { columns, values } => Some((columns, values.few()?)),
            Condition::Compares { .. } | Condition::IsNull { .. } | Condition::IsNotNull { .. } => None,
        });
        let schema = self.schema();
        let is_text =
            |column: &String| schema.field_with_name(column).is_ok_and(|field| *field.data_type() == DataType::Utf8);
        let Some((columns, texts)) = few.filter(|(columns, _)| columns.iter().all(is_text)) else { return Ok(None) };
        let files = self.files_with(columns, texts.iter().map(String::as_str)).await?;
        let fragments = self.dataset().fragments();
        let are_all = files.len() == fragments.len();
        Ok((!are_all).then(|| files.into_iter().map(|file| fragments[file].clone()).collect()))
    }
}
