//! Conditions that a person writes: one SQL expression over the columns of a table, and nothing behind it.
//!
//! The query engine reads them and gives them their types, so that a condition means what it means after the `WHERE` of a query.
//! Lance has a reader of its own, in which a name in double quotes is a text and numbers of another width are refused.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use arrow_schema::{ArrowError, DataType};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, SchemaError};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr as Written, ExprWithAlias, FunctionArguments, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::Table;
use super::arithmetic::{WidenOperands, with_exact_arithmetic};
use super::cause::uncomputed;
use super::chains::{TooDeep, flatten, with_room_for};
use super::nesting::are_nested_too_deeply;
use super::zeros::compare_zeros_as_one;
use crate::nearest::nearest;
use crate::storage::StorageError;

/// Reads conditions; it has the functions of queries and no tables.
static READER: LazyLock<SessionState> = LazyLock::new(|| sql_reader(SessionConfig::new()).build());

/// Returns how the SQL of queries and conditions is read: a name means the column that is spelled so, quoted or not, and operands have room
/// for the result.
pub(crate) fn sql_reader(mut config: SessionConfig) -> SessionStateBuilder {
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let planners = vec![Arc::new(WidenOperands) as _];
    SessionStateBuilder::new().with_config(config).with_expr_planners(planners).with_default_features()
}

/// Returns why a part of an expression is refused in conditions and queries, if it is: the query engine accepts it, and takes it for
/// something else or ignores it. `state` has the functions.
pub(crate) fn misread(state: &SessionState, part: &Written) -> Option<&'static str> {
    let called = match part {
        Written::SimilarTo { .. } => {
            return Some(
                "SIMILAR TO cannot be used: the query engine takes its pattern for a regular expression; use LIKE, or ~ with a regular \
                 expression",
            );
        }
        Written::IsDistinctFrom(_, right) | Written::IsNotDistinctFrom(_, right) if goes_on(right) => {
            return Some(
                "IS DISTINCT FROM before AND, OR or IS cannot be used without parentheses: the query engine takes all of the rest for its right \
                 side; write `(a is distinct from b) and …`",
            );
        }
        Written::Function(called) => called,
        _ => return None,
    };
    if !state.scalar_functions().contains_key(&called.name.to_string().to_ascii_lowercase()) {
        return None;
    }
    let is_distinct = matches!(
        &called.args,
        FunctionArguments::List(list) if list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
    );
    let ignored = [
        (is_distinct, "DISTINCT in a function of one row cannot be used: the query engine ignores it"),
        (called.filter.is_some(), "FILTER after a function of one row cannot be used: the query engine ignores it"),
        (called.over.is_some(), "OVER after a function of one row cannot be used: the query engine ignores it"),
    ];
    ignored.into_iter().find_map(|(is_there, reason)| is_there.then_some(reason))
}

/// Whether the right side of IS DISTINCT FROM is more than what that connects: it binds tighter than these.
fn goes_on(right: &Written) -> bool {
    match right {
        Written::BinaryOp { op, .. } => matches!(op, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Xor),
        Written::IsNull(_)
        | Written::IsNotNull(_)
        | Written::IsTrue(_)
        | Written::IsNotTrue(_)
        | Written::IsFalse(_)
        | Written::IsNotFalse(_)
        | Written::IsUnknown(_)
        | Written::IsNotUnknown(_)
        | Written::IsDistinctFrom(..)
        | Written::IsNotDistinctFrom(..) => true,
        _ => false,
    }
}

