//! SQL over the tables of one snapshot, read-only and in bounded memory.
//!
//! Every node and edge type is a table under its own name, exactly as declared, quoted or not; where a node and an edge type
//! share a name they are told apart by schema: `node."Link"`, `edge."Link"`. Tables are opened when a query names them.
//!
//! **Rule:** only queries run. Whatever would change something, settings included, is refused before anything is executed.

mod catalog;
mod columns;
mod correlated;
mod error;
mod exact;
mod levels;
mod missing;
mod nulls;
mod projections;
mod recursive;
mod sums;
mod unsupported;
mod zeros;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::Result;
use crate::history::Snapshot;
use crate::storage::{
    Look, Stopped, Storage, TooDeep, fenced, fenced_stream, flatten, is_nested_too_deeply, sql_reader, with_room_for,
};

pub use error::QueryError;
pub use missing::Missing;
pub use unsupported::Unsupported;

/// Memory a query may hold before it spills to the system's folder for temporary files.
const MEMORY_BYTES: usize = 512 << 20;
/// Part of it kept free for merging spilled runs, as a divisor.
const RESERVATION: usize = 16;

/// How a query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlOptions {
    /// Memory it may hold before it spills, in bytes.
    pub memory_bytes: usize,
    /// At most this many rows of the result; all if none.
    pub limit: Option<u64>,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self { memory_bytes: MEMORY_BYTES, limit: None }
    }
}

