//! SQL that is nested deeper than its parser goes: found out before the parser reads it.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// How deep the parser goes into a text (50 calls, `sql_parser.recursion_limit` of DataFusion 54, less those around an expression). Where
/// it cannot go deeper it may take what is left for something else, and then complain of that, or try everything twice at each level.
pub(super) const MOST_NESTED: usize = 45;

/// Finds that a text is nested deeper than the parser goes. A text that is no SQL is not.
pub(crate) fn is_nested_too_deeply(text: &str) -> bool {
    let tokens = Tokenizer::new(&GenericDialect, text).tokenize();
    tokens.is_ok_and(|tokens| are_nested_too_deeply(&tokens))
}

/// As [`is_nested_too_deeply`], of the tokens of a text.
pub(super) fn are_nested_too_deeply<'t>(tokens: impl IntoIterator<Item = &'t Token>) -> bool {
    nesting(tokens) > MOST_NESTED
}

/// How many calls the parser is inside of where it is deepest: one for a parenthesis or CASE, and one for the operators before it.
fn nesting<'t>(tokens: impl IntoIterator<Item = &'t Token>) -> usize {
    let (mut outside, mut here, mut most) = (Vec::new(), Nesting::default(), 0);
    for token in tokens {
        let keyword = if let Token::Word(word) = token { word.keyword } else { Keyword::NoKeyword };
        match (token, keyword) {
            (Token::Whitespace(_), _) => continue,
            (Token::LParen | Token::LBracket, _) | (_, Keyword::CASE) => {
                let depth = here.depth() + 1;
                outside.push(std::mem::replace(&mut here, Nesting { outside: depth, ..Nesting::default() }));
            }
            (Token::RParen | Token::RBracket, _) | (_, Keyword::END) => {
                here = outside.pop().unwrap_or_default().operand();
            }
            (Token::Comma, _) | (_, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                here = Nesting { outside: here.outside, ..Nesting::default() };
            }
            (Token::Word(_), Keyword::NOT | Keyword::AND | Keyword::OR | Keyword::LIKE) => here = here.operator(),
            (
                Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Period | Token::SemiColon,
                _,
            ) => {
                here = here.operand();
            }
            _ => here = here.operator(),
        }
        most = most.max(here.depth());
    }
    most
}

/// Where a parser is between two parentheses.
#[derive(Clone, Copy, Default)]
struct Nesting {
    /// Calls that it was inside of at the parenthesis.
    outside: usize,
    /// Operators that stand one after another before this place.
    operators: usize,
    /// Whether there is an operator whose operand may still go on.
    goes_on: bool,
}

impl Nesting {
    fn depth(self) -> usize {
        self.outside + self.operators.max(usize::from(self.goes_on))
    }

    fn operator(self) -> Self {
        Self { operators: self.operators + 1, goes_on: true, ..self }
    }

    fn operand(self) -> Self {
        Self { operators: 0, ..self }
    }
}
