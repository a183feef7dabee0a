//! Rules about the constraints of a type: those written on properties and those of the body.

use regex::Regex;

use super::super::ast::{Arg, ArgValue, Block, BodyDecl, BodyKind, Literal, Name, RangeExpr};
use super::super::ids::DeclarationKind;
use super::super::problem::SchemaProblem;
use super::super::types::{Bound, Constraint, ScalarType};
use super::property::{check_key, misplaced, unknown_property, unsupported};
use super::{Fault, Member, Owner};

/// Returns all constraints of a type, not yet in canonical order: of the properties, then of the body.
pub(super) fn constraints(owner: Owner<'_>, members: &[Member<'_>], block: &Block) -> Result<Vec<Constraint>, Fault> {
    let mut found: Vec<(usize, Constraint)> = members.iter().flat_map(of_property).collect();
    for body in &block.constraints {
        found.push((body.at, of_body(owner, members, body)?));
    }
    let mut keys = found.iter().filter(|(_, constraint)| matches!(constraint, Constraint::Key(_)));
    if let Some((at, _)) = keys.nth(1) {
        return Err(Fault::new(*at, SchemaProblem::SecondKey { node: owner.name.to_owned() }));
    }
    Ok(found.into_iter().map(|(_, constraint)| constraint).collect())
}

/// `@key`, `@unique` and `@index` on a property say the same as a constraint over that one column.
fn of_property(member: &Member<'_>) -> Vec<(usize, Constraint)> {
    let column = || vec![member.property.name.clone()];
    let constraint = |name: &str| match name {
        "key" => Some(Constraint::Key(column())),
        "unique" => Some(Constraint::Unique(column())),
        "index" => Some(Constraint::Index(column())),
        _ => None,
    };
    let annotations = member.decl.annotations.iter();
    annotations.filter_map(|annotation| Some((annotation.at, constraint(&annotation.name)?))).collect()
}

fn of_body(owner: Owner<'_>, members: &[Member<'_>], body: &BodyDecl) -> Result<Constraint, Fault> {
    let context = Context { owner, members, body };
    match body.kind {
        BodyKind::Key => context.key(),
        BodyKind::Unique => context.columns().map(Constraint::Unique),
        BodyKind::Index => context.columns().map(Constraint::Index),
        BodyKind::Range => context.range(),
        BodyKind::Check => context.check(),
    }
}

/// One constraint of a body and what it may refer to.
struct Context<'a> {
    owner: Owner<'a>,
    members: &'a [Member<'a>],
    body: &'a BodyDecl,
}

impl Context<'_> {
    fn key(&self) -> Result<Constraint, Fault> {
        self.for_nodes_only()?;
        for arg in &self.body.args {
            check_key(self.owner, self.property(arg)?, arg.at)?;
        }
        self.columns().map(Constraint::Key)
    }

    /// All arguments as names of columns; edges have two besides their properties.
    fn columns(&self) -> Result<Vec<String>, Fault> {
        let column = |arg: &Arg| match &arg.value {
            ArgValue::Ident(name) if self.is_end_column(name) => Ok(name.clone()),
            ArgValue::Ident(_) | ArgValue::Literal(_) | ArgValue::Range(_) => {
                self.property(arg).map(|member| member.property.name.clone())
            }
        };
        self.body.args.iter().map(column).collect()
    }

    fn range(&self) -> Result<Constraint, Fault> {
        self.for_nodes_only()?;
        let [property, Arg { value: ArgValue::Range(range), .. }] = self.body.args.as_slice() else {
            return Err(self.wrong_arguments(self.body.at));
        };
        let member = self.property(property)?;
        if !member.property.prop_type.scalar.is_numeric() {
            return Err(unsupported(property.at, "range", member, "I32, I64, U32, U64, F32 or F64"));
        }
        let (min, max) = bounds(range)?;
        Ok(Constraint::Range { property: member.property.name.clone(), min, max })
    }

    fn check(&self) -> Result<Constraint, Fault> {
        self.for_nodes_only()?;
        let [property, Arg { at, value: ArgValue::Literal(Literal::Text(pattern)) }] = self.body.args.as_slice() else {
            return Err(self.wrong_arguments(self.body.at));
        };
        let member = self.property(property)?;
        if member.property.prop_type.scalar != ScalarType::String {
            return Err(unsupported(property.at, "check", member, "String"));
        }
        let name = member.property.name.clone();
        match Regex::new(pattern) {
            Ok(_) => Ok(Constraint::Check { property: name, pattern: pattern.clone() }),
            Err(error) => {
                let problem = SchemaProblem::BadPattern { property: name, reason: reason(&error) };
                Err(Fault::new(*at, problem))
            }
        }
    }

    fn for_nodes_only(&self) -> Result<(), Fault> {
        if self.owner.kind == DeclarationKind::Node {
            return Ok(());
        }
        Err(misplaced(self.body.at, self.body.kind.word(), self.owner.describe(), "node types"))
    }

    fn is_end_column(&self, name: &str) -> bool {
        self.owner.kind == DeclarationKind::Edge && matches!(name, "src" | "dst")
    }

    fn property(&self, arg: &Arg) -> Result<&Member<'_>, Fault> {
        let ArgValue::Ident(name) = &arg.value else {
            return Err(self.wrong_arguments(arg.at));
        };
        let found = self.members.iter().find(|member| member.property.name == *name);
        found.ok_or_else(|| unknown_property(self.owner, self.body.kind.word(), arg.at, name))
    }

    fn wrong_arguments(&self, at: usize) -> Fault {
        let form = match self.body.kind {
            BodyKind::Key => "@key(property, …)",
            BodyKind::Unique => "@unique(property, …)",
            BodyKind::Index => "@index(property, …)",
            BodyKind::Range => "@range(property, min..max)",
            BodyKind::Check => "@check(property, \"pattern\")",
        };
        Fault::new(at, SchemaProblem::WrongArguments { annotation: self.body.kind.word(), form })
    }
}

/// Lower and upper bound as they are stored. `..b` is stored as a lower bound: existing graphs hold it so, and a schema
/// that said otherwise would have another hash.
fn bounds(range: &RangeExpr) -> Result<(Option<Bound>, Option<Bound>), Fault> {
    match range {
        RangeExpr::From { min, max } => Ok((Some(bound(min)?), max.as_ref().map(bound).transpose()?)),
        RangeExpr::UpTo(max) => Ok((Some(bound(max)?), None)),
    }
}

fn bound(number: &Name) -> Result<Bound, Fault> {
    let parsed = if number.text.contains('.') {
        number.text.parse().ok().filter(|value: &f64| value.is_finite()).map(Bound::Float)
    } else {
        number.text.parse().ok().map(Bound::Integer)
    };
    parsed.ok_or_else(|| {
        let problem = SchemaProblem::NumberRange { text: number.text.clone(), allowed: "a 64-bit integer or float" };
        Fault::new(number.at, problem)
    })
}

/// The last line of a regex error is its cause; the lines before draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).trim().to_owned()
}
