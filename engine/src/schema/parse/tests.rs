use super::super::ast::Literal;
use super::*;

/// Parses a source in which `§` marks where the error has to be, and returns the message.
fn error_at_mark(marked: &str) -> String {
    let at = marked.find('§').expect("the place is marked");
    let source = marked.replace('§', "");
    let error = parse(&source).expect_err(marked);
    assert_eq!((error.line(), error.column()), crate::excerpt::position(&source, at), "{marked}: {error}");
    assert!(!error.to_string().contains('\n'));
    error.problem().to_string()
}

fn body_args(source: &str) -> Vec<ArgValue> {
    let file = parse(&format!("node A {{ {source} }}")).unwrap();
    file.nodes[0].block.constraints[0].args.iter().map(|arg| arg.value.clone()).collect()
}

fn text(decoded: &str) -> ArgValue {
    ArgValue::Literal(Literal::Text(decoded.to_owned()))
}

fn bare(written: &str) -> ArgValue {
    ArgValue::Literal(Literal::Bare(written.to_owned()))
}

#[test]
fn nothing_and_comments_alone_are_a_schema() {
    for source in ["", " \t\r\n", "// only this", "/* a */ // b\n/**/", "/*/*/"] {
        assert_eq!(parse(source).unwrap(), SchemaFile::default(), "{source}");
    }
}

#[test]
fn blanks_are_optional_between_any_two_tokens_and_allowed_everywhere() {
    let tight =
        parse("nodeA@x(1,k=\"v\")implementsI{p:[String]?@unique q:enum(a,b)@key(p)}edgeE:A->A@card(0..1)").unwrap();
    let wide = "node A @ x ( 1 , k = \"v\" ) implements I { p : [ String ] ? @ unique q : enum ( a , b ) @ key ( p ) } \
                edge E : A -> A @card ( 0 .. 1 )";
    for blank in [" ", "\n", "/* - */", " // c\n\t", "\r\n"] {
        let file = parse(&wide.replace(' ', blank)).unwrap();
        assert_eq!(strip(&file), strip(&tight), "{blank:?}");
    }
}

