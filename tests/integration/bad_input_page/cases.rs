//! The wrong inputs, by command.

/// One wrong input.
#[derive(Debug)]
pub(super) struct Case {
    /// What is wrong, as the page says it.
    pub(super) what: &'static str,
    /// Files it needs: name, content with a line end.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// The command without the program's name; `/data` is the folder with the graphs and files.
    pub(super) command: &'static str,
}

/// The wrong inputs of one command.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) cases: &'static [Case],
}

/// Schema of the graph `people`.
pub(super) const SCHEMA: &str = "node Person {
  name: String @key
  mail: String? @unique
  age: I32?
  joined: Date?
  role: enum(admin, guest)?
  face: Vector(2)?
  photo: Blob?
  @range(age, 0..150)
  @check(name, \"^[A-Z]\")
}
node Note {
  body: String
  tags: [String]?
}
edge Knows: Person -> Person @card(0..2)
edge Wrote: Person -> Note @card(1..)
";

/// Rows of the graph `people`.
pub(super) const ROWS: &str = r#"{"type":"Person","data":{"name":"Ada","mail":"ada@example.org","age":36}}
{"type":"Person","data":{"name":"Grace"}}
{"type":"Note","data":{"id":"n1","body":"first"}}
{"edge":"Knows","from":"Ada","to":"Grace","data":{"id":"k1"}}
"#;

const fn case(what: &'static str, command: &'static str) -> Case {
    Case { what, files: &[], command }
}

/// A case of one file of records.
macro_rules! records {
    ($what:literal, $mode:literal, $text:literal) => {
        Case {
            what: $what,
            files: &[("new.jsonl", concat!($text, "\n"))],
            command: concat!("load /data/people --data /data/new.jsonl --mode ", $mode),
        }
    };
}

/// A case of a schema.
macro_rules! schema {
    ($what:literal, $text:literal) => {
        Case {
            what: $what,
            files: &[("new.pg", concat!($text, "\n"))],
            command: "init /data/new --schema /data/new.pg",
        }
    };
}

/// A case of a text of mutations.
macro_rules! query {
    ($what:literal, $text:literal) => {
        query!($what, $text, "")
    };
    ($what:literal, $text:literal, $arguments:literal) => {
        Case {
            what: $what,
            files: &[("new.gq", concat!($text, "\n"))],
            command: concat!("mutate /data/people --query /data/new.gq", $arguments),
        }
    };
}

/// The page, section by section.
pub(super) const SECTIONS: &[Section] = &[
    Section { title: "The place of a graph", cases: PLACES },
    Section { title: "`init`", cases: INIT },
    Section { title: "`load`: the request", cases: LOAD_REQUEST },
    Section { title: "`load`: a record that cannot be read", cases: LOAD_RECORD },
    Section { title: "`load`: a record that breaks a rule", cases: LOAD_RULE },
    Section { title: "`mutate`", cases: MUTATE },
    Section { title: "`branch`", cases: BRANCH },
    Section { title: "`merge`", cases: MERGE },
    Section { title: "`recovery`", cases: RECOVERY },
    Section { title: "Positions", cases: POSITIONS },
    Section { title: "`read`, `export`, `tables`, `history`", cases: READ },
    Section { title: "`sql`", cases: SQL },
    Section { title: "`log`, `diff`", cases: LOG },
    Section { title: "Damaged files", cases: DAMAGED },
    Section { title: "The workbench", cases: WORKBENCH },
    Section { title: "Settings of the workbench", cases: SETTINGS },
];

const DAMAGED: &[Case] = &[
    case("A file of the history that was cut off", "history /data/cut Person Ada"),
    case("A version of a table of which nothing is left", "read /data/emptied Person"),
    case("A version of a table in the place of another", "sql /data/exchanged 'select name from \"Person\"'"),
    case("The record of a branch", "branch create /data/torn next --from work"),
    case("The compiled schema", "tables /data/scribbled"),
];