/// The result of a query, computed while it is read; dropping it stops the query.
pub struct SqlResult {
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

impl std::fmt::Debug for SqlResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlResult").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Plans a query and starts it.
pub(crate) async fn sql(storage: &Storage, snapshot: &Snapshot, sql: &str, options: SqlOptions) -> Result<SqlResult> {
    let catalog = Arc::new(catalog::GraphCatalog::new(storage, snapshot));
    let context = context(catalog.clone(), options)?;
    let state = context.state();
    let statement = read(&state, snapshot, sql)?;
    let named = state.resolve_table_references(&statement).unwrap_or_default();
    let planned = |cause| QueryError::planning(&state, snapshot, (sql, &named), cause);
    let plan = state.statement_to_plan(statement).await.map_err(planned)?;
    let only_queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_queries.verify_plan(&plan).map_err(|_| QueryError::ReadOnly { statement: changing(sql) })?;
    if plan.schema().fields().is_empty() {
        return Err(QueryError::NoColumn.into());
    }
    if let Some(column) = repeated(plan.schema().fields().iter().map(|field| field.name().as_str())) {
        return Err(QueryError::DuplicateColumn { column: column.to_owned() }.into());
    }
    if let Some(what) = unsupported::in_plan(&plan).map_err(planned)? {
        return Err(QueryError::Unsupported { what }.into());
    }
    let plan = match options.limit {
        Some(rows) => limited(plan, rows).map_err(planned)?,
        None => plan,
    };
    let started = fenced(async { execute_stream(physical(&state, &plan).await?, context.task_ctx()) });
    let batches = match started.await.unwrap_or_else(stopped) {
        Ok(batches) => batches,
        Err(cause) => return Err(explained(&catalog, planned(cause)).await.into()),
    };
    let memory_bytes = options.memory_bytes;
    let schema = batches.schema();
    let read = move |item: Result<Result<_, DataFusionError>, Stopped>| {
        let catalog = catalog.clone();
        async move {
            match item.unwrap_or_else(stopped) {
                Ok(rows) => Ok(rows),
                Err(cause) => Err(explained(&catalog, QueryError::running(memory_bytes, cause)).await.into()),
            }
        }
    };
    Ok(SqlResult { schema, batches: fenced_stream(batches.boxed()).then(read).boxed() })
}

/// Reads a query. Nothing that walks over what is returned needs a deep stack.
fn read(state: &SessionState, snapshot: &Snapshot, sql: &str) -> Result<Statement, QueryError> {
    let deep = |what| QueryError::Unsupported { what: Unsupported::TooDeep(what) };
    let start = sql.split_whitespace().map(str::to_ascii_uppercase);
    let start = start.take_while(|word| ["EXPLAIN", "ANALYZE", "VERBOSE"].contains(&word.as_str()));
    if start.filter(|word| word == "EXPLAIN").nth(1).is_some() {
        return Err(QueryError::Unsupported { what: Unsupported::Absent("EXPLAIN of an EXPLAIN".to_owned()) });
    }
    let read = with_room_for(sql, || {
        if is_nested_too_deeply(sql) {
            return Err(deep(TooDeep::Nested));
        }
        let read = state.sql_to_statement(sql, &state.config().options().sql_parser.dialect);
        let mut statement = read.map_err(|cause| QueryError::planning(state, snapshot, (sql, &[]), cause))?;
        if let Statement::Statement(query) = inner_mut(&mut statement) {
            flatten(query).map_err(deep)?;
            recursive::name_columns(query);
        }
        if !may_be_query(inner(&statement)) {
            return Err(QueryError::ReadOnly { statement: first_word(&inner(&statement).to_string()) });
        }
        match unsupported::in_statement(state, &statement) {
            Some(what) => Err(QueryError::Unsupported { what }),
            None => Ok(statement),
        }
    });
    read.map_err(deep)?
}

/// The statement that is explained, or the statement itself.
fn inner(statement: &Statement) -> &Statement {
    match statement {
        Statement::Explain(explained) => inner(&explained.statement),
        statement => statement,
    }
}

fn inner_mut(statement: &mut Statement) -> &mut Statement {
    match statement {
        Statement::Explain(explained) => inner_mut(&mut explained.statement),
        statement => statement,
    }
}

/// Returns whether a statement can be a query, judged by its words: what it reads and calls is known only when it is planned.
fn may_be_query(statement: &Statement) -> bool {
    let Statement::Statement(statement) = statement else { return false };
    matches!(
        statement.as_ref(),
        ast::Statement::Query(_)
            | ast::Statement::Explain { .. }
            | ast::Statement::ExplainTable { .. }
            | ast::Statement::ShowTables { .. }
            | ast::Statement::ShowColumns { .. }
            | ast::Statement::ShowCreate { .. }
            | ast::Statement::ShowFunctions { .. }
            | ast::Statement::ShowVariable { .. }
    )
}

fn limited(plan: LogicalPlan, rows: u64) -> Result<LogicalPlan, DataFusionError> {
    LogicalPlanBuilder::from(plan).limit(0, usize::try_from(rows).ok())?.build()
}

async fn physical(state: &SessionState, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    match plan {
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => state.create_physical_plan(plan).await,
        plan => {
            let plan = zeros::take_zeros_as_one(state.optimize(plan)?)?;
            state.query_planner().create_physical_plan(&plan, state).await
        }
    }
}

fn stopped<T>(stopped: Stopped) -> Result<T, DataFusionError> {
    Err(DataFusionError::External(Box::new(stopped)))
}

/// The error with the file that it comes from, if it comes from one. What is most likely a mistake of the query is not looked into
/// as thoroughly.
async fn explained(catalog: &catalog::GraphCatalog, error: QueryError) -> QueryError {
    let look = match &error {
        QueryError::Table { .. } => Look::Rows,
        QueryError::Run { .. } | QueryError::Plan { .. } => Look::Frames,
        _ => return error,
    };
    for table in catalog.opened() {
        if let Some(damage) = table.find_damage(look).await {
            return QueryError::damaged(damage);
        }
    }
    error.of_the_query()
}

fn context(catalog: Arc<catalog::GraphCatalog>, options: SqlOptions) -> Result<SessionContext, QueryError> {
    let pool = Arc::new(FairSpillPool::new(options.memory_bytes));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().map_err(QueryError::setup)?;
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(catalog::CATALOG, catalog::BOTH)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_sort_spill_reservation_bytes(options.memory_bytes / RESERVATION);
    let state = sql_reader(config)
        .with_runtime_env(runtime)
        .with_analyzer_rule(Arc::new(exact::ExactArithmetic))
        .with_optimizer_rules(projections::optimizer_rules())
        .build();
    let context = SessionContext::new_with_state(state);
    for function in sums::exact_sums() {
        context.register_udaf(function);
    }
    context.register_catalog(catalog::CATALOG, catalog);
    Ok(context)
}

/// The first name that occurs twice.
fn repeated<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.find(|name| !seen.insert(*name))
}

/// Returns the name of a statement that begins like a query and is none.
fn changing(sql: &str) -> String {
    match first_word(sql).as_str() {
        word @ ("SELECT" | "WITH" | "FROM") => format!("{word} … INTO"),
        word => word.to_owned(),
    }
}

fn first_word(sql: &str) -> String {
    sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}
