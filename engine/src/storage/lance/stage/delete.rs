//! A deletion by the values of a text column, staged.
//!
//! A few values are a list in the predicate, which an index can serve. More are a function of the column that looks into a set:
//! the rows are streamed past it, so neither the predicate nor the transaction that keeps it grows with the number of rows.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow_schema::DataType;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, ident, lit,
};
use lance::dataset::DeleteBuilder;

use super::{StagedChange, Table};
use crate::storage::StorageError;

/// A set of texts.
#[derive(Clone)]
pub(crate) struct TextSet {
    /// All of them, if they are few.
    few: Option<Arc<[String]>>,
    contains: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl TextSet {
    /// A set of which each text can be told.
    pub(crate) fn new(few: Option<Vec<String>>, contains: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { few: few.map(Into::into), contains: Arc::new(contains) }
    }

    /// A set of a few texts.
    pub(crate) fn of(texts: impl Iterator<Item = String>) -> Self {
        let texts: Arc<[String]> = texts.collect();
        let known = texts.clone();
        Self { few: Some(texts), contains: Arc::new(move |text| known.iter().any(|known| known == text)) }
    }

    /// The texts, if they are few.
    pub(in crate::storage::lance) fn few(&self) -> Option<&[String]> {
        self.few.as_deref()
    }

    /// The condition that a text column has a value of the set.
    pub(in crate::storage::lance) fn condition(&self, column: &str) -> Expr {
        match &self.few {
            Some(texts) => ident(column).in_list(texts.iter().map(|text| lit(text.as_str())).collect(), false),
            None => ScalarUDF::from(IsIn {
                set: self.clone(),
                signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
            })
            .call(vec![ident(column)]),
        }
    }
}

impl fmt::Debug for TextSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextSet").field("few", &self.few.as_ref().map(|texts| texts.len())).finish_non_exhaustive()
    }
}

/// The set as a function of the query engine. Two are the same if they look into the same set.
#[derive(Debug)]
struct IsIn {
    set: TextSet,
    signature: Signature,
}

impl IsIn {
    fn address(&self) -> usize {
        Arc::as_ptr(&self.set.contains).cast::<()>() as usize
    }
}

impl PartialEq for IsIn {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for IsIn {}

impl Hash for IsIn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl ScalarUDFImpl for IsIn {
    fn name(&self) -> &'static str {
        "is_one_of_the_deleted"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> datafusion::error::Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = columns.first().and_then(|column| column.as_string_opt::<i32>());
        let texts =
            texts.ok_or_else(|| datafusion::error::DataFusionError::Internal("a text column is expected".into()))?;
        let found: BooleanArray =
            texts.iter().map(|text| Some(text.is_some_and(|text| (self.set.contains)(text)))).collect();
        Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
    }
}

impl Table {
    /// Stages the deletion of the rows whose text column `key` has a value of the set.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn stage_delete(&self, key: &str, values: &TextSet) -> Result<StagedChange, StorageError> {
        let delete = DeleteBuilder::from_expr(self.dataset().clone(), values.condition(key));
        let stage = async {
            self.check_deletions(self.dataset().fragments()).await?;
            delete.execute_uncommitted().await.map_err(|cause| self.error(cause))
        };
        let staged = self.fenced(stage).await?;
        let mut change = StagedChange::new(self, staged.transaction);
        if let Some(affected) = staged.affected_rows {
            change.commit = change.commit.with_affected_rows(affected);
        }
        Ok(change)
    }
}
