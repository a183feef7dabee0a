//! Syntax tree → compiled records, in canonical order.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ast::{
    AnnotationDecl, Block, CardDecl, EdgeDecl, InterfaceDecl, Name, NodeDecl, PropertyDecl, SchemaFile, TypeExpr,
};
use super::super::ids::{DeclarationKind, prop_id, type_id};
use super::super::ir::{
    EdgeType, IR_VERSION, InterfaceType, NodeType, Property, SchemaIr, canonicalise, canonicalise_annotations,
};
use super::super::problem::SchemaProblem;
use super::super::types::{Annotation, Cardinality, Constraint, PropertyType, ScalarType};
use super::{Fault, Member, Owner, constraint, names, property};

const LARGEST_DIMENSION: u32 = 2_147_483_647;

/// Compiles a parsed source, checking every rule.
pub(super) fn lower(source: &str, file: &SchemaFile) -> Result<SchemaIr, Fault> {
    names::check_types(source, file)?;
    let lowering = Lowering { source, file };
    let mut interfaces = collect(&file.interfaces, |decl| lowering.interface(decl))?;
    let mut nodes = collect(&file.nodes, |decl| lowering.node(decl))?;
    let mut edges = collect(&file.edges, |decl| lowering.edge(decl))?;
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    edges.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(SchemaIr { ir_version: IR_VERSION, interfaces, nodes, edges })
}

fn collect<D, T>(decls: &[D], lower: impl Fn(&D) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    decls.iter().map(lower).collect()
}

struct Lowering<'f> {
    source: &'f str,
    file: &'f SchemaFile,
}

impl<'f> Lowering<'f> {
    /// An interface is not validated beyond what its records need; its rules apply where it is implemented.
    fn interface(&self, decl: &'f InterfaceDecl) -> Result<InterfaceType, Fault> {
        let owner = Owner { kind: DeclarationKind::Interface, name: &decl.name.text };
        let members = self.members(owner, decl.properties.iter().collect())?;
        let mut properties: Vec<Property> = members.into_iter().map(|member| member.property).collect();
        canonicalise(&mut properties, &mut []);
        Ok(InterfaceType { name: decl.name.text.clone(), type_id: type_id(owner.kind, owner.name), properties })
    }

    fn node(&self, decl: &'f NodeDecl) -> Result<NodeType, Fault> {
        let owner = Owner { kind: DeclarationKind::Node, name: &decl.name.text };
        property::check_type_annotations(owner, &decl.annotations)?;
        let members = self.members(owner, self.with_inherited(decl)?)?;
        let (properties, constraints) = checked(owner, members, &decl.block)?;
        let implements: BTreeSet<String> = decl.implements.iter().map(|name| name.text.clone()).collect();
        Ok(NodeType {
            name: decl.name.text.clone(),
            type_id: type_id(owner.kind, owner.name),
            annotations: annotations(&decl.annotations),
            implements: implements.into_iter().collect(),
            properties,
            constraints,
        })
    }

    fn edge(&self, decl: &'f EdgeDecl) -> Result<EdgeType, Fault> {
        let owner = Owner { kind: DeclarationKind::Edge, name: &decl.name.text };
        property::check_type_annotations(owner, &decl.annotations)?;
        let members = self.members(owner, decl.block.properties.iter().collect())?;
        let (properties, constraints) = checked(owner, members, &decl.block)?;
        Ok(EdgeType {
            name: decl.name.text.clone(),
            type_id: type_id(owner.kind, owner.name),
            from_type: decl.from.text.clone(),
            to_type: decl.to.text.clone(),
            cardinality: cardinality(owner, decl.card.as_ref())?,
            annotations: annotations(&decl.annotations),
            properties,
            constraints,
        })
    }

    fn members(&self, owner: Owner<'f>, decls: Vec<&'f PropertyDecl>) -> Result<Vec<Member<'f>>, Fault> {
        names::check_properties(self.source, owner, &decls)?;
        decls
            .into_iter()
            .map(|decl| {
                let property = Property {
                    name: decl.name.text.clone(),
                    prop_id: prop_id(owner.kind, owner.name, &decl.name.text),
                    prop_type: property_type(decl)?,
                    annotations: annotations(&decl.annotations),
                };
                Ok(Member { decl, property })
            })
            .collect()
    }

    /// The properties of a node type, then those of its interfaces that it does not declare itself.
    fn with_inherited(&self, node: &'f NodeDecl) -> Result<Vec<&'f PropertyDecl>, Fault> {
        let mut decls: Vec<&PropertyDecl> = node.block.properties.iter().collect();
        for name in &node.implements {
            for inherited in self.interface_properties(node, name)? {
                match decls.iter().find(|decl| decl.name.text == inherited.name.text) {
                    Some(present) => same_type(node, name, present, inherited)?,
                    None => decls.push(inherited),
                }
            }
        }
        Ok(decls)
    }

    fn interface_properties(&self, node: &NodeDecl, name: &Name) -> Result<&'f [PropertyDecl], Fault> {
        let interface = self.file.interfaces.iter().find(|interface| interface.name.text == name.text);
        interface.map(|interface| interface.properties.as_slice()).ok_or_else(|| {
            let problem = SchemaProblem::UnknownInterface { node: node.name.text.clone(), name: name.text.clone() };
            Fault::new(name.at, problem)
        })
    }
}