/// The tree without its places.
fn strip(file: &SchemaFile) -> String {
    let debug = format!("{file:?}");
    let mut parts = debug.split("at: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_longer_word_is_read_as_type_and_next_name() {
    let file = parse("node A { a: Stringb: DateTimec: Dated: enum(x)e: I32 }").unwrap();
    let names: Vec<&str> = file.nodes[0].block.properties.iter().map(|p| p.name.text.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!(file.nodes[0].block.properties[1].kind, TypeExpr::Base(ScalarType::DateTime));
    assert_eq!(file.nodes[0].block.properties[2].kind, TypeExpr::Base(ScalarType::Date));
}

#[test]
fn arguments_are_range_then_literal_then_name() {
    assert_eq!(
        body_args(r#"@key(a, 1, 1.5, "s", true, false)"#),
        [ArgValue::Ident("a".into()), bare("1"), bare("1.5"), text("s"), bare("true"), bare("false")]
    );
    let number = |text: &str| text.to_owned();
    let bounds = |args: Vec<ArgValue>| match args.into_iter().next() {
        Some(ArgValue::Range(RangeExpr::From { min, max })) => (Some(min.text), max.map(|max| max.text)),
        Some(ArgValue::Range(RangeExpr::UpTo(max))) => (None, Some(max.text)),
        other => panic!("no range: {other:?}"),
    };
    assert_eq!(bounds(body_args("@range(-1.5..2)")), (Some(number("-1.5")), Some(number("2"))));
    assert_eq!(bounds(body_args("@range(0 ..)")), (Some(number("0")), None));
    assert_eq!(bounds(body_args("@range(.. -3)")), (None, Some(number("-3"))));
}

#[test]
fn a_name_that_starts_with_a_boolean_breaks_as_argument() {
    let message = error_at_mark("node A { truename: String @key(true§name) }");
    assert_eq!(message, "expected `,` or `)`, found `name`");
    error_at_mark("node A { f: String @rename_from(false§ly) }");
    assert!(parse("node A { truename: String @key }").is_ok());
}

#[test]
fn strings_decode_their_five_escapes_only() {
    assert_eq!(body_args(r#"@check("a\"b\\c\nd\re\tf")"#), [text("a\"b\\c\nd\re\tf")]);
    assert_eq!(body_args("@check(\"line\nbreak // no comment /* é\")"), [text("line\nbreak // no comment /* é")]);
    let message = error_at_mark(r#"node A { p: String @check(p, "ok \\ §\d") }"#);
    assert!(message.starts_with("`\\d` is no escape"), "{message}");
    error_at_mark("node A @x(\"é§\\\n\") {}");
}

#[test]
fn what_is_opened_must_be_closed() {
    assert!(error_at_mark("node A { §/* x").contains("comment is never closed"));
    assert!(error_at_mark("node A { p: String @check(p, §\"x\\\") }").contains("string is never closed"));
    assert!(error_at_mark("§/*").contains("never closed"));
    assert_eq!(
        error_at_mark("node A {\n§"),
        "expected a property name (it starts with a small letter or `_`), `@` or `}`, found the end of the file"
    );
}

#[test]
fn lists_hold_scalars_only() {
    for inside in ["§enum(a)", "§Vector(3)", "§[String]", "§]"] {
        let message = error_at_mark(&format!("node A {{ p: [{inside}] }}"));
        assert!(message.starts_with("expected a scalar type (String, Bool"), "{message}");
    }
}

#[test]
fn every_rule_reports_the_furthest_place() {
    for marked in [
        "§Node A {}",
        "node §person {}",
        "node A §x {}",
        "node A implements §{}",
        "node A implements B, §{}",
        "node A { §Name: String }",
        "node A { name §String }",
        "node A { name: §Text }",
        "node A { e: enum(§) }",
        "node A { e: enum(a §b) }",
        "node A { v: Vector(§x) }",
        "node A { v: Vector(4§.0) }",
        "node A { p: String?§? }",
        "node A { p: String @ §}",
        "node A { p: String @embed(§) }",
        "node A { p: String @x(a, §1) }",
        "node A { p: String @x(a, k=§b) }",
        "node A { @key(§) }",
        "node A { @key(a §}",
        "node A { @range(p, 1..2§..3) }",
        "node A { @range(p, ..§) }",
        "interface A { p: String §@key(p) }",
        "edge A §B -> C",
        "edge A: B §- > C",
        "edge A: B -> §c",
        "edge A: B -> C { p: §Int",
        "node A {} §;",
        "node A {}\n  // é\n  §é",
    ] {
        error_at_mark(marked);
    }
}

#[test]
fn known_mistakes_come_with_advice() {
    let late = error_at_mark("edge A: B -> C @x @card(0§..1)");
    assert!(late.contains("write `@card(min..max)` directly after the end type"), "{late}");
    let header = error_at_mark("node A §@key(name) { name: String }");
    assert!(header.contains("only inside the braces"), "{header}");
    assert!(parse("edge A: B -> C @cardinality(1) @x").is_ok());
    assert!(parse("node A { p: String @keyed(x) @index_hint }").is_ok());
}

#[test]
fn messages_never_carry_control_characters() {
    let error = parse("node A { \u{1b} }").unwrap_err();
    assert!(error.to_string().contains("\\u{1b}"), "{error}");
}

/// A small generator of its own, so that a failure can be repeated from the seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

/// Checks what holds for every source: no panic, a place inside, one line, a caret.
fn check_any(source: &str) -> bool {
    match super::super::catalog::Catalog::parse(source) {
        Ok(_) => true,
        Err(error) => {
            let lines = source.split('\n').count();
            assert!((1..=lines).contains(&error.line()), "{source:?}");
            let line = source.split('\n').nth(error.line() - 1).unwrap();
            assert!((1..=line.chars().count() + 1).contains(&error.column()), "{source:?}");
            assert!(!error.to_string().contains('\n'), "{source:?}: {error}");
            assert_eq!(error.render(source).lines().count(), 3, "{source:?}");
            false
        }
    }
}

const PIECES: [&str; 34] = [
    "node",
    "edge",
    "interface",
    "A",
    "b",
    "{",
    "}",
    "(",
    ")",
    ":",
    "->",
    "@",
    "key",
    "@card(0..1)",
    "..",
    "1",
    "-2.5",
    ",",
    "\"",
    "\\",
    "//",
    "/*",
    "*/",
    "\n",
    "\t",
    "é",
    "漢",
    "\u{0}",
    "String",
    "enum",
    "Vector",
    "[",
    "]",
    "?",
];

#[test]
fn random_text_never_panics() {
    let mut random = Random(0x5eed);
    for _ in 0..20_000 {
        let length = random.below(30);
        let source: String = (0..length).map(|_| PIECES[random.below(PIECES.len())]).collect();
        check_any(&source);
    }
}

#[test]
fn mutated_sources_never_panic() {
    let valid = include_str!("../testdata/contacts.pg");
    let characters: Vec<char> = valid.chars().collect();
    let mut random = Random(0xfeed);
    let mut outcomes = [0_u32; 2];
    for _ in 0..5_000 {
        let mut mutated = characters.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(mutated.len());
            let end = (at + random.below(8)).min(mutated.len());
            mutated.splice(at..end, PIECES[random.below(PIECES.len())].chars());
        }
        outcomes[usize::from(check_any(&mutated.into_iter().collect::<String>()))] += 1;
    }
    assert!(outcomes.iter().all(|count| *count > 100), "both outcomes must occur: {outcomes:?}");
}

#[test]
fn every_prefix_of_a_valid_source_is_handled() {
    let valid = include_str!("../testdata/contacts.pg");
    for (end, _) in valid.char_indices() {
        check_any(&valid[..end]);
    }
    assert!(check_any(valid));
}
