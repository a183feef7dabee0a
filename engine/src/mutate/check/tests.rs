use super::super::{MutateError, bind, parse};
use super::*;

const SCHEMA: &str = "node Person {\n name: String @key\n age: I32?\n joined: Date\n seenAt: DateTime?\n score: F32?\n \
    status: enum(active, retired)?\n tags: [String]?\n photo: Blob?\n face: Vector(2)?\n admin: Bool?\n}\n\
    node Company { title: String }\n\
    edge Knows: Person -> Person { since: Date? }\nedge WorksAt: Person -> Company\n\
    edge Moves: Company -> Company { from: Date to: Date? }\n";

fn checked(source: &str) -> Result<usize, String> {
    let catalog = Catalog::parse(SCHEMA).expect("the schema is valid");
    let file = parse::parse(source).unwrap_or_else(|error| panic!("{}", error.render(source)));
    check(source, &file.queries[0], &catalog).map(|checked| checked.steps.len()).map_err(|error| error.to_string())
}

fn body(params: &str, body: &str) -> Result<usize, String> {
    checked(&format!("query q({params}) {{\n{body}\n}}"))
}

fn refused(params: &str, text: &str) -> String {
    let error = body(params, text).expect_err(text);
    error.strip_prefix("line 2, ").unwrap_or(&error).to_owned()
}

#[test]
fn what_fits_is_taken() {
    for (params, text) in [
        ("$n: String", "insert Person { name: $n joined: date(\"2026-05-02\") }"),
        (
            "$d: Date, $s: String?",
            "insert Person { name: \"A\" joined: $d status: $s tags: [\"x\"] face: [1, 0.5] photo: \"base64:aGk=\" }",
        ),
        ("", "insert Person { name: \"A\" joined: date(\"2026-05-02\") seenAt: now() score: 1 age: null }"),
        ("", "insert knows { from: \"A\" to: \"B\" since: date(\"2026-05-02\") }"),
        ("$a: I32?", "update Person set { age: $a } where name = \"A\" and tags != null and face = null"),
        ("$a: I32?", "delete Person where age = $a and seenAt > datetime(\"2026-05-02T09:00:00Z\") and id < \"B\""),
        ("", "delete Knows where from = \"A\" and to = \"B\" and id != \"x\""),
        ("$s: String", "delete Person where status = $s and admin = true"),
        ("", "insert Moves { from: \"a\" to: \"b\" `from`: date(\"2026-05-02\") }"),
        ("", "delete Moves where from = \"a\" and `from` > date(\"2026-05-02\") and `to` = null"),
        ("", "update Person set { `age`: 1 } where `name` = \"A\""),
    ] {
        assert_eq!(body(params, text), Ok(1), "{text}");
    }
}

