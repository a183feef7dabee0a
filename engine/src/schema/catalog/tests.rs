use super::*;

/// Parses a source in which `§` marks where the error has to be, and returns the message.
fn error_at_mark(marked: &str) -> String {
    let at = marked.find('§').expect("the place is marked");
    let source = marked.replace('§', "");
    let error = Catalog::parse(&source).expect_err(marked);
    let expected = crate::excerpt::position(&source, at);
    assert_eq!((error.line(), error.column()), expected, "{marked}: {error}");
    assert!(!error.to_string().contains('\n'));
    error.problem().to_string()
}

/// Every case is (marked source, start of the message).
fn assert_errors(cases: &[(&str, &str)]) {
    for (marked, start) in cases {
        let message = error_at_mark(marked);
        assert!(message.starts_with(start), "{marked}: {message}");
    }
}

fn assert_valid(sources: &[&str]) {
    for source in sources {
        if let Err(error) = Catalog::parse(source) {
            panic!("{}", error.render(source));
        }
    }
}

#[test]
fn names_are_declared_once() {
    assert_errors(&[
        ("node A {}\nnode §A {}", "node type A is declared twice; rename or remove this one (the first is in line 1)"),
        ("interface A {} interface §A {}", "interface type A is declared twice"),
        ("node A {} edge E: A -> A edge §E: A -> A", "edge type E is declared twice"),
        ("node A {} edge Ab: A -> A edge §AB: A -> A", "edge type AB differs from Ab in case only"),
        (
            "node A {\n p: String\n §p: I32 }",
            "property p of node type A is declared twice; remove this one (the first is in line 2)",
        ),
        ("interface A { p: String §p: String }", "property p of interface type A is declared twice"),
    ]);
    assert_valid(&[
        "node A {} interface A {} edge A: A -> A",
        "node A { p: I32 } node B { p: I64 }",
        "node Ab {} node AB {}",
    ]);
}

#[test]
fn equal_ids_of_different_names_are_refused() {
    assert_errors(&[
        ("node Aboczw {} node §Axfbpa {}", "node type Axfbpa has the same id 2295222743 as node type Aboczw"),
        ("node A { airbxw: I32 §asscra: I32 }", "property asscra of node type A has the same id 3679046881 as airbxw"),
    ]);
}

#[test]
fn built_in_columns_cannot_be_declared() {
    assert_errors(&[
        ("node A {\n  §id: String }", "property id of node type A has the name of a built-in column"),
        ("node A { §src: String }", "property src of node type A"),
        ("node A {} edge E: A -> A { w: I32 §dst: String }", "property dst of edge type E"),
        ("interface I { §id: String } node A implements I {}", "property id of node type A"),
        ("node A { a: I32\n  §_rowid: I64 }", "property _rowid of node type A has the name of a built-in column"),
        ("node A { §_rowaddr: I64 }", "property _rowaddr of node type A"),
        ("node A {} edge E: A -> A { §_rowoffset: U64? }", "property _rowoffset of edge type E"),
        ("node A { §_row_created_at_version: I64 }", "property _row_created_at_version of node type A"),
        ("interface I { §_row_last_updated_at_version: I64 } node A implements I {}", "property _row_last_updated_at"),
    ]);
    assert_valid(&["interface I { id: String }", "node A { ids: String _id: String _row: I32 _rowids: I32 }"]);
}

#[test]
fn edges_connect_node_types() {
    assert_errors(&[
        ("node A {} edge E: §B -> A", "edge type E refers to B, which is no node type"),
        ("node A {} edge E: A -> §E", "edge type E refers to E"),
        ("interface I {} node A {} edge E: A -> §I", "edge type E refers to I"),
    ]);
    assert_valid(&["edge E: A -> B node B {} node A {}"]);
}

#[test]
fn interfaces_are_completed_and_compared() {
    assert_errors(&[
        ("node A implements §I {}", "node type A implements I, which is no interface"),
        ("node B {} node A implements §B {}", "node type A implements B"),
        (
            "interface I { p: String } node A implements I { §p: String? }",
            "property p of A is String?, but interface I declares String; use the same type",
        ),
        ("interface I { p: enum(a) } node A implements I { §p: enum(a, b) }", "property p of A is enum(a, b), but"),
        (
            "interface I { p: I32 } interface J { p: I64 } node A implements I, §J {}",
            "property p of A is I32, but interface J",
        ),
        ("interface I { p: [I32] §@key(p) }", "expected"),
        ("interface I { p: [I32] §@key } node A implements I {}", "@key cannot use p, whose type is [I32]"),
    ]);
    let catalog =
        Catalog::parse("interface I { z: String @index b: enum(y, x)? } node A implements I { b: enum(x, y)? a: I32 }")
            .unwrap();
    let node = catalog.node("A").unwrap();
    assert_eq!(node.properties.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "b", "z"]);
    assert_eq!(node.properties[2].annotations[0].to_string(), "@index");
    assert_eq!(node.constraints, [Constraint::Index(vec!["z".to_owned()])]);
    assert_valid(&["interface I { p: [I32] @key @key }"]);
}

