//! SQL that the query engine accepts and computes wrongly or ignores.

use std::fmt;
use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};

use super::{correlated, levels, nulls};
use crate::storage::{TooDeep, misread, too_many_terms};

/// A part of a query that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// A comparison with any or all rows of another query: the query engine mixes up the columns of both.
    AnyOrAll,
    /// A test of membership in a query that may have NULL: the query engine forgets it.
    Membership,
    /// NOT IN over a query that names columns of the outer one: the query engine looks for NULL in the wrong column.
    CorrelatedMembership,
    /// EXISTS or IN over an aggregate of rows that depend on the outer query: the query engine forgets that it has a row for none.
    CorrelatedAggregate,
    /// `INTERSECT ALL`, `EXCEPT ALL`: the query engine does not count equal rows.
    CountedSet,
    /// A part of an expression that the query engine takes for something else or ignores: why, as a sentence.
    Expression(&'static str),
    /// A clause that the query engine ignores.
    Clause(&'static str),
    /// Something that the query engine does not have.
    Absent(String),
    /// The definition of a table, which has none in SQL.
    Definition,
    /// Another statement after the first.
    Several,
    /// More of something in a row than the query engine can take.
    TooDeep(TooDeep),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyOrAll => f.write_str(
                "ANY and ALL over a query cannot be used: write `x in (select …)`, or compare with the least or the greatest, \
                 `x > (select max(y) …)`",
            ),
            Self::Membership => f.write_str(
                "NOT IN over a query that may give NULL cannot be used beside other conditions, nor IN where its answer is turned round, compared \
                 or connected by OR and may be NULL: the query engine forgets the NULL; leave it out on both sides, `coalesce(x, …) not in \
                 (select y from … where y is not null)`, or write `not exists (select 1 from … where y = x)`",
            ),
            Self::CorrelatedMembership => f.write_str(
                "NOT IN over a query that names columns of the outer one cannot be used: the query engine takes other columns for NULL; write \
                 `not exists (select 1 from … where y = x and …)`",
            ),
            Self::CorrelatedAggregate => f.write_str(
                "EXISTS and IN over an aggregate without GROUP BY cannot be used where its rows depend on the outer query: the query engine \
                 leaves it out for no rows; compare its value, `(select count(*) …) = 0`",
            ),
            Self::CountedSet => f.write_str(
                "INTERSECT ALL and EXCEPT ALL cannot be used: leave out ALL, or count the rows of each side with GROUP BY",
            ),
            Self::Expression(reason) => f.write_str(reason),
            Self::Absent(what) => write!(f, "{what} cannot be used: the query engine does not have it"),
            Self::Definition => f.write_str(
                "SHOW CREATE TABLE cannot be used: DESCRIBE lists the columns of a table, and the command `schema` prints the schema of the graph",
            ),
            Self::Several => f.write_str("only one query can run at a time: leave out what stands after the `;`"),
            Self::TooDeep(what) => what.fmt(f),
            Self::Clause(clause) => write!(f, "{clause} cannot be used: the query engine ignores it"),
        }
    }
}

/// Finds the first part of a statement, as it is written, that cannot be used.
pub(super) fn in_statement(state: &SessionState, statement: &Statement) -> Option<Unsupported> {
    match statement {
        Statement::Statement(statement) => match statement.as_ref() {
            ast::Statement::ShowCreate { .. } => Some(Unsupported::Definition),
            statement => {
                let found = statement.visit(&mut Clauses { state }).break_value();
                found.or_else(|| levels::too_many(statement).map(Unsupported::TooDeep))
            }
        },
        Statement::Explain(explained) => in_statement(state, &explained.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
    }
}

/// Returns what the query engine does not have, from the text with which it says so: the name of a clause, or `Unsupported ast node` and
/// how that is kept in memory. None if the text is about something else.
pub(super) fn absent(text: &str) -> Option<Unsupported> {
    if text.contains("single SQL statement") {
        return Some(Unsupported::Several);
    }
    let named =
        ["Unsupported ast node ", "Unsupported JOIN operator "].iter().find_map(|start| text.strip_prefix(start));
    let Some(named) = named else {
        let clause = text.strip_suffix(" clause is not supported yet").unwrap_or(text);
        let is_name = !clause.is_empty() && clause.chars().all(|letter| letter.is_ascii_uppercase() || letter == ' ');
        return is_name.then(|| Unsupported::Absent(clause.to_owned()));
    };
    let named = named.strip_prefix("in sqltorel: ").unwrap_or(named);
    let name = spaced(named.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default());
    let is_join = text.contains("JOIN operator") && !name.ends_with("JOIN");
    (!name.is_empty()).then(|| Unsupported::Absent(if is_join { name + " JOIN" } else { name }))
}

/// `MatchRecognize` as `MATCH RECOGNIZE`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_uppercase());
    }
    words
}

/// Finds a part of a plan that cannot be used.
pub(super) fn in_plan(plan: &LogicalPlan) -> Result<Option<Unsupported>, DataFusionError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|part| Ok(matches!(part, Expr::SetComparison(_))))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    if found {
        return Ok(Some(Unsupported::AnyOrAll));
    }
    if let Some(what) = correlated::in_plan(plan)? {
        return Ok(Some(what));
    }
    Ok(nulls::are_forgotten(plan)?.then_some(Unsupported::Membership))
}

/// Looks for what the query engine ignores of what its dialect of SQL can say.
struct Clauses<'s> {
    state: &'s SessionState,
}