const PLACES: &[Case] = &[
    case("There is nothing of this name", "log /data/nowhere"),
    case("A folder that is no graph", "tables /data/empty"),
    case("A place that is not on this machine", "log s3://bucket/people"),
    case("A misspelt command", "tabels /data/people"),
    case("An option of another command", "log /data/people --mode append"),
    case("A graph of another format", "read /data/newer Person"),
    case("A schema that was edited by hand", "read /data/edited Person"),
    case("A schema file without a graph", "load /data/unfinished --data /data/people.pg --mode append"),
];

const INIT: &[Case] = &[
    case("No schema is given", "init /data/new"),
    case("There is no such file", "init /data/new --schema /data/missing.pg"),
    case("A file where the graph should be", "init /data/people.pg --schema /data/people.pg"),
    case("There is a graph already", "init /data/people --schema /data/people.pg"),
    case("Also with --force", "init /data/people --schema /data/people.pg --force"),
    case("An attempt was interrupted, or goes on right now", "init /data/unfinished --schema /data/people.pg"),
    case("There is data of a graph whose other files are gone", "init /data/headless --schema /data/people.pg --force"),
    schema!("No types", "// nothing yet"),
    schema!("A type that does not exist", "node Person {\n  name: Text\n}"),
    schema!("A property called like a column of every table", "node Person {\n  id: String @key\n}"),
    schema!("A property called like a column of Lance", "node Person {\n  name: String @key\n  _rowid: I64?\n}"),
    schema!("Two types of one name", "node Person { name: String @key }\nnode Person { name: String @key }"),
    schema!("An edge to nowhere", "node Person { name: String @key }\nedge Owns: Person -> Thing"),
    schema!("A pattern that is none", "node Person {\n  name: String @key\n  @check(name, \"[\")\n}"),
    schema!("A brace is missing", "node Person { name: String @key"),
];

const LOAD_REQUEST: &[Case] = &[
    case("No mode is given", "load /data/people --data /data/people.jsonl"),
    case("A mode that does not exist", "load /data/people --data /data/people.jsonl --mode upsert"),
    case("There is no such file", "load /data/people --data /data/missing.jsonl --mode append"),
    case("A folder", "load /data/people --data /data/empty --mode append"),
    case("Standard input twice", "load /data/people --data - - --mode append"),
    case("There is no such branch", "load /data/people --data - --mode append --branch wrok"),
    case(
        "The branch to start from does not exist",
        "load /data/people --data - --mode append --branch new --from wrok",
    ),
    case("An empty name", "load /data/people --data - --mode append --actor ''"),
    Case {
        what: "A Parquet file that is none",
        files: &[("Person.parquet", "name,age\n")],
        command: "load /data/people --data /data/Person.parquet --mode append",
    },
    Case {
        what: "The table of a file that is called otherwise",
        files: &[("rows.parquet", "name,age\n")],
        command: "load /data/people --data /data/rows.parquet --mode append",
    },
    Case {
        what: "Another program changes the schema",
        files: &[("new.jsonl", "{\"type\":\"Person\",\"data\":{\"name\":\"Eve\"}}\n")],
        command: "load /data/changing --data /data/new.jsonl --mode append",
    },
    Case {
        what: "A table has a version that the graph does not show",
        files: &[("new.jsonl", "{\"type\":\"Person\",\"data\":{\"name\":\"Eve\"}}\n")],
        command: "load /data/drifted --data /data/new.jsonl --mode append",
    },
    Case {
        what: "A record of an interrupted write that cannot be read",
        files: &[("new.jsonl", "{\"type\":\"Person\",\"data\":{\"name\":\"Eve\"}}\n")],
        command: "load /data/blocked --data /data/new.jsonl --mode append",
    },
];