#[test]
fn keys_identify_nodes() {
    assert_errors(&[
        ("node A { p: String? §@key }", "@key cannot use p, whose type is String?"),
        ("node A { p: [String] §@key }", "@key cannot use p"),
        ("node A { p: Vector(2) §@key }", "@key cannot use p"),
        ("node A { p: Blob §@key }", "@key cannot use p"),
        ("node A { p: String q: I32? @key(p, §q) }", "@key cannot use q, whose type is I32?"),
        ("node A { p: String @key §@key }", "@key is given twice on property p of node type A"),
        ("node A { p: String @key q: String §@key }", "node type A has a second @key"),
        ("node A { p: String @key q: String §@key(q) }", "node type A has a second @key"),
        ("node A {} edge E: A -> A { p: String §@key }", "@key cannot be put on property p of edge type E"),
        ("node A {} edge E: A -> A { p: String §@key(p) }", "@key cannot be put on edge type E"),
        ("node A { @key(§p) }", "@key refers to \"p\", which node type A does not have"),
        ("node A { p: I32 @key(p, §1) }", "@key has the wrong arguments; write @key(property, …)"),
    ]);
    let catalog = Catalog::parse("node A { b: String a: I32 @key(b, a) } node B {}").unwrap();
    assert_eq!(catalog.node("A").unwrap().key_property(), Some("a"));
    assert_eq!(catalog.node("B").unwrap().key_property(), None);
}

#[test]
fn unique_and_index_name_columns() {
    assert_errors(&[
        ("node A { p: [I32] §@unique }", "@unique cannot use p"),
        ("node A { p: Vector(2) §@unique }", "@unique cannot use p"),
        ("node A { p: Blob? §@unique }", "@unique cannot use p"),
        ("node A { p: I32 @unique §@unique }", "@unique is given twice"),
        ("node A { p: [I32] §@index }", "@index cannot use p"),
        ("node A { p: Blob §@index }", "@index cannot use p"),
        ("node A { p: I32 @index §@index }", "@index is given twice"),
        ("node A { p: I32 @unique(p, §src) }", "@unique refers to \"src\""),
        ("node A {} edge E: A -> A @x { @index(§q) }", "@index refers to \"q\", which edge type E does not have"),
        ("node A { p: I32 @unique(p, §\"p\") }", "@unique has the wrong arguments"),
        ("node A { p: I32 @index(§1..2) }", "@index has the wrong arguments"),
    ]);
    assert_valid(&[
        "node A { p: Vector(2) @index q: [I32] @unique(q) r: Blob @index(r) }",
        "node A {} edge E: A -> A { w: I32 @unique @index(src, w) @unique(dst, src) }",
    ]);
    let twice = Catalog::parse("node A { p: I32 @unique @unique(p) }").unwrap();
    assert_eq!(twice.node("A").unwrap().constraints.len(), 2);
}

#[test]
fn ranges_and_checks_fit_their_property() {
    assert_errors(&[
        ("node A { p: String @range(§p, 0..1) }", "@range cannot use p, whose type is String"),
        ("node A { @range(§p, 0..1) }", "@range refers to \"p\""),
        ("node A { p: I32 §@range(p) }", "@range has the wrong arguments; write @range(property, min..max)"),
        ("node A { p: I32 §@range(p, 1) }", "@range has the wrong arguments"),
        ("node A { p: I32 §@range(p, 0..1, 2..3) }", "@range has the wrong arguments"),
        ("node A { p: I32 @range(p, 0..§9223372036854775808) }", "number 9223372036854775808 is out of range"),
        ("node A {} edge E: A -> A { p: I32 §@range(p, 0..1) }", "@range cannot be put on edge type E"),
        ("node A { p: I32 @check(§p, \"x\") }", "@check cannot use p, whose type is I32"),
        ("node A { p: String §@check(p) }", "@check has the wrong arguments"),
        ("node A { p: String §@check(p, q) }", "@check has the wrong arguments"),
        ("node A {} edge E: A -> A { p: String §@check(p, \"x\") }", "@check cannot be put on edge type E"),
        (
            "node A { p: String @check(p, §\"[a\") }",
            "the pattern of @check(p) is no regular expression: unclosed character class; correct it",
        ),
    ]);
    assert_valid(&["node A { p: U64? @range(p, -5..9223372036854775807) q: enum(a) @check(q, \"a\") }"]);
}