/// Parameters, a statement, and what is said of it.
const MISFITS: &[(&str, &str, &str)] = &[
    ("", "insert Persn { }", "column 8: there is no type Persn; did you mean Person?"),
    ("", "insert Robot { }", "column 8: there is no type Robot"),
    ("", "insert Person { }", "column 1: Person needs joined, name"),
    ("", "insert Knows { to: \"A\" }", "column 1: Knows needs from"),
    ("", "insert Moves { to: \"A\" }", "column 1: Moves needs from, `from`"),
    ("", "insert Knows { from: \"A\" to: \"B\" `from`: 1 }", "column 34: Knows has no property from; it has since"),
    ("", "delete Moves where `from` = \"a\"", "column 29: from: it is a Date?, write date(\"2026-05-02\")"),
    ("", "insert Company { titel: \"A\" }", "column 18: Company has no property titel; did you mean title?"),
    ("", "insert Company { x: 1 }", "column 18: Company has no property x; it has title"),
    ("", "insert Knows { src: \"A\" to: \"B\" }", "column 16: Knows has no property src; did you mean from?"),
    ("", "insert Company { id: \"x\" }", "column 18: the id of a Company is made by the graph and cannot be set"),
    ("", "insert Person { id: \"x\" }", "column 17: the id of a Person is its name and cannot be set"),
    ("", "insert Company { title: \"A\" title: \"B\" }", "column 29: property title is there twice"),
    ("", "insert Company { title: 1 }", "column 25: title: a text is expected, not 1"),
    ("", "insert Company { title: null }", "column 25: title: it is required and cannot be null"),
    ("", "update Person set { age: 1.0 } where name = \"A\"", "column 26: age: a whole number is expected, not 1.0"),
    (
        "",
        "update Person set { age: \"1\" } where name = \"A\"",
        "column 26: age: a whole number is expected, not \"1\"",
    ),
    ("", "update Person set { age: 3000000000 } where name = \"A\"", "column 26: age: 3000000000 does not fit I32"),
    (
        "",
        "update Person set { joined: \"2026-05-02\" } where name = \"A\"",
        "column 29: joined: it is a Date, write date(\"2026-05-02\")",
    ),
    ("", "update Person set { joined: now() } where name = \"A\"", "column 29: joined: now() is a DateTime, not Date"),
    (
        "",
        "update Person set { seenAt: 5 } where name = \"A\"",
        "column 29: seenAt: it is a DateTime?, write datetime(\"2026-05-02T09:14:03Z\") or now()",
    ),
    (
        "",
        "update Person set { joined: date(\"2026-02-30\") } where name = \"A\"",
        "column 29: joined: a date like 2026-05-02 (or days since 1970-01-01) is expected, not \"2026-02-30\"",
    ),
    (
        "",
        "update Person set { status: \"gone\" } where name = \"A\"",
        "column 29: status: `gone` is not one of active, retired",
    ),
    (
        "",
        "update Person set { face: [0, 0] } where name = \"A\"",
        "column 27: face: a vector of zeros has no direction",
    ),
    (
        "$t: String",
        "update Person set { tags: [$t] } where name = \"A\"",
        "column 27: tags: a list holds values: pass the whole list as a parameter",
    ),
    (
        "",
        "update Person set { name: \"B\" } where name = \"A\"",
        "column 21: name is the key of Person and cannot be changed: delete the node and insert it again, in two mutations",
    ),
    ("", "update Person set { } where name = \"A\"", "column 1: update Person needs a property to set"),
    (
        "",
        "update Knows set { since: null } where from = \"A\"",
        "column 8: Knows is an edge type, and only nodes can be updated: delete the edge and insert it again, in two mutations",
    ),
    ("", "delete Person where naem = \"A\"", "column 21: Person has no property naem; did you mean name?"),
    (
        "",
        "delete Person where name contains \"A\"",
        "column 26: `contains` cannot choose the rows of a mutation: compare a property with =, !=, <, <=, > or >=",
    ),
    ("", "delete Person where tags = [\"a\"]", "column 26: tags is [String]?: only `= null` and `!= null` compare it"),
    ("", "delete Person where photo = null", "column 27: photo is Blob?: blobs cannot be compared"),
    ("", "delete Person where admin < true", "column 27: admin is Bool?: only `=` and `!=` compare it"),
    ("", "delete Person where age < null", "column 25: age is I32?: only `=` and `!=` compare it with null"),
    (
        "$a: I64",
        "delete Person where age = $a",
        "column 27: age: it is I32?, and $a is declared as I64: declare it as I32",
    ),
    (
        "$a: I32?",
        "delete Person where age < $a",
        "column 27: age: it cannot be null here, and $a may be: declare it as I32",
    ),
    (
        "$t: String?",
        "insert Company { title: $t }",
        "column 25: title: it cannot be null here, and $t may be: declare it as String",
    ),
    (
        "$name: String",
        "insert Company { title: $nmae }",
        "column 25: parameter $nmae is not declared; did you mean $name?",
    ),
    ("", "insert Company { title: $x }", "column 25: parameter $x is not declared"),
];

#[test]
fn what_does_not_fit_is_told_with_its_place_and_what_was_meant() {
    for (params, text, message) in MISFITS {
        assert_eq!(refused(params, text), *message, "{text}");
    }
}

