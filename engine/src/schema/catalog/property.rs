//! Rules about annotations: which may stand where, how often and with what.
//!
//! Only the annotations that mean something to the engine have rules; all others are accepted and kept. `@key`, `@unique` and
//! `@index` never carry arguments here, because with a parenthesis the grammar reads them as constraints of the body.

use super::super::ast::AnnotationDecl;
use super::super::ids::DeclarationKind;
use super::super::problem::SchemaProblem;
use super::super::types::{PropertyType, ScalarType};
use super::{Fault, Member, Owner};

const EMBED_FORM: &str = "@embed(property) or @embed(\"property\", model=\"name\")";

/// Checks the annotations of a node or edge type.
pub(super) fn check_type_annotations(owner: Owner<'_>, annotations: &[AnnotationDecl]) -> Result<(), Fault> {
    let place = owner.describe();
    check_once("description", &place, annotations)?;
    for annotation in annotations {
        match annotation.name.as_str() {
            "description" => check_text("description", &place, annotation)?,
            "instruction" => check_text("instruction", &place, annotation)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks the annotations of all properties of a node or edge type.
pub(super) fn check_annotations(owner: Owner<'_>, members: &[Member<'_>]) -> Result<(), Fault> {
    members.iter().try_for_each(|member| check_member(owner, member, members))
}

fn check_member(owner: Owner<'_>, member: &Member<'_>, members: &[Member<'_>]) -> Result<(), Fault> {
    let place = owner.describe_property(&member.property.name);
    for name in ["key", "unique", "index", "description"] {
        check_once(name, &place, &member.decl.annotations)?;
    }
    for annotation in &member.decl.annotations {
        match annotation.name.as_str() {
            "key" => check_key(owner, member, annotation.at)?,
            "unique" => check_unique(member, annotation.at)?,
            "index" => check_index(member, annotation.at)?,
            "embed" => check_embed(owner, member, annotation, members)?,
            "description" => check_text("description", &place, annotation)?,
            "instruction" => return Err(misplaced(annotation.at, "instruction", place, "node and edge types")),
            _ => {}
        }
    }
    Ok(())
}

/// Checks that a property may be part of a key; `at` is the place of the annotation or of the argument.
pub(super) fn check_key(owner: Owner<'_>, member: &Member<'_>, at: usize) -> Result<(), Fault> {
    let kind = &member.property.prop_type;
    if owner.kind != DeclarationKind::Node {
        return Err(misplaced(at, "key", owner.describe_property(&member.property.name), "node types"));
    }
    if kind.nullable || kind.list || is_vector(kind) || kind.scalar == ScalarType::Blob {
        return Err(unsupported(at, "key", member, "a type without `?` that is no list, vector or blob"));
    }
    Ok(())
}

fn check_unique(member: &Member<'_>, at: usize) -> Result<(), Fault> {
    let kind = &member.property.prop_type;
    if kind.list || is_vector(kind) || kind.scalar == ScalarType::Blob {
        return Err(unsupported(at, "unique", member, "a type that is no list, vector or blob"));
    }
    Ok(())
}

fn check_index(member: &Member<'_>, at: usize) -> Result<(), Fault> {
    let kind = &member.property.prop_type;
    if kind.list || kind.scalar == ScalarType::Blob {
        return Err(unsupported(at, "index", member, "a type that is no list or blob"));
    }
    Ok(())
}

fn check_embed(
    owner: Owner<'_>,
    member: &Member<'_>,
    annotation: &AnnotationDecl,
    members: &[Member<'_>],
) -> Result<(), Fault> {
    if owner.kind != DeclarationKind::Node {
        let place = owner.describe_property(&member.property.name);
        return Err(misplaced(annotation.at, "embed", place, "vector properties of node types"));
    }
    if !is_vector(&member.property.prop_type) {
        return Err(unsupported(annotation.at, "embed", member, "a vector"));
    }
    let wrong = |at| Fault::new(at, SchemaProblem::WrongArguments { annotation: "embed", form: EMBED_FORM });
    let source = annotation.value.as_ref().ok_or_else(|| wrong(annotation.at))?;
    match annotation.kwargs.as_slice() {
        [] => {}
        [(word, _)] if word.text == "model" => {}
        [(word, _), rest @ ..] => {
            let first_wrong = if word.text == "model" { rest.first().map_or(word, |(word, _)| word) } else { word };
            return Err(wrong(first_wrong.at));
        }
    }
    let Some(text) = members.iter().find(|other| other.property.name == source.text) else {
        return Err(unknown_property(owner, "embed", source.at, &source.text));
    };
    if text.property.prop_type.scalar != ScalarType::String || text.property.prop_type.list {
        return Err(unsupported(source.at, "embed", text, "String as its source"));
    }
    Ok(())
}

fn check_once(name: &'static str, place: &str, annotations: &[AnnotationDecl]) -> Result<(), Fault> {
    match annotations.iter().filter(|annotation| annotation.name == name).nth(1) {
        None => Ok(()),
        Some(second) => {
            let problem = SchemaProblem::RepeatedAnnotation { annotation: name, place: place.to_owned() };
            Err(Fault::new(second.at, problem))
        }
    }
}

fn check_text(name: &'static str, place: &str, annotation: &AnnotationDecl) -> Result<(), Fault> {
    match &annotation.value {
        Some(value) if !value.text.trim().is_empty() => Ok(()),
        Some(_) | None => {
            let problem = SchemaProblem::BlankText { annotation: name, place: place.to_owned() };
            Err(Fault::new(annotation.at, problem))
        }
    }
}

fn is_vector(kind: &PropertyType) -> bool {
    matches!(kind.scalar, ScalarType::Vector(_))
}

pub(super) fn misplaced(at: usize, annotation: &'static str, place: String, allowed: &'static str) -> Fault {
    Fault::new(at, SchemaProblem::Misplaced { annotation, place, allowed })
}

pub(super) fn unsupported(at: usize, annotation: &'static str, member: &Member<'_>, needed: &'static str) -> Fault {
    let (property, actual) = (member.property.name.clone(), member.property.prop_type.to_string());
    Fault::new(at, SchemaProblem::UnsupportedType { annotation, property, actual, needed })
}

pub(super) fn unknown_property(owner: Owner<'_>, annotation: &'static str, at: usize, property: &str) -> Fault {
    let (property, owner) = (property.to_owned(), owner.describe());
    Fault::new(at, SchemaProblem::UnknownProperty { annotation, property, owner })
}
