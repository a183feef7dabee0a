use super::*;

fn parsed(source: &str) -> File {
    parse(source).unwrap_or_else(|error| panic!("{}", error.render(source)))
}

/// The message and the drawing for a source that is wrong.
fn refused(source: &str) -> String {
    parse(source).expect_err(source).render(source)
}

fn statements(source: &str) -> Vec<Statement> {
    let file = parsed(&format!("query q() {{ {source} }}"));
    match file.queries.into_iter().next().map(|query| query.body) {
        Some(Body::Writes(statements)) => statements,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_has_queries_of_both_kinds() {
    let file = parsed(
        "// people\nquery add($name: String, $tags: [String]?, $at: DateTime, $v: Vector(3),) @description(\"a (b\") {\n\
         insert Person { name: $name }\n}\nquery read($x: I32) { match { $p: Person { name: \"}\" } } return { $p.name } }",
    );
    let names: Vec<&str> = file.queries.iter().map(|query| query.name.text.as_str()).collect();
    assert_eq!(names, ["add", "read"]);
    let kinds: Vec<(&str, bool, bool)> = file.queries[0]
        .params
        .iter()
        .map(|param| (param.kind.base.text.as_str(), param.kind.list, param.kind.nullable))
        .collect();
    assert_eq!(
        kinds,
        [("String", false, false), ("String", true, true), ("DateTime", false, false), ("Vector", false, false)]
    );
    assert_eq!(file.queries[0].params[3].kind.length.as_ref().map(|length| length.text.as_str()), Some("3"));
    assert!(matches!(file.queries[0].body, Body::Writes(_)));
    assert!(matches!(file.queries[1].body, Body::Reads { .. }));
    assert_eq!(parsed(" /* nothing */ "), File::default());
}

#[test]
fn statements_are_read_as_they_are_written() {
    let found = statements(
        "insert Knows { from: $a, to: \"B\"\n since: date(\"2026-05-02\") at: now(), tags: [\"x\", null], w: -1.5, ok: true, no: null }\n\
         update Person set { age: 37 } where name = $a and age <= 36\n\
         delete Knows where from != \"A\"",
    );
    let [insert, update, delete] = found.as_slice() else { panic!("{found:?}") };
    let Action::Insert { cells } = &insert.action else { panic!("{insert:?}") };
    let kinds: Vec<&ValueKind> = cells.iter().map(|cell| &cell.value.kind).collect();
    let text = |text: &str| ValueKind::Text(text.to_owned());
    assert_eq!(
        kinds[..4],
        [&ValueKind::Param("a".into()), &text("B"), &ValueKind::Date("2026-05-02".into()), &ValueKind::Now]
    );
    let ValueKind::List(items) = kinds[4] else { panic!("{:?}", kinds[4]) };
    assert_eq!(items.iter().map(|item| item.kind.clone()).collect::<Vec<_>>(), [text("x"), ValueKind::Null]);
    assert_eq!(kinds[5..], [&ValueKind::Number("-1.5".into()), &ValueKind::Bool(true), &ValueKind::Null]);
    let Action::Update { cells, filter } = &update.action else { panic!("{update:?}") };
    assert_eq!((cells.len(), update.table.text.as_str()), (1, "Person"));
    assert_eq!(filter.iter().map(|test| test.op).collect::<Vec<_>>(), [Op::Equal, Op::LessOrEqual]);
    let Action::Delete { filter } = &delete.action else { panic!("{delete:?}") };
    assert_eq!((filter[0].name.text.as_str(), filter[0].op), ("from", Op::NotEqual));
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    assert_eq!(
        refused("query add($name: String) {\n  insert Person { name = $name }\n}"),
        "line 2, column 24: `:` is expected here, not `=`\n2 |   insert Person { name = $name }\n  |                        ^"
    );
    assert_eq!(
        refused("query q() {\n  update Person set { age: 1 }\n}"),
        "line 3, column 1: `where` with a condition is expected here, not `}`\n3 | }\n  | ^"
    );
}

#[test]
fn every_mistake_says_what_to_write() {
    let body = |text: &str| format!("query q($a: I32) {{ {text} }}");
    for (source, message) in [
        ("delete Person".to_owned(), "line 1, column 1: `query` is expected here, not `delete`"),
        ("query q".to_owned(), "line 1, column 8: `(` is expected here, not the end of the text"),
        (
            "query q(a: I32) {}".to_owned(),
            "line 1, column 9: a parameter like `$name: String`, or `)` is expected here, not `a`",
        ),
        ("query q($a I32) {}".to_owned(), "line 1, column 12: `:` is expected here, not `I32`"),
        ("query q($a: I32 $b: I32) {}".to_owned(), "line 1, column 17: `,` or `)` is expected here, not `$b`"),
        ("query q() {}".to_owned(), "line 1, column 12: `insert`, `update` or `delete` is expected here, not `}`"),
        (
            "query q() { upsert A {} }".to_owned(),
            "line 1, column 13: `insert`, `update` or `delete` is expected here, not `upsert`",
        ),
        ("query q() { match { $p".to_owned(), "line 1, column 23: `}` is expected here, not the end of the text"),
        (body("insert \"A\" {}"), "line 1, column 27: the name of a type is expected here, not a text"),
        (
            body("insert A { b: }"),
            "line 1, column 34: a value (\"text\", number, true, false, null, date(\"…\"), datetime(\"…\"), now(), [list] or $parameter) is expected here, not `}`",
        ),
        (body("insert A { b: [1 2] }"), "line 1, column 37: `,` or `]` is expected here, not `2`"),
        (body("insert A { b: now }"), "line 1, column 38: `(` is expected here, not `}`"),
        (body("insert A { b: date(1) }"), "line 1, column 39: a date like \"2026-05-02\" is expected here, not `1`"),
        (body("update A { b: 1 } where c = 1"), "line 1, column 29: `set {` is expected here, not `{`"),
        (body("delete A where b == 1"), "line 1, column 37: `==` is no comparison: one `=` compares"),
        (body("delete A where b is null"), "line 1, column 37: `is` is no comparison: write `= null` or `!= null`"),
        (body("delete A where b: 1"), "line 1, column 36: `:` is no comparison: `:` assigns, `=` compares"),
        (body("delete A where b 1"), "line 1, column 37: `=`, `!=`, `<`, `<=`, `>` or `>=` is expected here, not `1`"),
        (
            body("delete A where b = 1 or c = 2"),
            "line 1, column 41: `insert`, `update`, `delete` or `}` is expected here, not `or`",
        ),
        (body("delete A where b = \"x"), "line 1, column 39: this text is not closed: `\"` is missing"),
    ] {
        assert_eq!(parse(&source).expect_err(&source).to_string(), message, "{source}");
    }
}

#[test]
fn no_text_makes_the_parser_fail_otherwise() {
    let sources =
        ["query q() { insert A { a: [[[[[[[[[[[[[[[[[[[[1", "query", "$", "query q($", "query q($a: [", "{", "\u{0}"];
    for source in sources {
        assert!(parse(source).expect_err(source).render(source).contains("line 1"), "{source:?}");
    }
}
