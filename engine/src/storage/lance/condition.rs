//! Conditions that a person writes: one SQL expression over the columns of a table, and nothing behind it.

use std::any::TypeId;
use std::collections::BTreeSet;

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::Table;
use crate::storage::StorageError;

impl Table {
    /// The columns of the table that a condition is about; no row is read.
    ///
    /// # Errors
    /// [`StorageError::Request`] for a filter that is not an expression over the columns.
    pub fn filter_columns(&self, filter: &str) -> Result<BTreeSet<String>, StorageError> {
        let error = |cause| self.request_error(cause);
        check(filter).map_err(error)?;
        let mut scanner = self.dataset().scan();
        scanner.filter(filter).map_err(error)?;
        let expression = scanner.get_expr_filter().map_err(error)?;
        let columns = expression.iter().flat_map(Expr::column_refs);
        Ok(columns.map(|column| column.name.clone()).collect())
    }
}

/// Checks that a text is one expression to its end. Lance takes it for the last clause of a statement, so that it would drop
/// what follows: `; drop table x`, but also `limit 5`.
pub(super) fn check(filter: &str) -> lance::Result<()> {
    // What is no expression at all is Lance's to tell.
    let Ok(mut parser) = Parser::new(&AsLance).try_with_sql(filter) else { return Ok(()) };
    if parser.parse_expr().is_err() {
        return Ok(());
    }
    match parser.peek_token().token {
        Token::EOF => Ok(()),
        rest => Err(lance::Error::invalid_input(format!("the condition ends before `{rest}`; nothing can follow it"))),
    }
}

/// Reads names as Lance does: only backticks quote them.
#[derive(Debug)]
struct AsLance;

impl Dialect for AsLance {
    fn dialect(&self) -> TypeId {
        GenericDialect {}.dialect()
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        GenericDialect {}.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        GenericDialect {}.is_identifier_part(letter)
    }

    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        letter == '`'
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        GenericDialect {}.supports_bitwise_shift_operators()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_expression() {
        let good =
            ["age > 3", "`a b` = 'x;y'", "a = \"x\" or b in (1, 2)", "(a is null) and not b", "a == 1", "a like 'x%'"];
        for text in good {
            assert!(check(text).is_ok(), "{text}");
        }
        for (text, rest) in [
            ("age > 3; drop table x", ";"),
            ("age > 3 limit 5", "limit"),
            ("a = 1 order by b", "order"),
            ("a b", "b"),
            ("a = 1)", ")"),
        ] {
            let error = check(text).expect_err(text).to_string();
            assert!(error.contains(&format!("`{rest}`")), "{error}");
        }
    }
}
