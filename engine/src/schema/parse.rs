//! The grammar of the schema language: text → [`SchemaFile`].
//!
//! One function per rule of the grammar, in its order, with PEG meaning: alternatives are tried in order and a choice once
//! made is not revisited. Two consequences look odd and are part of the language: an argument that starts with `true` or
//! `false` is read as that boolean and the rest of the word is an error, and `@card` after another annotation is an error
//! because only an ordinary annotation may stand there.
//!
//! The grammar has no nesting, so the depth of calls is bounded for every input.

use super::ast::{
    AnnotationDecl, Arg, ArgValue, Block, BodyDecl, BodyKind, CardDecl, EdgeDecl, InterfaceDecl, Name, NodeDecl,
    PropertyDecl, RangeExpr, SchemaFile, TypeExpr,
};
use super::lex::Scanner;
use super::problem::SchemaError;
use super::types::ScalarType;

const PROPERTY_NAME: &str = "a property name (it starts with a small letter or `_`)";
const ANNOTATION_NAME: &str = "an annotation name";
const ARGUMENT: &str = "a name";
const SCALAR: &str = "a scalar type (String, Bool, I32, I64, U32, U64, F32, F64, Date, DateTime or Blob)";
const CARD_FIRST: &str = "write `@card(min..max)` directly after the end type of an edge, before other annotations";
const CONSTRAINTS_INSIDE: &str =
    "key, unique, index, range and check take arguments only inside the braces of a node or edge type";

/// Parses a schema source.
pub(super) fn parse(source: &str) -> Result<SchemaFile, SchemaError> {
    let mut scanner = Scanner::new(source);
    let parsed = file(&mut scanner);
    scanner.finish(parsed)
}

enum Declaration {
    Interface(InterfaceDecl),
    Node(NodeDecl),
    Edge(EdgeDecl),
}

fn file(s: &mut Scanner<'_>) -> Option<SchemaFile> {
    let mut file = SchemaFile::default();
    for declaration in s.repeat(declaration) {
        match declaration {
            Declaration::Interface(interface) => file.interfaces.push(interface),
            Declaration::Node(node) => file.nodes.push(node),
            Declaration::Edge(edge) => file.edges.push(edge),
        }
    }
    s.end()?;
    Some(file)
}

fn declaration(s: &mut Scanner<'_>) -> Option<Declaration> {
    if let Some(found) = s.attempt(interface) {
        return Some(Declaration::Interface(found));
    }
    if let Some(found) = s.attempt(node) {
        return Some(Declaration::Node(found));
    }
    s.attempt(edge).map(Declaration::Edge)
}

fn interface(s: &mut Scanner<'_>) -> Option<InterfaceDecl> {
    s.literal("interface")?;
    let name = s.type_name()?;
    s.literal("{")?;
    let properties = s.repeat(property);
    s.literal("}")?;
    Some(InterfaceDecl { name, properties })
}

fn node(s: &mut Scanner<'_>) -> Option<NodeDecl> {
    s.literal("node")?;
    let name = s.type_name()?;
    let annotations = s.repeat(annotation);
    let implements = s.attempt(|s| {
        s.literal("implements")?;
        s.comma_list(Scanner::type_name)
    });
    let block = block(s)?;
    Some(NodeDecl { name, annotations, implements: implements.unwrap_or_default(), block })
}

fn edge(s: &mut Scanner<'_>) -> Option<EdgeDecl> {
    s.literal("edge")?;
    let name = s.type_name()?;
    s.literal(":")?;
    let from = s.type_name()?;
    s.literal("->")?;
    let to = s.type_name()?;
    let card = s.attempt(card);
    let annotations = s.repeat(annotation);
    let block = s.attempt(block).unwrap_or_default();
    Some(EdgeDecl { name, from, to, card, annotations, block })
}

fn block(s: &mut Scanner<'_>) -> Option<Block> {
    let mut block = Block::default();
    s.literal("{")?;
    loop {
        if let Some(found) = s.attempt(property) {
            block.properties.push(found);
        } else if let Some(found) = s.attempt(body) {
            block.constraints.push(found);
        } else {
            break;
        }
    }
    s.literal("}")?;
    Some(block)
}

fn card(s: &mut Scanner<'_>) -> Option<CardDecl> {
    s.literal("@card")?;
    s.literal("(")?;
    let min = s.digits()?;
    s.literal("..")?;
    let max = s.digits();
    s.literal(")")?;
    Some(CardDecl { min, max })
}

