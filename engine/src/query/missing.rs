//! What a query names that is not there: which table or column, where in the text, and what was probably meant.

use std::fmt;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::sql::TableReference;

use super::catalog::BOTH;
use crate::history::Snapshot;
use crate::id::TableKind;
use crate::nearest::nearest;

/// A name of a query that nothing answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name as the query has it, without quotes.
    pub name: String,
    /// Line and column of its first occurrence in the query, counted from 1 in characters; none if it stands there in another form.
    pub place: Option<(usize, usize)>,
    /// The known name that was probably meant.
    pub meant: Option<String>,
}

impl Missing {
    fn new<'a>(name: &str, sql: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let same = known.clone().into_iter().find(|known| known.eq_ignore_ascii_case(name));
        let meant = same.or_else(|| nearest(name, known)).map(str::to_owned);
        Self { name: name.to_owned(), place: place(sql, name), meant }
    }

    /// `; did you mean Person?`, or nothing.
    pub(super) fn hint(&self) -> String {
        self.meant.as_ref().map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
    }
}

/// `Persn` (line 1, column 15)
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        match self.place {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

/// The first of the tables that a query names which the snapshot does not have.
pub(super) fn table(state: &SessionState, snapshot: &Snapshot, named: &[TableReference], sql: &str) -> Option<Missing> {
    let unknown = named.iter().find(|reference| {
        let called = state.table_functions().contains_key(reference.table());
        !called && !is_there(reference, snapshot)
    })?;
    Some(Missing::new(unknown.table(), sql, snapshot.entries.keys().map(|key| &*key.name)))
}

fn is_there(reference: &TableReference, snapshot: &Snapshot) -> bool {
    let named = |kind: Option<TableKind>| {
        let mut keys = snapshot.entries.keys();
        keys.any(|key| *key.name == *reference.table() && kind.is_none_or(|kind| kind == key.kind))
    };
    match reference.schema() {
        None | Some(BOTH) => named(None),
        Some(schema) if schema == TableKind::Node.as_str() => named(Some(TableKind::Node)),
        Some(schema) if schema == TableKind::Edge.as_str() => named(Some(TableKind::Edge)),
        // Others are not the graph's: what is said of them stays as it is.
        Some(_) => true,
    }
}

/// The column that an error is about, and those that there are.
pub(super) fn column(error: &DataFusionError, sql: &str) -> Option<(Missing, Vec<String>)> {
    let DataFusionError::SchemaError(error, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, valid_fields } = error.as_ref() else { return None };
    let fits = |column: &&Column| field.relation.is_none() || column.relation == field.relation;
    let mut columns: Vec<String> = Vec::new();
    for column in valid_fields.iter().filter(fits) {
        if !columns.contains(&column.name) {
            columns.push(column.name.clone());
        }
    }
    let missing = Missing::new(&field.name, sql, columns.iter().map(String::as_str));
    Some((missing, columns))
}

/// Where a name stands for the first time, as a word of its own.
fn place(sql: &str, name: &str) -> Option<(usize, usize)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let alone = |at: usize| {
        let (before, after) = (&sql[..at], &sql[at + name.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    };
    let at = sql.match_indices(name).map(|(at, _)| at).find(|at| alone(*at))?;
    let line = sql[..at].matches('\n').count() + 1;
    let start = sql[..at].rfind('\n').map_or(0, |end| end + 1);
    Some((line, sql[start..at].chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_words_and_counted_in_characters() {
        assert_eq!(place("select age from Persn", "Persn"), Some((1, 17)));
        assert_eq!(place("select ages,\n  '李' as x, age from P", "age"), Some((2, 13)));
        assert_eq!(place("select ages from P", "age"), None);
        assert_eq!(place("select \"a b\" from P", "a b"), Some((1, 9)));
    }

    #[test]
    fn what_was_meant_is_the_name_in_other_letter_case_before_the_nearest() {
        let meant = |name| Missing::new(name, "", ["person", "Person", "Project"]).meant;
        assert_eq!(meant("PERSON").as_deref(), Some("person"));
        assert_eq!(meant("Projct").as_deref(), Some("Project"));
        assert_eq!(meant("Company"), None);
    }
}
