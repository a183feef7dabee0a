//! Levels of a query, where those of tables inside one another are added up.
//!
//! The query engine moves conditions and expressions into the tables that they read, where they become one with those of the table: what
//! is not deep as it is written can be deep then, and a stack that overflows ends the process.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr as Written, ObjectName, Query, Select, SelectItem, Statement, UnaryOperator, Visit, Visitor,
};

use crate::storage::{TooDeep, terms_of};

/// Levels that an operator or a function counts for; each term of AND counts for one.
const OPERATOR: usize = 2;
/// Levels that `+`, `-` and `*` count for, which are computed with decimals.
const ARITHMETIC: usize = 3;

/// Finds that a statement has more levels than the query engine can take, where tables inside one another are added up. Its chains must be
/// flat.
pub(super) fn too_many(statement: &Statement) -> Option<TooDeep> {
    statement.visit(&mut Levels::default()).break_value()
}

/// Adds them up; queries and expressions are those that it is inside of, the innermost last.
#[derive(Default)]
struct Levels {
    queries: Vec<QueryLevels>,
    expressions: Vec<ExpressionLevels>,
}

/// A query that is looked at.
struct QueryLevels {
    /// Tables of its WITH that are still to come, the next one last.
    coming: Vec<String>,
    /// Tables of its WITH, and their levels.
    tables: Vec<(String, usize)>,
    /// Levels of its deepest expression.
    own: usize,
    /// Terms of the conditions of one SELECT, which become one where they are about the same table.
    terms: ConditionTerms,
    /// Those that the deepest expression does not have.
    more: usize,
    /// Levels of the deepest query that it reads.
    read: usize,
    /// The number of expressions that it is inside of.
    outside: usize,
    /// The number of queries in whose conditions and values it is.
    subqueries: usize,
}

/// Numbers of terms in the conditions of one SELECT.
#[derive(Clone, Copy, Default)]
struct ConditionTerms {
    /// Of all of them.
    all: usize,
    /// Of the longest one.
    most: usize,
}

/// An expression that is looked at.
#[derive(Clone, Copy, Default)]
struct ExpressionLevels {
    /// Levels of its query down to here.
    levels: usize,
    /// Set where a row of AND goes on; true if the row is behind a NOT.
    row: Option<bool>,
}

