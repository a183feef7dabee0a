//! Names of the columns of a recursive query, as in `with recursive n(x) as (select 1 union all select x + 1 from n …)`.
//!
//! The query engine gives the columns these names only once the whole query is planned, so that the query cannot use them itself. Here its
//! first part gets them: `select * from (select 1) as n(x)`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, Query, SetExpr, SetOperator, SetQuantifier, Statement, TableAlias, TableFactor, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Names the columns of all recursive queries of a statement from the start.
pub(super) fn name_columns(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Recursive);
}

struct Recursive;

impl VisitorMut for Recursive {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let recursive = query.with.iter_mut().filter(|with| with.recursive);
        for table in recursive.flat_map(|with| &mut with.cte_tables) {
            name_first(table);
        }
        ControlFlow::Continue(())
    }
}

fn name_first(table: &mut Cte) {
    if table.alias.columns.is_empty() {
        return;
    }
    let by_place = [SetQuantifier::All, SetQuantifier::Distinct, SetQuantifier::None];
    if let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left: first, .. } = table.query.body.as_mut()
        && by_place.contains(set_quantifier)
    {
        let mut named = named();
        let (read, alias) = parts(&mut named).expect("it reads another query");
        std::mem::swap(&mut read.body, first);
        *alias = Some(table.alias.clone());
        *first = named.body;
    }
}

/// A query that reads another one and gives its columns names, once it has both.
fn named() -> Query {
    let parser = Parser::new(&GenericDialect).try_with_sql("SELECT * FROM (SELECT 1) AS n");
    *parser.and_then(|mut parser| parser.parse_query()).expect("it is a query")
}

fn parts(query: &mut Query) -> Option<(&mut Query, &mut Option<TableAlias>)> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    match &mut select.from.first_mut()?.relation {
        TableFactor::Derived { subquery, alias, .. } => Some((subquery, alias)),
        _ => None,
    }
}
