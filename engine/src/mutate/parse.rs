//! The grammar of the query language, as far as mutations go.
//!
//! ```text
//! file       = { query } ;
//! query      = "query" name "(" [ param { "," param } ] ")" { annotation } "{" body "}" ;
//! param      = "$" name ":" type ;
//! type       = ( "[" base "]" | "Vector" "(" digits ")" | base ) [ "?" ] ;
//! body       = statement { statement } | "match" … ;
//! statement  = "insert" Type "{" { assignment } "}"
//!            | "update" Type "set" "{" { assignment } "}" "where" filter
//!            | "delete" Type "where" filter ;
//! assignment = name ":" value [ "," ] ;
//! filter     = comparison { "and" comparison } ;
//! comparison = name ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value ;
//! value      = text | number | "true" | "false" | "null" | "now" "(" ")" | "date" "(" text ")"
//!            | "datetime" "(" text ")" | "[" [ value { "," value } ] "]" | "$" name ;
//! ```
//!
//! Annotations and the bodies of queries that read are passed over: a file may hold queries of both kinds. One function per
//! rule; the next token always decides.

use super::ast::{
    Action, Assignment, Body, Comparison, File, Name, Op, Param, Query, Statement, TypeExpr, Value, ValueKind,
};
use super::lex::{Token, TokenKind, tokens};
use super::problem::{TextError, TextProblem};

/// How deep lists may be nested; none needs more than one level.
const DEPTH: usize = 16;

const VALUE: &str =
    "a value (\"text\", number, true, false, null, date(\"…\"), datetime(\"…\"), now(), [list] or $parameter)";
const STATEMENT: &str = "`insert`, `update` or `delete`";

