//! Rules about names: what may not be declared twice, what is taken, what has to exist.

use std::collections::{HashMap, HashSet};

use super::super::ast::{EdgeDecl, Name, PropertyDecl, SchemaFile};
use super::super::ids::{DeclarationKind, prop_id, type_id};
use super::super::problem::SchemaProblem;
use super::{Fault, Member, Owner};
use crate::excerpt::position;

/// Columns that exist without being declared, and how messages list them.
const BUILT_IN_COLUMNS: ([&str; 3], &str) = (["id", "src", "dst"], "id, src and dst");
/// Columns by which Lance tells what it knows of a row; no table with such a column can be made.
const ROW_COLUMNS: ([&str; 5], &str) = (
    ["_rowid", "_rowaddr", "_rowoffset", "_row_created_at_version", "_row_last_updated_at_version"],
    "_rowid, _rowaddr, _rowoffset, _row_created_at_version and _row_last_updated_at_version",
);

/// Checks names and ids of all declarations and the end types of edges.
pub(super) fn check_types(source: &str, file: &SchemaFile) -> Result<(), Fault> {
    check_type_ids(source, file)?;
    check_edge_names(file)?;
    let nodes: HashSet<&str> = file.nodes.iter().map(|node| node.name.text.as_str()).collect();
    file.edges.iter().try_for_each(|edge| {
        check_end(edge, &edge.from, &nodes)?;
        check_end(edge, &edge.to, &nodes)
    })
}

fn check_type_ids(source: &str, file: &SchemaFile) -> Result<(), Fault> {
    let mut declared: HashMap<u32, (DeclarationKind, &Name)> = HashMap::new();
    for (kind, name) in in_source_order(file) {
        let id = type_id(kind, &name.text);
        if let Some((first_kind, first)) = declared.insert(id, (kind, name)) {
            let problem = if first_kind == kind && first.text == name.text {
                let (first_line, _) = position(source, first.at);
                SchemaProblem::DuplicateType { kind, name: name.text.clone(), first_line }
            } else {
                let first = format!("{first_kind} type {}", first.text);
                SchemaProblem::TypeIdCollision { first, second: format!("{kind} type {}", name.text), id }
            };
            return Err(Fault::new(name.at, problem));
        }
    }
    Ok(())
}

fn in_source_order(file: &SchemaFile) -> Vec<(DeclarationKind, &Name)> {
    let interfaces = file.interfaces.iter().map(|decl| (DeclarationKind::Interface, &decl.name));
    let nodes = file.nodes.iter().map(|decl| (DeclarationKind::Node, &decl.name));
    let edges = file.edges.iter().map(|decl| (DeclarationKind::Edge, &decl.name));
    let mut names: Vec<_> = interfaces.chain(nodes).chain(edges).collect();
    names.sort_by_key(|(_, name)| name.at);
    names
}

fn check_edge_names(file: &SchemaFile) -> Result<(), Fault> {
    let mut declared: HashMap<String, &Name> = HashMap::new();
    for edge in &file.edges {
        if let Some(first) = declared.insert(edge.name.text.to_ascii_lowercase(), &edge.name) {
            let (name, first) = (edge.name.text.clone(), first.text.clone());
            return Err(Fault::new(edge.name.at, SchemaProblem::DuplicateEdgeName { name, first }));
        }
    }
    Ok(())
}

fn check_end(edge: &EdgeDecl, end: &Name, nodes: &HashSet<&str>) -> Result<(), Fault> {
    if nodes.contains(end.text.as_str()) {
        return Ok(());
    }
    let problem = SchemaProblem::UnknownEndpoint { edge: edge.name.text.clone(), name: end.text.clone() };
    Err(Fault::new(end.at, problem))
}

/// Checks that the properties of one type differ in name and id.
pub(super) fn check_properties(source: &str, owner: Owner<'_>, decls: &[&PropertyDecl]) -> Result<(), Fault> {
    let mut declared: HashMap<u32, &Name> = HashMap::new();
    for decl in decls {
        let id = prop_id(owner.kind, owner.name, &decl.name.text);
        if let Some(first) = declared.insert(id, &decl.name) {
            let (name, property) = (owner.describe(), decl.name.text.clone());
            let problem = if first.text == property {
                let (first_line, _) = position(source, first.at);
                SchemaProblem::DuplicateProperty { owner: name, property, first_line }
            } else {
                SchemaProblem::PropertyIdCollision { owner: name, first: first.text.clone(), second: property, id }
            };
            return Err(Fault::new(decl.name.at, problem));
        }
    }
    Ok(())
}

/// Refuses properties that would make a table have a column twice.
pub(super) fn check_reserved(owner: Owner<'_>, members: &[Member<'_>]) -> Result<(), Fault> {
    for member in members {
        let name = member.property.name.as_str();
        let taken = match name {
            name if BUILT_IN_COLUMNS.0.contains(&name) => BUILT_IN_COLUMNS.1,
            name if ROW_COLUMNS.0.contains(&name) => ROW_COLUMNS.1,
            _ => continue,
        };
        let problem = SchemaProblem::ReservedProperty { owner: owner.describe(), property: name.to_owned(), taken };
        return Err(Fault::new(member.decl.name.at, problem));
    }
    Ok(())
}