impl Visitor for Levels {
    type Break = TooDeep;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<TooDeep> {
        let tables = query.with.iter().flat_map(|with| with.cte_tables.iter().rev());
        let subqueries = self.queries.last().map_or(0, |outer| {
            let is_in_expression = self.expressions.len() > outer.outside;
            outer.subqueries + usize::from(is_in_expression)
        });
        if let Some(deep) = TooDeep::of_subqueries(subqueries) {
            return ControlFlow::Break(deep);
        }
        self.queries.push(QueryLevels {
            coming: tables.map(|table| table.alias.name.value.clone()).collect(),
            tables: Vec::new(),
            own: 0,
            terms: ConditionTerms::default(),
            more: 0,
            read: 0,
            outside: self.expressions.len(),
            subqueries,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<TooDeep> {
        let levels = self.queries.pop().map_or(0, |done| done.own + done.more + done.read);
        if levels > TooDeep::MOST_LEVELS {
            return ControlFlow::Break(TooDeep::Levels);
        }
        if let Some(outer) = self.queries.last_mut() {
            match outer.coming.pop() {
                Some(name) => outer.tables.push((name, levels)),
                None => outer.read = outer.read.max(levels),
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<TooDeep> {
        if let Some(query) = self.queries.last_mut() {
            query.terms = ConditionTerms::default();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<TooDeep> {
        if let Some(query) = self.queries.last_mut() {
            let listed = select.projection.iter().map(|item| match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => several_terms(expr),
                _ => 0,
            });
            let conditions = query.terms.all.saturating_sub(listed.sum());
            query.more = query.more.max(conditions.saturating_sub(query.terms.most));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<TooDeep> {
        let Some(name) = name.0.last().and_then(|part| part.as_ident()) else { return ControlFlow::Continue(()) };
        let mut tables = self.queries.iter().rev().flat_map(|query| query.tables.iter().rev());
        let levels = tables.find(|(table, _)| *table == name.value).map(|&(_, levels)| levels);
        if let (Some(levels), Some(query)) = (levels, self.queries.last_mut()) {
            query.read = query.read.max(levels);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Written) -> ControlFlow<TooDeep> {
        let outside = self.queries.last().map_or(0, |query| query.outside);
        let above = self.expressions[outside..].last().copied().unwrap_or_default();
        let level = below(above, expression);
        let is_whole = self.expressions.len() == outside;
        self.expressions.push(level);
        if let Some(query) = self.queries.last_mut() {
            query.own = query.own.max(level.levels);
            if is_whole {
                let terms = several_terms(expression);
                query.terms = ConditionTerms { all: query.terms.all + terms, most: query.terms.most.max(terms) };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Written) -> ControlFlow<TooDeep> {
        self.expressions.pop();
        ControlFlow::Continue(())
    }
}

/// The terms of an expression that has more than one.
fn several_terms(expression: &Written) -> usize {
    Some(terms_of(expression)).filter(|terms| *terms > 1).unwrap_or(0)
}

/// The level of an expression whose outer expression has another.
fn below(above: ExpressionLevels, expression: &Written) -> ExpressionLevels {
    let is_negated = above.row.unwrap_or(false);
    let in_row = |is_negated| {
        let terms = if above.row.is_none() { terms_of(expression) } else { 0 };
        ExpressionLevels { levels: above.levels + terms, row: Some(is_negated) }
    };
    match expression {
        Written::BinaryOp { op: BinaryOperator::And, .. } if !is_negated => in_row(false),
        Written::BinaryOp { op: BinaryOperator::Or, .. } if is_negated => in_row(true),
        Written::UnaryOp { op: UnaryOperator::Not, .. } => in_row(!is_negated),
        Written::Nested(_) => in_row(is_negated),
        Written::Identifier(_) | Written::CompoundIdentifier(_) | Written::Value(_) => {
            ExpressionLevels { row: None, ..above }
        }
        Written::BinaryOp { op: BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply, .. } => {
            ExpressionLevels { levels: above.levels + ARITHMETIC, row: None }
        }
        _ => ExpressionLevels { levels: above.levels + OPERATOR, row: None },
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;
    use crate::storage::flatten;

    fn is_too_deep(sql: &str) -> bool {
        let mut statement = Parser::parse_sql(&GenericDialect, sql).unwrap().remove(0);
        flatten(&mut statement).unwrap();
        too_many(&statement).is_some()
    }

    fn row(op: &str, terms: usize) -> String {
        vec!["a = 1"; terms].join(op)
    }

    #[test]
    fn tables_inside_one_another_add_up() {
        for (terms, is_deep) in [(190, false), (200, true)] {
            let (all, any) = (row(" and ", terms), row(" or ", 20_000));
            for condition in [all.clone(), format!("not ({})", row(" or ", terms))] {
                for sql in [
                    format!("select * from (select * from t where {condition}) u where {all}"),
                    format!("with u as (select * from t where {condition}) select * from u where {all}"),
                    format!(
                        "with u as (select * from t where {condition}), v as (select * from u) select * from v where {all}"
                    ),
                    format!("select * from t where {all} and a in (select a from t where {condition})"),
                    format!("select * from t join (select * from t where {condition}) u on {all}"),
                    format!(
                        "select 1 union all select * from (select 1 union all select * from t where {condition}) u where {all}"
                    ),
                ] {
                    assert_eq!(is_too_deep(&sql), is_deep, "{terms}: {sql:.120}");
                }
            }
            for sql in [
                format!("select * from t join u on t.a = u.a and {all} join v on u.a = v.a and {all}"),
                format!("select a from t where {all} group by a having {all}"),
                format!("with u as (select * from t where {all}), U as (select 1 as x) select * from u where {all}"),
            ] {
                assert_eq!(is_too_deep(&sql), is_deep, "{terms}: {sql:.120}");
            }
            assert!(!is_too_deep(&format!("select * from (select * from t where {any}) u where {any}")));
            assert!(!is_too_deep(&format!("select {all}, {all}, {all} from t where a in (1, 2)")));
            assert!(!is_too_deep(&format!("select 1 from t where {all} union all select 1 from t where {all}")));
            assert!(!is_too_deep(&format!("with u as (select * from t where {all}) select 1 from t where {all}")));
        }
    }

    #[test]
    fn queries_in_conditions_and_values_of_one_another_are_counted() {
        for (count, is_deep) in [(10, false), (11, true)] {
            let nested = |start: &str, end: &str| format!("select {}1{}", start.repeat(count), end.repeat(count));
            for sql in [
                nested("(select ", ")"),
                nested("1 where exists (select ", ")"),
                nested("1 where a in (select a from (select ", ") t)"),
            ] {
                assert_eq!(is_too_deep(&sql), is_deep, "{sql}");
            }
            assert!(!is_too_deep(&nested("* from (select ", ") t")), "tables are counted by themselves");
        }
    }

    #[test]
    fn operators_count_as_two_or_three() {
        let sum = |operators: usize| format!("a{}", " + 1".repeat(operators));
        for (operators, is_deep) in [(44, false), (45, true)] {
            let sum = sum(operators);
            let sql = format!("select {sum} as a from (select {sum} as a from (select {sum} as a from t) u) u");
            assert_eq!(is_too_deep(&sql), is_deep, "{operators}");
        }
        let terms = vec![format!("{} = 1", sum(39)); 130].join(" and ");
        assert!(!is_too_deep(&format!("select * from t where {terms}")));
        assert!(is_too_deep(&format!("select * from (select * from t where {terms}) u where {terms}")));
    }

    #[test]
    fn a_long_row_of_small_tables_is_not_deep() {
        let next = (1..100).map(|number| format!(", t{number} as (select * from t{} where a > 1)", number - 1));
        let next: String = next.collect();
        assert!(!is_too_deep(&format!("with t0 as (select 1 as a){next} select * from t99")));
    }
}
