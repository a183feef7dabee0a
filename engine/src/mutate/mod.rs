//! Mutations: statements in a query language that insert, update and delete, carried out as one write.
//!
//! | file | answers |
//! |---|---|
//! | `lex`, `parse`, `ast` | text → tokens → tree |
//! | `check` | whether every name and value fits the schema |
//! | `bind` | what the parameters put in |
//! | `filter` | which rows a statement is about |
//! | `run` | what the statements make of the rows that are stored and of each other's |
//! | `pending` | where that is kept |
//! | `publish` | the checks of the whole, and the write |
//! | `problem` | everything that can be wrong, and how it is told |
//!
//! The versions of the tables are pinned before anything is read. Statements that choose rows, or delete nodes with their edges,
//! are carried out on exactly these versions or not at all; statements that only insert go on top of whatever is there.

mod ast;
mod bind;
mod check;
mod filter;
mod lex;
mod parse;
mod pending;
mod problem;
mod publish;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use problem::{MutateError, MutateProblem, TextError, TextProblem};

use ast::Query;
use bind::BoundStep;
use run::{Made, Work};

use crate::error::Result;
use crate::id::{BranchName, TableKey};
use crate::manifest;
use crate::progress::Progress;
use crate::recovery;
use crate::schema::Catalog;
use crate::write::{Writer, Written};

/// What to do, and where.
#[derive(Debug, Clone)]
pub struct MutateRequest {
    /// Branch to change.
    pub branch: BranchName,
    /// Who does it.
    pub actor: Option<Arc<str>>,
    /// Text of the queries.
    pub text: String,
    /// Which of them; none if there is one only.
    pub name: Option<String>,
    /// Values of its parameters, without the `$`.
    pub params: Map<String, Value>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutated {
    /// The commit; none if no row matched.
    pub written: Option<Written>,
    /// Nodes that were inserted, updated or deleted, each as often as a statement did it.
    pub affected_nodes: u64,
    /// Edges that were inserted or deleted, those that went with their nodes included.
    pub affected_edges: u64,
    /// Rows that were written to each table, or removed from it.
    pub rows: BTreeMap<TableKey, u64>,
}

/// Carries out a query on a branch.
pub(crate) async fn mutate(
    writer: &Writer,
    catalog: &Catalog,
    request: MutateRequest,
    progress: &Progress,
) -> Result<Mutated> {
    let steps = prepare(catalog, &request, writer.clock.now_micros().div_euclid(1000))?;
    recovery::heal(writer).await?;
    let MutateRequest { branch, actor, .. } = request;
    let pinned = manifest::read_state(&manifest::open(&writer.storage, &branch, None).await?).await?;
    let mut work = Work {
        storage: &writer.storage,
        catalog,
        branch: &branch,
        pinned: &pinned,
        clock: &*writer.clock,
        progress,
        made: Made::default(),
    };
    let labels: Vec<String> = steps.iter().map(|step| step.label.clone()).collect();
    for (number, step) in (1..).zip(&steps) {
        Box::pin(work.step(number, step)).await?;
        // Later statements would choose among rows that will not be there.
        problem::refuse(&mut work.made.problems, &labels)?;
    }
    let made = work.made;
    Box::pin(publish::publish(writer, catalog, (branch, actor), &pinned, made, &labels, progress)).await
}

/// Everything that can be said without looking at rows.
fn prepare<'c>(
    catalog: &'c Catalog,
    request: &MutateRequest,
    now_millis: i64,
) -> Result<Vec<BoundStep<'c>>, MutateError> {
    let file = parse::parse(&request.text)?;
    let query = named(&request.text, &file.queries, request.name.as_deref())?;
    let checked = check::check(&request.text, query, catalog)?;
    bind::bind(checked, &request.params, now_millis)
}

fn named<'q>(text: &str, queries: &'q [Query], name: Option<&str>) -> Result<&'q Query, MutateError> {
    for (index, query) in queries.iter().enumerate() {
        if queries[..index].iter().any(|earlier| earlier.name.text == query.name.text) {
            let problem = TextProblem::Twice { what: "query", name: query.name.text.clone() };
            return Err(TextError::at(text, query.name.at, problem).into());
        }
    }
    let names = || queries.iter().map(|query| query.name.text.clone()).collect();
    match (name, queries) {
        (Some(name), queries) => {
            let found = queries.iter().find(|query| query.name.text == name);
            found.ok_or_else(|| MutateError::UnknownQuery { name: name.to_owned(), names: names() })
        }
        (None, [query]) => Ok(query),
        (None, []) => {
            let expected = "`query name() {`".to_owned();
            let problem = TextProblem::Unexpected { expected, found: "the end of the text".to_owned() };
            Err(TextError::at(text, text.len(), problem).into())
        }
        (None, _) => Err(MutateError::Unnamed { names: names() }),
    }
}
