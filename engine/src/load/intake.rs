//! Reading the inputs of a load once: every record is checked for itself and kept in a temporary file of its table.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow_schema::SchemaRef;
use serde_json::{Map, Value as Json};

use super::LoadMode;
use super::column::Column;
use super::problem::{LoadError, refuse};
use super::record::{Record, records};
use crate::clock::Clock;
use crate::constraint::{Digest, Digests, End, Place, Problems, RowRules, TableRows};
use crate::error::Result;
use crate::id::{TableKey, TableKind};
use crate::progress::Progress;
use crate::schema::{Catalog, EdgeType, NodeType, TableType};
use crate::write::SpoolWriter;

/// Rows that are built before they go to the file.
const BATCH_ROWS: usize = 8192;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Intake {
    pub(super) tables: BTreeMap<TableKey, TableRows>,
    /// Per node type, the nodes that the edges need.
    pub(super) ends: BTreeMap<String, HashMap<Digest, End>>,
    pub(super) digests: Digests,
}

/// One input: its name for messages, and its text.
pub struct Input {
    /// Name for messages.
    pub name: String,
    /// Its text, JSON records one after the other.
    pub reader: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads all inputs. Blocks: it parses text and writes temporary files in `folder`.
pub(super) fn read(
    catalog: &Catalog,
    mode: LoadMode,
    inputs: Vec<Input>,
    folder: &Path,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Intake> {
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let mut reader = Reader {
        catalog,
        mode,
        folder,
        clock,
        problems: Problems::default(),
        tables: BTreeMap::new(),
        ends: BTreeMap::new(),
        digests: Digests::default(),
    };
    let mut done = 0;
    for (number, input) in (0..).zip(inputs) {
        for (record, read) in records(input.reader) {
            let place = Place { input: number, record };
            match read {
                Ok(record) => reader.record(place, &record)?,
                Err(reason) => reader.problems.at(place, reason),
            }
            done += 1;
            if done % BATCH_ROWS as u64 == 0 {
                progress.check()?;
                progress.advance(done, None, "records");
            }
        }
    }
    progress.advance(done, Some(done), "records");
    reader.finish(&names)
}

struct Reader<'r> {
    catalog: &'r Catalog,
    mode: LoadMode,
    folder: &'r Path,
    clock: &'r dyn Clock,
    problems: Problems,
    tables: BTreeMap<TableKey, Filling<'r>>,
    ends: BTreeMap<String, HashMap<Digest, End>>,
    digests: Digests,
}

impl<'r> Reader<'r> {
    fn record(&mut self, place: Place, record: &Record) -> Result<()> {
        let row = match record {
            Record::Node { kind, data } => self
                .catalog
                .node(kind)
                .ok_or_else(|| format!("there is no node type {kind}"))
                .and_then(|node| node_row(node, data)),
            Record::Edge { kind, from, to, data } => {
                let edge = self.catalog.edge_ignoring_case(kind).ok_or_else(|| format!("there is no edge type {kind}"));
                edge.and_then(|edge| edge_row(edge, [from, to], data))
            }
        };
        match row {
            Ok(row) => self.push(place, row),
            Err(reason) => {
                self.problems.at(place, reason);
                Ok(())
            }
        }
    }

    fn push(&mut self, place: Place, row: NewRow<'r, '_>) -> Result<()> {
        let NewRow { table, id, keyed, ends, data } = row;
        if let TableType::Edge(edge) = table {
            self.need(place, edge, &ends);
        }
        let key = table.key();
        if !self.tables.contains_key(&key) {
            let filling = Filling::new(table, self.folder)?;
            self.tables.insert(key.clone(), filling);
        }
        let filling = self.tables.get_mut(&key).expect("it was just made");
        let given = id.is_some();
        let id = id.unwrap_or_else(|| self.clock.next_id().to_string());
        filling.has_given_ids |= given;
        let row = filling.rows;
        if let Some((earlier, _)) = filling.ids.insert(self.digests.of(&id), (row, place)) {
            if keyed || self.mode != LoadMode::Merge {
                self.problems.at(place, format!("{}: the id `{id}` is there twice", table.name()));
            }
            filling.replaced.push(earlier);
        }
        filling.push(&id, &ends, data, &mut |reason| self.problems.at(place, format!("{}: {reason}", table.name())));
        filling.places.push(place);
        if filling.places.len() >= BATCH_ROWS {
            filling.flush(&mut self.problems)?;
        }
        Ok(())
    }

    /// Notes the nodes that an edge needs.
    fn need(&mut self, place: Place, edge: &EdgeType, ends: &[&str]) {
        for ((role, text), node) in ["src", "dst"].into_iter().zip(ends).zip([&edge.from_type, &edge.to_type]) {
            let end = || End { id: (*text).into(), place, edge: edge.name.as_str().into(), role };
            let needed = self.ends.entry(node.clone()).or_default();
            needed.entry(self.digests.of(text)).or_insert_with(end);
        }
    }