#[test]
fn cardinalities_are_ordered_numbers() {
    assert_errors(&[
        ("node A {} edge E: A -> A @card(§2..1)", "@card of E has minimum 2 above maximum 1"),
        ("node A {} edge E: A -> A @card(0..§4294967296)", "number 4294967296 is out of range"),
        ("node A {} edge E: A -> A @card(§99999999999..)", "number 99999999999 is out of range"),
    ]);
    let card = |text: &str| {
        let catalog = Catalog::parse(&format!("node A {{}} edge E: A -> A {text}")).unwrap();
        let cardinality = catalog.edge("E").unwrap().cardinality;
        (cardinality.min, cardinality.max)
    };
    assert_eq!(card("@card(1..1)"), (1, Some(1)));
    assert_eq!(card("@card(3..) @x"), (3, None));
    assert_eq!(card(""), (0, None));
}

#[test]
fn vectors_have_a_positive_dimension() {
    assert_errors(&[
        ("node A { p: Vector(§0) }", "a vector cannot have 0 dimensions"),
        ("node A { p: Vector(§2147483648) }", "a vector cannot have 2147483648 dimensions"),
        ("interface I { p: Vector(§99999999999999999999) }", "a vector cannot have"),
    ]);
}

#[test]
fn lists_hold_no_blobs() {
    assert_errors(&[
        ("node A { §p: [Blob] }", "property p is a list of blobs, which tables cannot hold; use edges"),
        ("interface I { §p: [Blob]? }", "property p is a list of blobs"),
    ]);
}

#[test]
fn embeddings_have_a_text_source() {
    assert_errors(&[
        ("node A { t: String v: String §@embed(t) }", "@embed cannot use v, whose type is String; it needs a vector"),
        ("node A { v: Vector(2) §@embed }", "@embed has the wrong arguments"),
        ("node A { v: Vector(2) @embed(§t) }", "@embed refers to \"t\""),
        ("node A { v: Vector(2) @embed(§\"a\\nb\") }", "@embed refers to \"a\\nb\""),
        ("node A { t: I32 v: Vector(2) @embed(§t) }", "@embed cannot use t, whose type is I32"),
        ("node A { t: String v: Vector(2) @embed(t, §size=1) }", "@embed has the wrong arguments"),
        ("node A { t: String v: Vector(2) @embed(t, model=\"a\", §model=\"b\") }", "@embed has the wrong arguments"),
        (
            "node A {} edge E: A -> A { t: String v: Vector(2) §@embed(t) }",
            "@embed cannot be put on property v of edge",
        ),
    ]);
    assert_valid(&[
        "node A { v: Vector(2)? @embed(t, model=\"m\") t: String? } node B { t: String v: Vector(1) @embed(\"t\") }",
    ]);
}

#[test]
fn texts_for_readers_are_not_blank() {
    assert_errors(&[
        ("node A §@description {}", "@description of node type A has no text"),
        ("node A §@description(\" \\t\") {}", "@description of node type A has no text"),
        ("node A @description(\"a\") §@description(\"b\") {}", "@description is given twice on node type A"),
        ("node A { p: I32 @description(\"a\") §@description(\"b\") }", "@description is given twice on property p"),
        ("node A {} edge E: A -> A §@instruction(\"\")", "@instruction of edge type E has no text"),
        ("node A { p: I32 §@instruction(\"x\") }", "@instruction cannot be put on property p of node type A"),
    ]);
    assert_valid(&[
        "node A @description(\"a\") @instruction(\"b\") @rename_from(\"Old\") @other(true, k=1) { p: I32 @hint }",
    ]);
}

#[test]
fn types_are_found_by_name_and_key() {
    let catalog = Catalog::parse("node B {} node A {} edge E: A -> B").unwrap();
    let keys: Vec<String> = catalog.tables().map(|table| table.key().to_string()).collect();
    assert_eq!(keys, ["edge:E", "node:A", "node:B"]);
    for table in catalog.tables() {
        assert_eq!(catalog.table(&table.key()), Some(table));
    }
    assert!(catalog.table(&"edge:A".parse().unwrap()).is_none());
    assert!(catalog.edge("e").is_none() && catalog.edge_ignoring_case("e").is_some());
}