impl Visitor for Clauses<'_> {
    type Break = Unsupported;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Unsupported> {
        if !query.pipe_operators.is_empty() {
            return ControlFlow::Break(Unsupported::Expression(
                "|> cannot be used: put one query into another, `select … from (select …)`",
            ));
        }
        if counts_equal_rows(&query.body) {
            return ControlFlow::Break(Unsupported::CountedSet);
        }
        let with = query.with.iter().filter(|with| with.recursive).flat_map(|with| &with.cte_tables);
        let recursive: Vec<&ast::Query> = with.map(|table| table.query.as_ref()).filter(|it| is_union(it)).collect();
        first(&[
            ("FOR UPDATE and FOR SHARE", !query.locks.is_empty()),
            ("FOR XML, FOR JSON and FOR BROWSE", query.for_clause.is_some()),
            ("SETTINGS", query.settings.is_some()),
            ("FORMAT", query.format_clause.is_some()),
            ("LIMIT inside WITH RECURSIVE", recursive.iter().any(|query| query.limit_clause.is_some())),
            ("ORDER BY inside WITH RECURSIVE", recursive.iter().any(|query| query.order_by.is_some())),
            ("WITH inside WITH RECURSIVE", recursive.iter().any(|query| query.with.is_some())),
        ])
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<Unsupported> {
        let modifiers = match &select.group_by {
            ast::GroupByExpr::All(modifiers) | ast::GroupByExpr::Expressions(_, modifiers) => modifiers,
        };
        first(&[
            ("PREWHERE", select.prewhere.is_some()),
            ("CONNECT BY", !select.connect_by.is_empty()),
            ("DISTRIBUTE BY", !select.distribute_by.is_empty()),
            ("WITH ROLLUP, WITH CUBE or WITH TOTALS after GROUP BY", !modifiers.is_empty()),
        ])
    }

    fn pre_visit_table_factor(&mut self, table: &ast::TableFactor) -> ControlFlow<Unsupported> {
        let arguments = match table {
            ast::TableFactor::Table { args: Some(called), .. } => called.args.as_slice(),
            ast::TableFactor::Function { args, .. } => args.as_slice(),
            _ => &[],
        };
        if arguments.iter().any(computes) {
            return ControlFlow::Break(Unsupported::Expression(
                "+, - and * cannot be used in the arguments of a table function: write the number",
            ));
        }
        match table {
            ast::TableFactor::Table { with_hints, with_ordinality, partitions, sample, .. } => first(&[
                ("TABLESAMPLE", sample.is_some()),
                ("WITH ORDINALITY", *with_ordinality),
                ("PARTITION", !partitions.is_empty()),
                ("a hint after a table", !with_hints.is_empty()),
            ]),
            ast::TableFactor::Function { with_ordinality, .. } => first(&[("WITH ORDINALITY", *with_ordinality)]),
            ast::TableFactor::Derived { sample, .. } => first(&[("TABLESAMPLE", sample.is_some())]),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expression: &ast::Expr) -> ControlFlow<Unsupported> {
        if let Some(deep) = too_many_terms(expression) {
            return ControlFlow::Break(Unsupported::TooDeep(deep));
        }
        match misread(self.state, expression) {
            Some(reason) => ControlFlow::Break(Unsupported::Expression(reason)),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Returns whether an argument is computed. The query engine computes it before it plans the query, and wraps around.
fn computes(argument: &ast::FunctionArg) -> bool {
    use ast::BinaryOperator::{Minus, Multiply, Plus};
    let is_arithmetic = |part: &ast::Expr| match part {
        ast::Expr::BinaryOp { op: Plus | Minus | Multiply, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    ast::visit_expressions(argument, is_arithmetic).is_break()
}

fn is_union(query: &ast::Query) -> bool {
    matches!(query.body.as_ref(), ast::SetExpr::SetOperation { op: ast::SetOperator::Union, .. })
}

fn first(clauses: &[(&'static str, bool)]) -> ControlFlow<Unsupported> {
    match clauses.iter().find(|(_, is_there)| *is_there) {
        Some((clause, _)) => ControlFlow::Break(Unsupported::Clause(clause)),
        None => ControlFlow::Continue(()),
    }
}

fn counts_equal_rows(body: &ast::SetExpr) -> bool {
    let ast::SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return false };
    let counts = *op != ast::SetOperator::Union && *set_quantifier == ast::SetQuantifier::All;
    counts || counts_equal_rows(left) || counts_equal_rows(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_called_by_its_name() {
        for (text, name) in [
            ("TOP", "TOP"),
            ("FETCH clause is not supported yet", "FETCH"),
            ("Unsupported ast node Pivot { table: Table { name: …", "PIVOT"),
            ("Unsupported ast node MatchRecognize { table", "MATCH RECOGNIZE"),
            ("Unsupported ast node in sqltorel: RLike { negated: false", "R LIKE"),
            ("Unsupported JOIN operator StraightJoin(On(", "STRAIGHT JOIN"),
            ("Unsupported JOIN operator CrossApply", "CROSS APPLY JOIN"),
            ("Unsupported JOIN operator Semi(On(BinaryOp", "SEMI JOIN"),
        ] {
            assert_eq!(absent(text), Some(Unsupported::Absent(name.to_owned())), "{text}");
        }
        assert_eq!(absent("Physical plan does not support logical expression Exists(…"), None);
    }
}