    fn finish(mut self, names: &[String]) -> Result<Intake> {
        let mut tables = BTreeMap::new();
        for (key, mut filling) in self.tables {
            filling.flush(&mut self.problems)?;
            tables.insert(key, filling.finish()?);
        }
        refuse(&mut self.problems, names)?;
        Ok(Intake { tables, ends: self.ends, digests: self.digests })
    }
}

/// A record that fits its type as far as its keys go.
struct NewRow<'r, 'd> {
    table: TableType<'r>,
    /// Its id, if it has one.
    id: Option<String>,
    /// Whether the id is the value of the type's key.
    keyed: bool,
    /// Source and destination of an edge.
    ends: Vec<&'d str>,
    data: &'d Map<String, Json>,
}

fn node_row<'r, 'd>(node: &'r NodeType, data: &'d Map<String, Json>) -> Result<NewRow<'r, 'd>, String> {
    let refused = |reason: String| format!("{}: {reason}", node.name);
    let given = given_id(data).map_err(refused)?;
    let key = node.key_property();
    let id = match key.map(|key| (key, data.get(key))) {
        None => given,
        Some((_, Some(Json::String(value)))) if given.is_none_or(|given| given == value) => Some(value.as_str()),
        Some((key, Some(Json::String(_)))) => return Err(refused(format!("its id is not its key {key}"))),
        Some((key, None | Some(Json::Null))) => return Err(refused(format!("{key} is required: it is the key"))),
        Some((key, Some(other))) => return Err(refused(format!("{key} is the key and must be a text, not {other}"))),
    };
    let id = id.map(str::to_owned);
    Ok(NewRow { table: TableType::Node(node), id, keyed: key.is_some(), ends: Vec::new(), data })
}

fn edge_row<'r, 'd>(
    edge: &'r EdgeType,
    ends: [&'d Json; 2],
    data: &'d Map<String, Json>,
) -> Result<NewRow<'r, 'd>, String> {
    let refused = |reason: String| format!("{}: {reason}", edge.name);
    let id = given_id(data).map_err(refused)?.map(str::to_owned);
    let text = |(role, json): (&str, &'d Json)| {
        json.as_str().ok_or_else(|| refused(format!("{role} must be the id of a node, not {json}")))
    };
    let ends = ["from", "to"].into_iter().zip(ends).map(text).collect::<Result<_, _>>()?;
    Ok(NewRow { table: TableType::Edge(edge), id, keyed: false, ends, data })
}

fn given_id(data: &Map<String, Json>) -> Result<Option<&str>, String> {
    match data.get("id") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(id)) if !id.is_empty() => Ok(Some(id)),
        Some(other) => Err(format!("id must be a text that is not empty, not {other}")),
    }
}

/// A table that is being filled.
struct Filling<'r> {
    table: TableType<'r>,
    schema: SchemaRef,
    rules: RowRules,
    ids_column: StringBuilder,
    ends: Vec<StringBuilder>,
    columns: Vec<Column>,
    places: Vec<Place>,
    spool: SpoolWriter,
    rows: u64,
    ids: HashMap<Digest, (u64, Place)>,
    replaced: Vec<u64>,
    has_given_ids: bool,
}

impl<'r> Filling<'r> {
    fn new(table: TableType<'r>, folder: &Path) -> Result<Self> {
        let schema = Arc::new(table.arrow_schema());
        let rules = RowRules::of(table).map_err(|reason| LoadError::Rule { reason })?;
        let name = table.dir_name().replace('/', "-");
        let ends = if table.kind() == TableKind::Edge { 2 } else { 0 };
        Ok(Self {
            table,
            spool: SpoolWriter::create(folder, &name, schema.clone())?,
            schema,
            rules,
            ids_column: StringBuilder::new(),
            ends: std::iter::repeat_with(StringBuilder::new).take(ends).collect(),
            columns: table.properties().iter().map(|property| Column::new(&property.prop_type)).collect(),
            places: Vec::new(),
            rows: 0,
            ids: HashMap::new(),
            replaced: Vec::new(),
            has_given_ids: false,
        })
    }

    fn push(&mut self, id: &str, ends: &[&str], data: &Map<String, Json>, problem: &mut dyn FnMut(String)) {
        self.rows += 1;
        self.ids_column.append_value(id);
        for (column, end) in self.ends.iter_mut().zip(ends) {
            column.append_value(end);
        }
        let mut known = usize::from(data.contains_key("id"));
        for (property, column) in self.table.properties().iter().zip(&mut self.columns) {
            match data.get(&property.name) {
                Some(value) => {
                    known += 1;
                    if let Err(reason) = column.push(value) {
                        problem(format!("{}: {reason}", property.name));
                    }
                }
                None => column.push_null(),
            }
        }
        if known < data.len() {
            let is_known =
                |name: &str| name == "id" || self.table.properties().iter().any(|property| property.name == name);
            for name in data.keys().filter(|name| !is_known(name)) {
                problem(format!("it has no property {name}"));
            }
        }
    }

    fn flush(&mut self, problems: &mut Problems) -> Result<()> {
        if self.places.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.ids_column.finish())];
        columns.extend(self.ends.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.columns.iter_mut().map(Column::finish));
        let nullable = Arc::new(nullable(&self.schema));
        let batch = RecordBatch::try_new(nullable, columns).expect("the columns are those of the schema");
        let breaches = self.rules.breaches(&batch);
        for breach in &breaches {
            problems.at(self.places[breach.row], format!("{}: {}", self.table.name(), breach.reason));
        }
        self.places.clear();
        // A batch with a row that breaks a rule may lack a required value, and will not be needed.
        if breaches.is_empty() {
            let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec());
            let batch = batch.map_err(|error| LoadError::Reading { reason: error.to_string() })?;
            self.spool.write(&batch)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<TableRows> {
        Ok(TableRows {
            spool: self.spool.finish()?,
            ids: self.ids,
            replaced: self.replaced,
            has_given_ids: self.has_given_ids,
        })
    }
}

/// The columns, allowed to be null until it is known that they are not.
fn nullable(schema: &SchemaRef) -> arrow_schema::Schema {
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    arrow_schema::Schema::new(fields)
}