const LOAD_RECORD: &[Case] = &[
    records!("No JSON", "append", "name,age"),
    records!("Half a record", "append", r#"{"type":"Person","data":{"name":"Eve""#),
    records!("A list", "append", r#"[{"type":"Person","data":{"name":"Eve"}}]"#),
    records!("Neither a node nor an edge", "append", r#"{"name":"Eve"}"#),
    records!("A type that does not exist", "append", r#"{"type":"Persn","data":{"name":"Eve"}}"#),
    records!("An edge type that does not exist", "append", r#"{"edge":"Know","from":"Ada","to":"Grace"}"#),
    records!(
        "A property that does not exist",
        "append",
        r#"{"type":"Person","data":{"name":"Eve","mial":"eve@example.org"}}"#
    ),
    records!("An edge without an end", "append", r#"{"edge":"Knows","from":"Ada"}"#),
    records!("A text that should be a number", "append", r#"{"type":"Person","data":{"name":"Eve","age":"36"}}"#),
    records!("A number that is too large", "append", r#"{"type":"Person","data":{"name":"Eve","age":3000000000}}"#),
    records!("A number with a fraction", "append", r#"{"type":"Person","data":{"name":"Eve","age":36.5}}"#),
    records!("A day that does not exist", "append", r#"{"type":"Person","data":{"name":"Eve","joined":"2026-02-30"}}"#),
    records!(
        "A value that is not among the allowed ones",
        "append",
        r#"{"type":"Person","data":{"name":"Eve","role":"owner"}}"#
    ),
    records!("A vector of the wrong length", "append", r#"{"type":"Person","data":{"name":"Eve","face":[1,2,3]}}"#),
    records!("A vector with a text in it", "append", r#"{"type":"Person","data":{"name":"Eve","face":[1,"2"]}}"#),
    records!("A vector without a direction", "append", r#"{"type":"Person","data":{"name":"Eve","face":[0,0]}}"#),
    records!(
        "A reference to bytes on the web",
        "append",
        r#"{"type":"Person","data":{"name":"Eve","photo":"https://example.org/eve.png"}}"#
    ),
    records!("A list with a number among texts", "append", r#"{"type":"Note","data":{"body":"x","tags":["a",1]}}"#),
    records!("A required property is missing", "append", r#"{"type":"Note","data":{"tags":[]}}"#),
    records!("The key is missing", "append", r#"{"type":"Person","data":{"age":1}}"#),
    records!("An id that is not the key", "append", r#"{"type":"Person","data":{"id":"E","name":"Eve"}}"#),
];

const LOAD_RULE: &[Case] = &[
    records!("Out of range", "append", r#"{"type":"Person","data":{"name":"Eve","age":151}}"#),
    records!("Not like the pattern", "append", r#"{"type":"Person","data":{"name":"eve"}}"#),
    records!("An id that is there", "append", r#"{"type":"Person","data":{"name":"Ada"}}"#),
    records!(
        "An id twice",
        "merge",
        "{\"type\":\"Person\",\"data\":{\"name\":\"Eve\"}}\n{\"type\":\"Person\",\"data\":{\"name\":\"Eve\"}}"
    ),
    records!(
        "A unique value that is there",
        "append",
        r#"{"type":"Person","data":{"name":"Eve","mail":"ada@example.org"}}"#
    ),
    records!("An edge to nobody", "append", r#"{"edge":"Knows","from":"Ada","to":"Eve"}"#),
    records!(
        "More edges than allowed",
        "append",
        "{\"edge\":\"Knows\",\"from\":\"Ada\",\"to\":\"Ada\"}\n{\"edge\":\"Knows\",\"from\":\"Ada\",\"to\":\"Grace\"}"
    ),
    records!("A node that edges need goes", "overwrite", r#"{"type":"Person","data":{"name":"Ada"}}"#),
    records!(
        "Several at once",
        "append",
        "{\"type\":\"Person\",\"data\":{\"name\":\"Eve\",\"age\":-1}}\n{\"type\":\"Note\",\"data\":{}}\n{\"edge\":\"Knows\",\"from\":\"Eve\",\"to\":\"Bob\"}"
    ),
];

const MUTATE: &[Case] = &[
    case("No text is given", "mutate /data/people"),
    case("There is no such file", "mutate /data/people --query /data/missing.gq"),
    case("Nothing", "mutate /data/people -e ''"),
    query!("A statement without its query", "insert Person { name: \"Eve\" }"),
    query!("A brace is missing", "query add() {\n  insert Person { name: \"Eve\"\n}"),
    query!("A type that does not exist", "query add() {\n  insert Persn { name: \"Eve\" }\n}"),
    query!("A property that does not exist", "query add() {\n  insert Person { nmae: \"Eve\" }\n}"),
    query!("A required property is missing", "query add() {\n  insert Person { age: 36 }\n}"),
    query!("A value of the wrong type", "query add() {\n  insert Person { name: \"Eve\", age: \"36\" }\n}"),
    query!("A comparison that is none", "query older() {\n  update Person set { age: 40 } where age => 36\n}"),
    query!("Everything would be deleted", "query clear() {\n  delete Person\n}"),
    query!("The key is changed", "query rename() {\n  update Person set { name: \"Eve\" } where name = \"Ada\"\n}"),
    query!("A query that reads", "query all() {\n  match { $p: Person }\n  return { $p.name }\n}"),
    query!("A parameter that is not declared", "query add() {\n  insert Person { name: $name }\n}"),
    query!("A parameter that is missing", "query add($name: String) {\n  insert Person { name: $name }\n}"),
    query!(
        "A parameter that the query does not have",
        "query add($name: String) {\n  insert Person { name: $name }\n}",
        " --params '{\"nmae\": \"Eve\"}'"
    ),
    query!(
        "A parameter of the wrong type",
        "query add($name: String) {\n  insert Person { name: $name }\n}",
        " --params '{\"name\": 1}'"
    ),
    query!(
        "Parameters that are no JSON object",
        "query add($name: String) {\n  insert Person { name: $name }\n}",
        " --params name=Eve"
    ),
    query!(
        "Several queries",
        "query one() { insert Person { name: \"Eve\" } }\nquery two() { insert Person { name: \"Bob\" } }"
    ),
    query!("A query that is not there", "query add() { insert Person { name: \"Eve\" } }", " --name ad"),
    query!("An edge to nobody", "query add() {\n  insert Knows { from: \"Ada\", to: \"Eve\" }\n}"),
    query!("Out of range", "query older() {\n  update Person set { age: 151 } where name = \"Ada\"\n}"),
    query!(
        "A unique value that is there",
        "query add() {\n  insert Person { name: \"Eve\", mail: \"ada@example.org\" }\n}"
    ),
    query!(
        "Rows come and go in one table",
        "query swap() {\n  insert Person { name: \"Eve\" }\n  delete Person where name = \"Ada\"\n}"
    ),
    query!("There is no such branch", "query add() { insert Person { name: \"Eve\" } }", " --branch wrok"),
];

const BRANCH: &[Case] = &[
    case("It exists", "branch create /data/people work"),
    case("A name inside another one", "branch create /data/people work/more"),
    case("A name that is none", "branch create /data/people 'my work'"),
    case("Main", "branch create /data/people main"),
    case("A name that the program needs itself", "branch create /data/people __schema_apply_lock__"),
    case("It is to start at a branch that does not exist", "branch create /data/people new --from wrok"),
    case("To delete one that does not exist", "branch delete /data/people wrok --yes"),
    case("To delete main", "branch delete /data/people main --yes"),
    case("To delete one that another one starts on", "branch delete /data/people work --yes"),
    case("To delete without a word, and nobody to ask", "branch delete /data/people child"),
    case("While another program changes the schema", "branch create /data/changing new"),
];

const MERGE: &[Case] = &[
    case("A branch that does not exist", "merge /data/people wrok --into main"),
    case("A branch into itself", "merge /data/people main --into main --preview"),
    case("No branch to merge into", "merge /data/people work"),
    case("Main is to be deleted afterwards", "merge /data/people main --into work --delete-source"),
    case("A branch is to be deleted that another one starts on", "merge /data/people work --into main --delete-source"),
    case("A preview that deletes", "merge /data/people child --into main --preview --delete-source"),
    case("There is no such file of decisions", "merge /data/people work --into main --decisions /data/nowhere.json"),
    Case {
        what: "A file of decisions with a mistake",
        files: &[("half.json", "{\n  \"source\": \"work\",\n  \"target\": main\n}\n")],
        command: "merge /data/people work --into main --decisions /data/half.json",
    },
    Case {
        what: "Decisions of another merge",
        files: &[(
            "other.json",
            "{\n  \"source\": \"child\",\n  \"target\": \"main\",\n  \"heads\": {\"source\": \"01M7Y249A1EHFH4MJGAECB534F\", \
             \"target\": \"01M7Y249A1EHFH4MJGAECB534F\", \"base\": \"01M7Y249A1EHFH4MJGAECB534F\"},\n  \"decisions\": []\n}\n",
        )],
        command: "merge /data/people work --into main --decisions /data/other.json",
    },
];

const RECOVERY: &[Case] = &[
    case("No write of this id", "recovery show /data/people 01ABC"),
    case("An end that fits several ids", "recovery show /data/crashed 4F"),
    case("A roll-back, and nobody to ask", "recovery run /data/crashed"),
    case("A record that cannot be read", "recovery run /data/blocked"),
    case("A folder that is no graph", "recovery plan /data/empty"),
];

const POSITIONS: &[Case] = &[
    case("A branch that does not exist", "tables /data/team --at wrok"),
    case("A version that is not there yet", "tables /data/team --at v99"),
    case("A version of a branch that does not exist", "tables /data/team --at wrok@v3"),
    case("A commit that does not exist", "show /data/team 01M7Y2AKA125T5VJJZZ1M5RCKX"),
    case("An end that fits several commits", "show /data/team n"),
    case("A time before the first commit", "tables /data/team --at 2001-01-01"),
    case("Nothing", "tables /data/team --at ''"),
];

const READ: &[Case] = &[
    case("A table that does not exist", "read /data/people Company"),
    case("A table by another spelling", "read /data/people person"),
    case("A table that was meant otherwise", "export /data/people --table Persn"),
    case("A column that does not exist", "read /data/people Person --columns name,agee"),
    case("A column twice", "read /data/people Person --columns name,name"),
    case("An empty condition", "read /data/people Person --where ' '"),
    case("A condition that breaks off", "read /data/people Person --where 'age >'"),
    case("A column in a condition that does not exist", "read /data/people Person --where 'agee > 3'"),
    case("A text in double quotes", "read /data/people Person --where 'name = \"Ada\"'"),
    case("A column compared with what it cannot be", "read /data/people Person --where \"joined > 'yesterday'\""),
    case("A value that cannot be computed", "read /data/people Person --where 'cast(name as int) > 3'"),
    case("No answer", "read /data/people Person --where age"),
    case("More than a condition", "read /data/people Person --where 'age > 3 limit 1'"),
    case("More than a row", "read /data/people Person --where 'max(age) > 3'"),
    case("No number", "read /data/people Person --limit many"),
    case("Two formats", "read /data/people Person --json --format csv"),
    case("A row that never was", "history /data/people Person Nobody"),
];

const SQL: &[Case] = &[
    case("No query", "sql /data/people selec"),
    case("A table that does not exist", "sql /data/people 'select * from Nobody'"),
    case("A column that does not exist", "sql /data/people 'select nam from \"Person\"'"),
    case("A statement that writes", "sql /data/people 'delete from \"Person\"'"),
    case("Two queries", "sql /data/people 'select 1; select 2'"),
    case("Nothing", "sql /data/people ''"),
];

const LOG: &[Case] = &[
    case("A branch that does not exist", "log /data/people --branch wrok"),
    case("A table that does not exist", "log /data/people --table Persn"),
    case("No time", "log /data/people --since yesterday"),
    case("A change that does not exist", "diff /data/people main work --op renamed"),
    case("A position that does not exist", "diff /data/people main wrok"),
    case("A table that does not exist in a diff", "diff /data/people main work --table Persn"),
];

const WORKBENCH: &[Case] = &[case("There is no terminal", "open /data/people")];

/// What only the workbench reads: asked on a terminal.
const SETTINGS: &[Case] = &[
    case("They are not there", "open /data/people --config /data/missing.toml"),
    Case {
        what: "They are no TOML",
        files: &[("settings.toml", "[ui\n")],
        command: "open /data/people --config /data/settings.toml",
    },
];