fn property(s: &mut Scanner<'_>) -> Option<PropertyDecl> {
    let name = s.ident(PROPERTY_NAME)?;
    s.literal(":")?;
    let kind = type_expr(s)?;
    let nullable = s.literal("?").is_some();
    let annotations = s.repeat(annotation);
    Some(PropertyDecl { name, kind, nullable, annotations })
}

fn type_expr(s: &mut Scanner<'_>) -> Option<TypeExpr> {
    s.attempt(list)
        .or_else(|| s.attempt(enumeration))
        .or_else(|| s.attempt(vector))
        .or_else(|| base(s).map(TypeExpr::Base))
}

fn list(s: &mut Scanner<'_>) -> Option<TypeExpr> {
    s.literal("[")?;
    let item = base(s)?;
    s.literal("]")?;
    Some(TypeExpr::List(item))
}

fn enumeration(s: &mut Scanner<'_>) -> Option<TypeExpr> {
    s.literal("enum")?;
    s.literal("(")?;
    let values = s.comma_list(Scanner::enum_value)?;
    s.literal(")")?;
    Some(TypeExpr::Enum(values.into_iter().map(|value| value.text).collect()))
}

fn vector(s: &mut Scanner<'_>) -> Option<TypeExpr> {
    s.literal("Vector")?;
    s.literal("(")?;
    let dimension = s.digits()?;
    s.literal(")")?;
    Some(TypeExpr::Vector(dimension))
}

fn base(s: &mut Scanner<'_>) -> Option<ScalarType> {
    let name = s.one_of(SCALAR, &ScalarType::BASE_WORDS)?;
    ScalarType::from_base_word(&name.text)
}

fn body(s: &mut Scanner<'_>) -> Option<BodyDecl> {
    let at = s.literal("@")?;
    let kind = BodyKind::ALL.into_iter().find(|kind| s.literal(kind.word()).is_some())?;
    s.literal("(")?;
    let args = s.comma_list(argument)?;
    s.literal(")")?;
    Some(BodyDecl { at, kind, args })
}

fn argument(s: &mut Scanner<'_>) -> Option<Arg> {
    let at = s.next_offset();
    let value = if let Some(range) = s.attempt(range) {
        ArgValue::Range(range)
    } else if let Some((_, literal)) = s.value() {
        ArgValue::Literal(literal)
    } else {
        ArgValue::Ident(s.ident(ARGUMENT)?.text)
    };
    Some(Arg { at, value })
}

fn range(s: &mut Scanner<'_>) -> Option<RangeExpr> {
    let from = s.attempt(|s| {
        let min = s.signed_number()?;
        s.literal("..")?;
        Some(RangeExpr::From { min, max: s.signed_number() })
    });
    from.or_else(|| {
        s.literal("..")?;
        s.signed_number().map(RangeExpr::UpTo)
    })
}

fn annotation(s: &mut Scanner<'_>) -> Option<AnnotationDecl> {
    let at = s.literal("@")?;
    if starts_body(s) {
        s.advise(at, CONSTRAINTS_INSIDE);
        return None;
    }
    let name = s.ident(ANNOTATION_NAME)?.text;
    let arguments = s.attempt(annotation_arguments);
    if arguments.is_none() && name == "card" {
        s.advise(at, CARD_FIRST);
    }
    let (value, kwargs) = arguments.map_or((None, Vec::new()), |(value, kwargs)| (Some(value), kwargs));
    Some(AnnotationDecl { at, name, value, kwargs })
}

/// Tells whether a body constraint starts here (behind its `@`); an annotation of that name has no parenthesis.
fn starts_body(s: &mut Scanner<'_>) -> bool {
    BodyKind::ALL.into_iter().any(|kind| s.follows(kind.word(), "("))
}

fn annotation_arguments(s: &mut Scanner<'_>) -> Option<(Name, Vec<(Name, String)>)> {
    s.literal("(")?;
    let value = match s.value() {
        Some((at, literal)) => Name { at, text: literal.into_text() },
        None => s.ident(ARGUMENT)?,
    };
    let kwargs = s.repeat(|s| {
        s.literal(",")?;
        let word = s.ident("an argument name")?;
        s.literal("=")?;
        let (_, literal) = s.value()?;
        Some((word, literal.into_text()))
    });
    s.literal(")")?;
    Some((value, kwargs))
}

#[cfg(test)]
mod tests;