/// Why a text is no condition on a table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum ConditionProblem {
    /// It cannot be read.
    #[error("{reason}")]
    Unreadable { reason: String },
    /// It is more than an expression.
    #[error("the condition ends before `{rest}`; nothing can follow it")]
    Rest { rest: String },
    /// It needs more than a row.
    #[error("{what} cannot be in a condition, which is about one row by itself")]
    Beyond { what: String },
    /// The query engine would get a part of it wrong.
    #[error("{0}")]
    Misread(&'static str),
    /// It is deeper than what reads it can go.
    #[error("{0}")]
    TooDeep(#[from] TooDeep),
    /// A name means no column.
    #[error("there is no column `{name}`{hint}")]
    UnknownColumn { name: String, hint: String },
    /// It is a value that is no answer.
    #[error("it is {kind}, neither true nor false: compare it with something")]
    NoAnswer { kind: DataType },
    /// Columns are used as their types do not allow.
    #[error("column {}: {reason}", columns.join(" and "))]
    Misused { columns: Vec<String>, reason: String },
}

impl Table {
    /// Reads a condition over the columns of the table; no row is read.
    ///
    /// # Errors
    /// [`StorageError::Request`] for a text that is no condition over the columns.
    pub(super) fn condition(&self, text: &str) -> Result<Expr, StorageError> {
        let refused = |source| StorageError::Request { path: self.uri().to_owned(), source };
        let columns = self.provider().schema().as_ref().clone();
        let columns = DFSchema::try_from(columns).map_err(|cause| refused(cause.into()))?;
        read(text, &columns).map_err(|problem| refused(problem.into()))
    }

    /// Lists the columns of the table that a condition is about; no row is read.
    ///
    /// # Errors
    /// [`StorageError::Request`] for a text that is no condition over the columns.
    pub fn filter_columns(&self, filter: &str) -> Result<BTreeSet<String>, StorageError> {
        Ok(columns_of(&self.condition(filter)?))
    }

    /// Tells an error met while rows are read. A filter may be one that cannot be computed for some row.
    pub(super) fn row_error(&self, cause: lance::Error, filter: Option<&str>) -> StorageError {
        let Some((filter, reason)) = filter.zip(uncomputed(&cause)) else { return self.error(cause) };
        let problem = told(self.filter_columns(filter).unwrap_or_default(), reason);
        StorageError::Request { path: self.uri().to_owned(), source: problem.into() }
    }
}

fn columns_of(expression: &Expr) -> BTreeSet<String> {
    expression.column_refs().into_iter().map(|column| column.name.clone()).collect()
}

fn read(text: &str, columns: &DFSchema) -> Result<Expr, ConditionProblem> {
    let refused = |cause: DataFusionError| unreadable(text, columns, &cause);
    let expression = planned(parsed(text)?, columns).map_err(refused)?;
    if let Some(what) = beyond_a_row(&expression) {
        return Err(ConditionProblem::Beyond { what });
    }
    let typed = typed(&expression, columns).map_err(|cause| misused(&expression, columns, &cause))?;
    match typed.get_type(columns).map_err(refused)? {
        DataType::Boolean => Ok(compare_zeros_as_one(typed, columns).map_err(refused)?.data),
        DataType::Null => Ok(lit(ScalarValue::Boolean(None))),
        kind => Err(ConditionProblem::NoAnswer { kind }),
    }
}

/// The one expression that a text is, to its end. Nothing that walks over it needs a deep stack.
fn parsed(text: &str) -> Result<Written, ConditionProblem> {
    with_room_for(text, || {
        let unreadable = |error: ParserError| ConditionProblem::Unreadable { reason: said(&error) };
        let tokens = Tokenizer::new(&GenericDialect, text).tokenize_with_location();
        let tokens = tokens.map_err(|error| unreadable(error.into()))?;
        let asks = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::SELECT);
        if tokens.iter().any(asks) {
            return Err(ConditionProblem::Beyond { what: "a query".to_owned() });
        }
        if are_nested_too_deeply(tokens.iter().map(|token| &token.token)) {
            return Err(TooDeep::Nested.into());
        }
        let mut parser = Parser::new(&GenericDialect).with_tokens_with_locations(tokens);
        let mut expression = parser.parse_expr().map_err(unreadable)?;
        flatten(&mut expression)?;
        let refused = |part: &Written| misread(&READER, part).map_or(ControlFlow::Continue(()), ControlFlow::Break);
        if let ControlFlow::Break(reason) = visit_expressions(&expression, refused) {
            return Err(ConditionProblem::Misread(reason));
        }
        match parser.peek_token().token {
            Token::EOF => Ok(expression),
            rest => Err(ConditionProblem::Rest { rest: rest.to_string() }),
        }
    })?
}