/// Parses a text.
///
/// # Errors
/// The first place that is not as the grammar says.
pub(super) fn parse(source: &str) -> Result<File, TextError> {
    let tokens = tokens(source)?;
    let mut parser = Parser { source, tokens, next: 0 };
    let mut file = File::default();
    while parser.peek() != &TokenKind::End {
        file.queries.push(parser.query()?);
    }
    Ok(file)
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    next: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, TextError> {
        self.keyword("query", "`query`")?;
        let name = self.name("the name of the query")?;
        self.mark("(")?;
        let mut params = Vec::new();
        while !self.takes(")") {
            params.push(self.param()?);
            if !self.takes(",") {
                self.mark_of(")", "`,` or `)`")?;
                break;
            }
        }
        while self.takes("@") {
            self.annotation()?;
        }
        self.mark("{")?;
        let body = self.body()?;
        Ok(Query { name, params, body })
    }

    fn param(&mut self) -> Result<Param, TextError> {
        let at = self.at();
        let TokenKind::Variable(text) = self.peek().clone() else {
            return Err(self.unexpected("a parameter like `$name: String`, or `)`"));
        };
        self.next += 1;
        self.mark(":")?;
        Ok(Param { name: Name { at, text, is_quoted: false }, kind: self.type_expr()? })
    }

    fn type_expr(&mut self) -> Result<TypeExpr, TextError> {
        let list = self.takes("[");
        let base = self.name("a type")?;
        let mut length = None;
        if base.text == "Vector" && !list {
            self.mark("(")?;
            length = Some(self.number()?);
            self.mark(")")?;
        }
        if list {
            self.mark("]")?;
        }
        Ok(TypeExpr { base, length, list, nullable: self.takes("?") })
    }

    fn annotation(&mut self) -> Result<(), TextError> {
        self.name("an annotation name")?;
        if !self.takes("(") {
            return Ok(());
        }
        self.skip_to(")")
    }

    /// Passes over everything up to the mark that closes what is open.
    fn skip_to(&mut self, close: &'static str) -> Result<(), TextError> {
        let mut open = vec![close];
        while let Some(close) = open.last() {
            match self.peek() {
                TokenKind::End => return Err(self.unexpected(&format!("`{close}`"))),
                TokenKind::Mark(mark) if mark == close => drop(open.pop()),
                TokenKind::Mark(mark) if mark == "(" => open.push(")"),
                TokenKind::Mark(mark) if mark == "{" => open.push("}"),
                TokenKind::Mark(mark) if mark == "[" => open.push("]"),
                TokenKind::Mark(_)
                | TokenKind::Word(_)
                | TokenKind::Quoted(_)
                | TokenKind::Variable(_)
                | TokenKind::Text(_)
                | TokenKind::Number(_) => {}
            }
            self.next += 1;
        }
        Ok(())
    }

    fn body(&mut self) -> Result<Body, TextError> {
        let at = self.at();
        if self.is_word("match") {
            self.skip_to("}")?;
            return Ok(Body::Reads { at });
        }
        let mut statements = vec![self.statement(STATEMENT)?];
        while !self.takes("}") {
            statements.push(self.statement("`insert`, `update`, `delete` or `}`")?);
        }
        Ok(Body::Writes(statements))
    }

    fn statement(&mut self, expected: &str) -> Result<Statement, TextError> {
        let at = self.at();
        let verb = match self.peek() {
            TokenKind::Word(verb) => verb.clone(),
            _ => String::new(),
        };
        if !matches!(verb.as_str(), "insert" | "update" | "delete") {
            return Err(self.unexpected(expected));
        }
        self.next += 1;
        let table = self.name("the name of a type")?;
        let action = match verb.as_str() {
            "insert" => Action::Insert { cells: self.assignments()? },
            "update" => {
                self.keyword("set", "`set {`")?;
                let cells = self.assignments()?;
                Action::Update { cells, filter: self.filter()? }
            }
            _ => Action::Delete { filter: self.filter()? },
        };
        Ok(Statement { at, table, action })
    }

    fn assignments(&mut self) -> Result<Vec<Assignment>, TextError> {
        self.mark("{")?;
        let mut cells = Vec::new();
        while !self.takes("}") {
            let name = self.property("a property or `}`")?;
            self.mark(":")?;
            let value = self.value(0)?;
            cells.push(Assignment { name, value });
            self.takes(",");
        }
        Ok(cells)
    }

    fn filter(&mut self) -> Result<Vec<Comparison>, TextError> {
        self.keyword("where", "`where` with a condition")?;
        let mut filter = vec![self.comparison()?];
        while self.is_word("and") {
            self.next += 1;
            filter.push(self.comparison()?);
        }
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Comparison, TextError> {
        let name = self.property("a property")?;
        let op_at = self.at();
        let op = match self.peek() {
            TokenKind::Mark(mark) => match mark.as_str() {
                "=" => Op::Equal,
                "!=" => Op::NotEqual,
                "<" => Op::Less,
                "<=" => Op::LessOrEqual,
                ">" => Op::Greater,
                ">=" => Op::GreaterOrEqual,
                "==" => return Err(self.comparison_error("one `=` compares")),
                ":" => return Err(self.comparison_error("`:` assigns, `=` compares")),
                _ => return Err(self.unexpected("`=`, `!=`, `<`, `<=`, `>` or `>=`")),
            },
            TokenKind::Word(word) if word == "contains" => Op::Contains,
            TokenKind::Word(word) if word == "is" => {
                return Err(self.comparison_error("write `= null` or `!= null`"));
            }
            TokenKind::Word(_)
            | TokenKind::Quoted(_)
            | TokenKind::Variable(_)
            | TokenKind::Text(_)
            | TokenKind::Number(_)
            | TokenKind::End => return Err(self.unexpected("`=`, `!=`, `<`, `<=`, `>` or `>=`")),
        };
        self.next += 1;
        Ok(Comparison { name, op, op_at, value: self.value(0)? })
    }

    fn comparison_error(&self, advice: &'static str) -> TextError {
        let found = match self.peek() {
            TokenKind::Mark(text) | TokenKind::Word(text) => text.clone(),
            TokenKind::Quoted(_)
            | TokenKind::Variable(_)
            | TokenKind::Text(_)
            | TokenKind::Number(_)
            | TokenKind::End => String::new(),
        };
        TextError::at(self.source, self.at(), TextProblem::Comparison { found, advice })
    }

    fn value(&mut self, depth: usize) -> Result<Value, TextError> {
        let at = self.at();
        let kind = match self.peek().clone() {
            TokenKind::Text(text) => ValueKind::Text(text),
            TokenKind::Number(number) => ValueKind::Number(number),
            TokenKind::Variable(name) => ValueKind::Param(name),
            TokenKind::Word(word) => return self.word_value(at, &word),
            TokenKind::Mark(mark) if mark == "[" && depth < DEPTH => {
                self.next += 1;
                let kind = ValueKind::List(self.items(depth)?);
                return Ok(Value { at, kind });
            }
            TokenKind::Quoted(_) | TokenKind::Mark(_) | TokenKind::End => return Err(self.unexpected(VALUE)),
        };
        self.next += 1;
        Ok(Value { at, kind })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, TextError> {
        let mut items = Vec::new();
        while !self.takes("]") {
            items.push(self.value(depth + 1)?);
            if !self.takes(",") {
                self.mark_of("]", "`,` or `]`")?;
                break;
            }
        }
        Ok(items)
    }

    fn word_value(&mut self, at: usize, word: &str) -> Result<Value, TextError> {
        let plain = match word {
            "true" => Some(ValueKind::Bool(true)),
            "false" => Some(ValueKind::Bool(false)),
            "null" => Some(ValueKind::Null),
            "now" | "date" | "datetime" => None,
            _ => return Err(self.unexpected(VALUE)),
        };
        self.next += 1;
        let kind = if let Some(kind) = plain {
            kind
        } else {
            self.mark("(")?;
            let kind = match word {
                "now" => ValueKind::Now,
                "date" => ValueKind::Date(self.text("a date like \"2026-05-02\"")?),
                _ => ValueKind::DateTime(self.text("a time like \"2026-05-02T09:14:03Z\"")?),
            };
            self.mark(")")?;
            kind
        };
        Ok(Value { at, kind })
    }

    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(found) if found == word)
    }

    fn takes(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Mark(found) if found == mark);
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, mark: &str) -> Result<(), TextError> {
        self.mark_of(mark, &format!("`{mark}`"))
    }

    fn mark_of(&mut self, mark: &str, expected: &str) -> Result<(), TextError> {
        if self.takes(mark) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn keyword(&mut self, word: &str, expected: &str) -> Result<(), TextError> {
        if !self.is_word(word) {
            return Err(self.unexpected(expected));
        }
        self.next += 1;
        Ok(())
    }

    fn name(&mut self, expected: &str) -> Result<Name, TextError> {
        let at = self.at();
        let TokenKind::Word(text) = self.peek().clone() else { return Err(self.unexpected(expected)) };
        self.next += 1;
        Ok(Name { at, text, is_quoted: false })
    }

    /// The name of a property.
    fn property(&mut self, expected: &str) -> Result<Name, TextError> {
        let at = self.at();
        let TokenKind::Quoted(text) = self.peek().clone() else { return self.name(expected) };
        self.next += 1;
        Ok(Name { at, text, is_quoted: true })
    }

    fn number(&mut self) -> Result<Name, TextError> {
        let at = self.at();
        let TokenKind::Number(text) = self.peek().clone() else { return Err(self.unexpected("a number")) };
        self.next += 1;
        Ok(Name { at, text, is_quoted: false })
    }

    fn text(&mut self, expected: &str) -> Result<String, TextError> {
        let TokenKind::Text(text) = self.peek().clone() else { return Err(self.unexpected(expected)) };
        self.next += 1;
        Ok(text)
    }

    fn unexpected(&self, expected: &str) -> TextError {
        let found = match self.peek() {
            TokenKind::Word(text) | TokenKind::Number(text) | TokenKind::Mark(text) => {
                format!("`{}`", text.escape_debug())
            }
            TokenKind::Quoted(name) => format!("`{name}` in backticks"),
            TokenKind::Variable(name) => format!("`${name}`"),
            TokenKind::Text(_) => "a text".to_owned(),
            TokenKind::End => "the end of the text".to_owned(),
        };
        TextError::at(self.source, self.at(), TextProblem::Unexpected { expected: expected.to_owned(), found })
    }
}

#[cfg(test)]
mod tests;
