//! `recovery quarantine`: moves the record of an interrupted write that nobody settles out of the graph.

use std::path::PathBuf;

use serde::Serialize;
use stratigraph_engine::recovery::SidecarFile;

use crate::cli::error::{CliError, note};
use crate::cli::open_graph;
use crate::cli::output::Out;
use crate::cli::work::Work;
use crate::theme::Role;

/// What was moved, with the field names of the JSON output.
#[derive(Debug, Serialize)]
struct Moved<'a> {
    operation_id: &'a str,
    /// Where it is now.
    target: String,
    /// Tables that it names; their heads stay as they are.
    tables: Vec<&'a str>,
}

/// Moves the file and says where it is.
pub(super) async fn run(
    uri: &str,
    id: &str,
    target: Option<PathBuf>,
    out: &mut Out,
    work: &Work,
) -> Result<(), CliError> {
    let graph = open_graph(uri).await?;
    let file = graph.sidecar(id).await?;
    let target = place(target, &file.id);
    note(&format!("writing to {}: moving __recovery/{}.json out of it", graph.uri(), file.id));
    work.writing(graph.quarantine_sidecar(&file.id, &target)).await?;
    let tables = tables(&file);
    match file.readable() {
        Some(sidecar) if sidecar.operation_id != file.id => note(&format!(
            "recovery did not go by that file: it settles the write {id} by __recovery/{id}.json, if that is there",
            id = sidecar.operation_id
        )),
        Some(_) if !tables.is_empty() => note(
            "recovery does not know of that write any more; its tables stay as they are: put the file back, and it is as before",
        ),
        Some(_) | None => {}
    }
    let target = target.display().to_string();
    if out.is_json() {
        return out.json(&Moved { operation_id: &file.id, target, tables });
    }
    let id = out.cell(Role::Changed, &file.id).painted;
    let target = out.cell(Role::Text, &target).painted;
    out.line(&format!("{id}  moved to {target}"))
}

fn place(target: Option<PathBuf>, id: &str) -> PathBuf {
    let name = format!("{id}.json");
    match target {
        None => PathBuf::from(name),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file,
    }
}

fn tables(file: &SidecarFile) -> Vec<&str> {
    file.readable().into_iter().flat_map(|sidecar| &sidecar.tables).map(|pin| pin.table_key.as_str()).collect()
}