/// Applies the rules of one type and brings its parts into canonical order.
fn checked(
    owner: Owner<'_>,
    members: Vec<Member<'_>>,
    block: &Block,
) -> Result<(Vec<Property>, Vec<Constraint>), Fault> {
    names::check_reserved(owner, &members)?;
    property::check_annotations(owner, &members)?;
    let mut constraints = constraint::constraints(owner, &members, block)?;
    let mut properties: Vec<Property> = members.into_iter().map(|member| member.property).collect();
    canonicalise(&mut properties, &mut constraints);
    Ok((properties, constraints))
}

fn same_type(node: &NodeDecl, interface: &Name, present: &PropertyDecl, declared: &PropertyDecl) -> Result<(), Fault> {
    let (actual, expected) = (property_type(present)?, property_type(declared)?);
    if actual == expected {
        return Ok(());
    }
    // A property that came from another interface has no place inside the node; the interface's name has.
    let own = node.block.properties.iter().any(|decl| std::ptr::eq(decl, present));
    let problem = SchemaProblem::InterfaceMismatch {
        node: node.name.text.clone(),
        interface: interface.text.clone(),
        property: present.name.text.clone(),
        actual: actual.to_string(),
        declared: expected.to_string(),
    };
    Err(Fault::new(if own { present.name.at } else { interface.at }, problem))
}

fn property_type(decl: &PropertyDecl) -> Result<PropertyType, Fault> {
    let (scalar, list, enum_values) = match &decl.kind {
        TypeExpr::Base(scalar) => (*scalar, false, None),
        TypeExpr::List(ScalarType::Blob) => {
            let problem = SchemaProblem::BlobList { property: decl.name.text.clone() };
            return Err(Fault::new(decl.name.at, problem));
        }
        TypeExpr::List(scalar) => (*scalar, true, None),
        TypeExpr::Vector(digits) => (ScalarType::Vector(dimension(digits)?), false, None),
        TypeExpr::Enum(values) => {
            let values: BTreeSet<String> = values.iter().cloned().collect();
            (ScalarType::String, false, Some(values.into_iter().collect()))
        }
    };
    Ok(PropertyType { scalar, nullable: decl.nullable, list, enum_values })
}

fn dimension(digits: &Name) -> Result<u32, Fault> {
    let parsed = digits.text.parse().ok().filter(|dimension| (1..=LARGEST_DIMENSION).contains(dimension));
    parsed.ok_or_else(|| Fault::new(digits.at, SchemaProblem::VectorDimension { digits: digits.text.clone() }))
}

fn cardinality(owner: Owner<'_>, card: Option<&CardDecl>) -> Result<Cardinality, Fault> {
    let Some(card) = card else {
        return Ok(Cardinality::ANY);
    };
    let min = card_number(&card.min)?;
    let max = card.max.as_ref().map(card_number).transpose()?;
    match max {
        Some(max) if min > max => {
            let problem = SchemaProblem::CardOrder { edge: owner.name.to_owned(), min, max };
            Err(Fault::new(card.min.at, problem))
        }
        Some(_) | None => Ok(Cardinality { min, max }),
    }
}

fn card_number(digits: &Name) -> Result<u32, Fault> {
    digits.text.parse().map_err(|_| {
        let problem = SchemaProblem::NumberRange { text: digits.text.clone(), allowed: "0 to 4294967295" };
        Fault::new(digits.at, problem)
    })
}

fn annotations(decls: &[AnnotationDecl]) -> Vec<Annotation> {
    let mut annotations: Vec<Annotation> = decls
        .iter()
        .map(|decl| Annotation {
            name: decl.name.clone(),
            value: decl.value.as_ref().map(|value| value.text.clone()),
            kwargs: decl
                .kwargs
                .iter()
                .map(|(word, value)| (word.text.clone(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
        })
        .collect();
    canonicalise_annotations(&mut annotations);
    annotations
}