#[test]
fn parameters_have_types_that_exist() {
    let text = "delete Person where name = \"A\"";
    assert!(
        refused("$a: Int", text)
            .starts_with("line 1, column 13: there is no type Int: a parameter is String, Bool, I32")
    );
    assert!(refused("$a: Strin", text).ends_with("; did you mean String?"));
    assert!(refused("$a: Vector(0)", text).contains("a vector has 1 to 2147483647 numbers"));
    assert!(refused("$a: I32, $a: I32", text).contains("parameter $a is there twice"));
}

#[test]
fn a_table_changes_in_one_way_per_mutation() {
    let insert_knows = "insert Knows { from: \"A\" to: \"B\" }";
    assert_eq!(
        refused("", &format!("{insert_knows}\ndelete Person where name = \"A\"")),
        "edge:Knows would be written by statement 1 (line 2: insert Knows) and lose rows by statement 2 (line 3: delete Person), \
         which deletes the edges of its nodes: a table changes in one way per mutation, so make two of it"
    );
    assert_eq!(
        refused("", "delete Company where title = \"A\"\ninsert Company { title: \"B\" }"),
        "node:Company would be written by statement 2 (line 3: insert Company) and lose rows by statement 1 (line 2: delete Company): \
         a table changes in one way per mutation, so make two of it"
    );
    // Tables that have nothing to do with each other may change in both ways.
    assert_eq!(body("", &format!("{insert_knows}\ndelete Company where title = \"A\"")), Ok(2));
}

#[test]
fn a_query_that_reads_is_no_mutation() {
    assert_eq!(
        checked("query who() {\n match { $p: Person } return { $p } }"),
        Err("line 2, column 2: who is a query that reads: a mutation inserts, updates or deletes".to_owned())
    );
}

#[test]
fn parameters_are_checked_and_never_coerced() {
    let catalog = Catalog::parse(SCHEMA).expect("the schema is valid");
    let source = "query q($name: String, $age: I32?, $tags: [String]?, $face: Vector(2)?, $day: Date?, $status: String?) {\n\
        update Person set { age: $age tags: $tags face: $face joined: date(\"2026-01-01\") status: $status } where name = $name }";
    let bound = |params: serde_json::Value| {
        let file = parse::parse(source).expect("it is right");
        let checked = check(source, &file.queries[0], &catalog).expect("it fits");
        let Json::Object(params) = params else { panic!("parameters are an object") };
        bind::bind(checked, &params, 0).map(|steps| steps.len()).map_err(|error: MutateError| error.to_string())
    };
    let json = |text: &str| serde_json::from_str(text).expect("it is JSON");
    assert_eq!(bound(json(r#"{"name": "A"}"#)), Ok(1));
    assert_eq!(
        bound(json(r#"{"name": "A", "age": 1, "tags": ["x", null], "face": [1, 2], "day": "2026-05-02"}"#)),
        Ok(1)
    );
    for (params, message) in [
        ("{}", "parameter $name is missing: q needs a String"),
        (r#"{"nmae": "A"}"#, "q has no parameter $nmae; did you mean $name?"),
        (r#"{"somebody": "A"}"#, "q has no parameter $somebody; it has $name, $age, $tags, $face, $day, $status"),
        (r#"{"name": null}"#, "parameter $name: it is a String and cannot be null"),
        (r#"{"name": 1}"#, "parameter $name: a text is expected, not 1"),
        (r#"{"name": "A", "age": "1"}"#, "parameter $age: a whole number is expected, not \"1\""),
        (r#"{"name": "A", "age": 1.5}"#, "parameter $age: a whole number is expected, not 1.5"),
        (r#"{"name": "A", "age": 3000000000}"#, "parameter $age: 3000000000 does not fit I32"),
        (r#"{"name": "A", "tags": [1]}"#, "parameter $tags: item 1: a text is expected, not 1"),
        (r#"{"name": "A", "face": [1]}"#, "parameter $face: 2 numbers are expected, not 1"),
        (
            r#"{"name": "A", "day": "soon"}"#,
            "parameter $day: a date like 2026-05-02 (or days since 1970-01-01) is expected, not \"soon\"",
        ),
        (r#"{"name": "A", "status": "gone"}"#, "parameter $status: status: `gone` is not one of active, retired"),
    ] {
        assert_eq!(bound(json(params)), Err(message.to_owned()), "{params}");
    }
}