/// Gives names and functions their meaning.
fn planned(expr: Written, columns: &DFSchema) -> DfResult<Expr> {
    READER.create_logical_expr_from_sql_expr(ExprWithAlias { expr, alias: None }, columns)
}

/// The expression with the casts that make both sides of a comparison alike, as a query has them; values that no cast can take
/// are refused now and not at the first row.
fn typed(expression: &Expr, columns: &DFSchema) -> DfResult<Expr> {
    let context = SimplifyContext::builder().with_schema(Arc::new(columns.clone())).build();
    let simplifier = ExprSimplifier::new(context);
    let typed = with_exact_arithmetic(simplifier.coerce(expression.clone(), columns)?, columns)?.data;
    READER.create_physical_expr(simplifier.simplify(typed.clone())?, columns)?;
    Ok(typed)
}

/// What of an expression needs more than the row.
fn beyond_a_row(expression: &Expr) -> Option<String> {
    let mut found = None;
    let visited = expression.apply(|part| {
        found = match part {
            Expr::AggregateFunction(call) => Some(format!("the aggregate function {}", call.func.name())),
            Expr::WindowFunction(call) => Some(format!("the window function {}", call.fun.name())),
            Expr::Placeholder(parameter) => Some(format!("the parameter {}", parameter.id)),
            Expr::Unnest(_) => Some("the function unnest".to_owned()),
            _ => None,
        };
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.expect("the visit itself does not fail");
    found
}

/// The part of an expression that cannot be, with its columns.
fn misused(expression: &Expr, columns: &DFSchema, cause: &DataFusionError) -> ConditionProblem {
    let part = smallest_failing(expression, &|part| typed(part, columns).is_err());
    let reason = typed(part, columns).map_or_else(|error| reason(&error), |_| reason(cause));
    told(columns_of(part), reason)
}

fn told(columns: BTreeSet<String>, reason: String) -> ConditionProblem {
    if columns.is_empty() {
        return ConditionProblem::Unreadable { reason };
    }
    ConditionProblem::Misused { columns: columns.into_iter().collect(), reason }
}

/// The innermost expression that fails, and all of whose parts do not.
fn smallest_failing<'e>(expression: &'e Expr, fails: &dyn Fn(&Expr) -> bool) -> &'e Expr {
    let mut failing = None;
    let visited = expression.apply_children(|part| {
        Ok(if fails(part) {
            failing = Some(part);
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    visited.expect("the visit itself does not fail");
    // What holds it may be what gives it its columns.
    match failing.filter(|part| !columns_of(part).is_empty()) {
        Some(part) => smallest_failing(part, fails),
        None => expression,
    }
}

fn unreadable(text: &str, columns: &DFSchema, cause: &DataFusionError) -> ConditionProblem {
    if let DataFusionError::SchemaError(error, _) = cause.find_root()
        && let SchemaError::FieldNotFound { field, .. } = error.as_ref()
    {
        let name = field.flat_name();
        let hint = hint(text, &name, columns);
        return ConditionProblem::UnknownColumn { name, hint };
    }
    ConditionProblem::Unreadable { reason: reason(cause) }
}

/// What was probably meant by a name: a text, if it has double quotes, or a column that is spelled alike.
fn hint(text: &str, name: &str, columns: &DFSchema) -> String {
    let known = || columns.fields().iter().map(|field| field.name().as_str());
    let same = known().find(|known| known.eq_ignore_ascii_case(name));
    match same {
        None if text.contains(&format!("\"{name}\"")) => {
            format!("; double quotes are for columns, and a text has single ones: '{}'", name.replace('\'', "''"))
        }
        _ => same.or_else(|| nearest(name, known())).map_or_else(String::new, |near| format!("; did you mean {near}?")),
    }
}

/// What an error says, without the part of the query engine that said it.
fn reason(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::SQL(cause, _) => said(cause),
        DataFusionError::ArrowError(cause, _) => match cause.as_ref() {
            ArrowError::CastError(text) | ArrowError::ComputeError(text) | ArrowError::ParseError(text) => text.clone(),
            other => other.to_string(),
        },
        DataFusionError::Plan(text) | DataFusionError::Execution(text) | DataFusionError::NotImplemented(text) => {
            text.clone()
        }
        other => other.strip_backtrace(),
    }
}

fn said(error: &ParserError) -> String {
    match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => TooDeep::Nested.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::{Field, Schema};

    use super::*;

    fn columns() -> DFSchema {
        let column = |name: &str, kind| Field::new(name, kind, true);
        let list = DataType::List(Arc::new(column("item", DataType::Utf8)));
        DFSchema::try_from(Schema::new(vec![
            column("name", DataType::Utf8),
            column("someAge", DataType::Int32),
            column("a b", DataType::UInt64),
            column("day", DataType::Date32),
            column("at", DataType::Date64),
            column("tags", list),
        ]))
        .unwrap()
    }

    fn problem(text: &str) -> String {
        read(text, &columns()).expect_err(text).to_string()
    }

    #[test]
    fn names_in_double_quotes_or_backticks_are_columns_and_texts_have_single_quotes() {
        for (text, expected) in [
            ("\"someAge\" > 3", "someAge"),
            ("`a b` = 3", "a b"),
            ("\"a b\" = 3", "a b"),
            ("name = 'a b'", "name"),
            ("name = 'someAge'", "name"),
            ("'3' < someAge", "someAge"),
        ] {
            assert_eq!(
                columns_of(&read(text, &columns()).expect(text)),
                BTreeSet::from([expected.to_owned()]),
                "{text}"
            );
        }
        assert_eq!(
            problem("name = \"Ada\""),
            "there is no column `Ada`; double quotes are for columns, and a text has single ones: 'Ada'"
        );
        assert_eq!(problem("someage > 3"), "there is no column `someage`; did you mean someAge?");
        assert_eq!(problem("\"NAME\" = 'x'"), "there is no column `NAME`; did you mean name?");
        assert_eq!(problem("xyzzy > 3"), "there is no column `xyzzy`");
    }

    #[test]
    fn a_condition_is_one_expression() {
        let good = [
            "someAge > 3",
            "name = 'x;y'",
            "someAge in (1, 2) or name is null",
            "(name is null) and not someAge = 1",
            "someAge == 1",
            "name like 'x%'",
            "null",
        ];
        for text in good {
            assert!(read(text, &columns()).is_ok(), "{text}");
        }
        for (text, rest) in [
            ("someAge > 3; drop table x", ";"),
            ("someAge > 3 limit 5", "limit"),
            ("name = 'a' order by name", "order"),
            ("someAge name", "name"),
            ("someAge = 1)", ")"),
        ] {
            assert_eq!(problem(text), format!("the condition ends before `{rest}`; nothing can follow it"), "{text}");
        }
    }

    #[test]
    fn numbers_days_and_times_are_compared_whatever_their_width() {
        for text in [
            "someAge < 3000000000",
            "someAge < 9223372036854775808",
            "someAge > -0.5",
            "\"a b\" = 18446744073709551615",
            "\"a b\" > -1",
            "day = '2026-05-02'",
            "day >= date '2026-05-02'",
            "at > '2026-05-02T09:14:03'",
            "at < timestamp '2026-05-02 09:14:03'",
            "at < now()",
            "day < at",
        ] {
            assert!(read(text, &columns()).is_ok(), "{text}: {:?}", read(text, &columns()));
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_column() {
        for (text, start) in [
            ("name = 'x' and someAge = 'old'", "column someAge: Cannot cast string 'old'"),
            ("day > 'yesterday'", "column day: "),
            ("tags > 3", "column tags: "),
            ("someAge + name like 'x'", "column "),
            ("someAge", "it is Int32, neither true nor false"),
            ("sum(someAge) > 3", "the aggregate function sum cannot be in a condition"),
            ("row_number() over () > 1", "the window function row_number cannot be in a condition"),
            ("name in (select 'x')", "a query cannot be in a condition"),
            ("someAge = $1", "the parameter $1 cannot be in a condition"),
            ("someAge >", "Expected: an expression, found: EOF"),
            ("name = '", "Unterminated string literal"),
        ] {
            let problem = problem(text);
            assert!(problem.starts_with(start), "{text}: {problem}");
            assert!(!problem.contains(".rs:"), "{problem}");
        }
    }
}
