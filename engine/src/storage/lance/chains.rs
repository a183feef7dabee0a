//! SQL whose structure is as deep as it is long: `a or b or c …`.
//!
//! A parser makes a chain of operators without going deeper, but whatever walks over it afterwards, the query engine above all, goes one
//! call deeper for each. A stack that overflows ends the process, so chains are made flat or refused before anything walks over them.

use std::fmt;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr as Written, Query, Select, SetExpr, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::nesting::MOST_NESTED;

/// How deep expressions may be. The query engine takes up to 10 KiB of a thread's 2 MiB for each level.
const DEEPEST: usize = 100;
/// How many queries may be in the conditions and values of one another: each makes planning take twice as long.
const MOST_SUBQUERIES: usize = 10;
/// How many terms of AND a query may have in a row: when the query engine moves conditions to where they are looked at first, it makes
/// chains of them again.
const MOST_TERMS: usize = 200;
/// How many terms of AND or OR stand as they are written; more are made flat.
const FEW_TERMS: usize = 16;
/// Values of a list for which the query engine makes a comparison with each (`inlist_simplifier` of DataFusion 54).
const SHORT_LIST: usize = 3;
/// How long a text may be, in bytes.
const LONGEST: usize = 4 << 20;
/// Bytes of text for which any stack is large enough, however its characters are used.
const SHORT: usize = 2 << 10;
/// Bytes of stack for each byte of a longer text: what it takes to give back the memory of an operand and its operator.
const STACK_PER_BYTE: usize = 512;

/// Something of which SQL has more in a row, or inside one another, than can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooDeep {
    /// Operators, functions and parentheses.
    Operators,
    /// Terms of AND.
    Terms,
    /// UNION, INTERSECT and EXCEPT.
    SetOperations,
    /// Tables that are joined.
    Joins,
    /// Tables of a WITH, or tables inside one another.
    Tables,
    /// Terms of AND and operators, those of tables inside one another added up.
    Levels,
    /// Parentheses, functions, CASE and NOT inside one another.
    Nested,
    /// Queries in the conditions and values of one another.
    Subqueries,
    /// The system has no stack for it.
    NoRoom,
    /// The text, in bytes.
    Text,
}

impl TooDeep {
    /// Most levels of a query in all. In a debug build 600 fit in the 2 MiB of a thread's stack, and 800 do not; of arithmetic 450 do.
    pub(crate) const MOST_LEVELS: usize = 400;

    /// Finds that queries are too deep in the conditions and values of one another.
    pub(crate) fn of_subqueries(depth: usize) -> Option<Self> {
        (depth > MOST_SUBQUERIES).then_some(Self::Subqueries)
    }
}

impl std::error::Error for TooDeep {}

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operators => write!(
                f,
                "more than {DEEPEST} operators in a row cannot be used, but for AND and OR: put parts of them in parentheses, or use IN for \
                 a list of values"
            ),
            Self::Terms => write!(
                f,
                "more than {MOST_TERMS} terms of AND in a row cannot be used in a query: use NOT IN for a list of values, or ask several \
                 times"
            ),
            Self::SetOperations => {
                write!(
                    f,
                    "more than {DEEPEST} UNION, INTERSECT or EXCEPT in a row cannot be used: put parts of them in parentheses"
                )
            }
            Self::Tables => write!(
                f,
                "more than {DEEPEST} tables in a WITH, or inside one another, cannot be used: ask several times"
            ),
            Self::Levels => write!(
                f,
                "more than {} terms in the conditions of a query and of the tables inside it cannot be used, where an operator or a function \
                 counts as two, and +, - and * as three: ask several times",
                Self::MOST_LEVELS
            ),
            Self::Nested => write!(
                f,
                "parentheses, functions, CASE, NOT and operators before them can be inside one another {MOST_NESTED} times at most: write it \
                 with fewer"
            ),
            Self::Subqueries => write!(
                f,
                "more than {MOST_SUBQUERIES} queries in the conditions and values of one another cannot be used: join their tables, or put \
                 them in a WITH"
            ),
            Self::NoRoom => f.write_str("the system has not enough memory to read so long a text: ask several times"),
            Self::Text => write!(
                f,
                "more than {} MiB of SQL cannot be used: load the values as a table and join it, or ask several times",
                LONGEST >> 20
            ),
            Self::Joins => write!(f, "more than {DEEPEST} joins in a row cannot be used: ask several times"),
        }
    }
}

/// Does something with a text on a stack that is large enough to give back what is read of it.
///
/// # Errors
/// [`TooDeep::Text`] or [`TooDeep::NoRoom`] if there is no such stack.
pub(crate) fn with_room_for<T: Send>(text: &str, read: impl FnOnce() -> T + Send) -> Result<T, TooDeep> {
    if text.len() <= SHORT {
        return Ok(read());
    }
    if text.len() > LONGEST {
        return Err(TooDeep::Text);
    }
    let stack = std::thread::Builder::new().stack_size((text.len() * STACK_PER_BYTE).max(2 << 20));
    std::thread::scope(|scope| {
        let reader = stack.spawn_scoped(scope, read).map_err(|_| TooDeep::NoRoom)?;
        Ok(reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Makes chains of AND and of OR flat: what they connect is the same, from left to right.
///
/// # Errors
/// What is deep nevertheless. It is then only good for being dropped, with room for it.
pub(crate) fn flatten(written: &mut impl VisitMut) -> Result<(), TooDeep> {
    match written.visit(&mut Flatten::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(deep) => Err(deep),
    }
}

/// Counts the terms of a row of AND, or of OR behind a NOT, which is the same. BETWEEN and NOT IN a short list are as many as the query
/// engine makes of them, anything else is one term.
pub(crate) fn terms_of(written: &Written) -> usize {
    let (mut open, mut terms) = (vec![(written, false)], 0);
    while let Some((part, is_negated)) = open.pop() {
        match part {
            Written::BinaryOp { left, op: BinaryOperator::And, right } if !is_negated => {
                open.extend([(left.as_ref(), false), (right.as_ref(), false)]);
            }
            Written::BinaryOp { left, op: BinaryOperator::Or, right } if is_negated => {
                open.extend([(left.as_ref(), true), (right.as_ref(), true)]);
            }
            Written::UnaryOp { op: UnaryOperator::Not, expr } => open.push((expr, !is_negated)),
            Written::Nested(inner) => open.push((inner, is_negated)),
            Written::Between { negated, .. } if *negated == is_negated => terms += 2,
            Written::InList { list, negated, .. } if *negated != is_negated && list.len() <= SHORT_LIST => {
                terms += list.len().max(1);
            }
            _ => terms += 1,
        }
    }
    terms
}

/// Finds that a flat expression is a row of more terms than a query can have.
pub(crate) fn too_many_terms(written: &Written) -> Option<TooDeep> {
    (terms_of(written) > MOST_TERMS).then_some(TooDeep::Terms)
}

/// Never goes deeper than is allowed.
#[derive(Default)]
struct Flatten {
    expressions: usize,
    tables: usize,
}

impl VisitorMut for Flatten {
    type Break = TooDeep;

    fn pre_visit_expr(&mut self, expression: &mut Written) -> ControlFlow<TooDeep> {
        match &*expression {
            Written::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => {
                let op = op.clone();
                let terms = terms(std::mem::replace(expression, Written::value(Value::Null)), &op);
                *expression = if terms.len() > FEW_TERMS { flat(terms, &op) } else { as_written(terms, &op) };
            }
            // The query engine makes each part a function of the ones before.
            Written::CompoundFieldAccess { access_chain, .. } if access_chain.len() > DEEPEST => {
                return ControlFlow::Break(TooDeep::Operators);
            }
            _ => {}
        }
        self.expressions += 1;
        within(self.expressions, TooDeep::Operators)
    }

    fn post_visit_expr(&mut self, _: &mut Written) -> ControlFlow<TooDeep> {
        self.expressions -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<TooDeep> {
        within(query.with.as_ref().map_or(0, |with| with.cte_tables.len()), TooDeep::Tables)?;
        let mut open = vec![(query.body.as_ref(), 0)];
        while let Some((set, depth)) = open.pop() {
            within(depth, TooDeep::SetOperations)?;
            if let SetExpr::SetOperation { left, right, .. } = set {
                open.extend([(left.as_ref(), depth + 1), (right.as_ref(), depth + 1)]);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<TooDeep> {
        within(select.from.iter().map(|table| 1 + table.joins.len()).sum(), TooDeep::Joins)
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<TooDeep> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = table {
            within(1 + table_with_joins.joins.len(), TooDeep::Joins)?;
        }
        self.tables += 1;
        within(self.tables, TooDeep::Tables)
    }

    fn post_visit_table_factor(&mut self, _: &mut TableFactor) -> ControlFlow<TooDeep> {
        self.tables -= 1;
        ControlFlow::Continue(())
    }
}

fn within(depth: usize, what: TooDeep) -> ControlFlow<TooDeep> {
    if depth > DEEPEST { ControlFlow::Break(what) } else { ControlFlow::Continue(()) }
}

/// What an operator connects, from left to right.
fn terms(chain: Written, of: &BinaryOperator) -> Vec<Written> {
    let (mut rest, mut terms) = (chain, Vec::new());
    loop {
        match rest {
            Written::BinaryOp { left, op, right } if op == *of => {
                terms.push(*right);
                rest = *left;
            }
            first => {
                terms.push(first);
                terms.reverse();
                return terms;
            }
        }
    }
}

fn as_written(terms: Vec<Written>, op: &BinaryOperator) -> Written {
    let chain = terms.into_iter().reduce(|left, right| joined(left, op, right));
    chain.expect("a chain has terms")
}

fn flat(terms: Vec<Written>, op: &BinaryOperator) -> Written {
    balanced(terms, |left, right| joined(left, op, right)).expect("a chain has terms")
}

/// Joins terms in their order, so that none is deeper than it must be.
pub(super) fn balanced<T>(mut terms: Vec<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        terms = pairs;
    }
    terms.pop()
}

fn joined(left: Written, op: &BinaryOperator, right: Written) -> Written {
    Written::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    /// How deep an expression is once it is flat, and what it says then without parentheses.
    fn flat(text: &str) -> Result<(usize, String), TooDeep> {
        with_room_for(text, || {
            let mut expression = Parser::new(&GenericDialect).try_with_sql(text).unwrap().parse_expr().unwrap();
            flatten(&mut expression)?;
            Ok((depth(&expression), expression.to_string()))
        })?
    }

    fn depth(expression: &Written) -> usize {
        match expression {
            Written::BinaryOp { left, right, .. } => 1 + depth(left).max(depth(right)),
            Written::Nested(inner) => depth(inner),
            _ => 0,
        }
    }

    #[test]
    fn chains_of_and_and_of_or_are_flat_and_in_order() {
        let terms: Vec<String> = (0..20_000).map(|number| format!("a = {number}")).collect();
        for op in ["OR", "AND"] {
            let text = terms.join(&format!(" {op} "));
            let (depth, said) = flat(&text).unwrap();
            assert!(depth < 20, "{op}: {depth}");
            assert_eq!(said, text);
            let (depth, said) = flat(&format!("NOT (x AND ({text})) OR f({text})")).unwrap();
            assert!(depth < 20, "{op}: {depth}");
            assert_eq!(said, format!("NOT (x AND ({text})) OR f({text})"));
        }
        assert_eq!(flat("a OR b AND c OR NOT d").unwrap(), (3, "a OR b AND c OR NOT d".to_owned()));
    }

    #[test]
    fn what_cannot_be_flat_is_refused_however_long_it_is() {
        for (first, next) in [("1", "+1"), ("a", "||b"), ("a", "::int"), ("a", " IS NULL"), ("a", "=b")] {
            let chain = |length: usize| format!("{first}{}", next.repeat(length));
            flat(&chain(DEEPEST - 1)).unwrap();
            for length in [DEEPEST, 1_000, 200_000] {
                assert_eq!(flat(&chain(length)), Err(TooDeep::Operators), "{next} {length} times");
            }
        }
        assert_eq!(flat(&"x".repeat(LONGEST + 1)), Err(TooDeep::Text));
    }
}
