use super::*;

const SMALL: &str = "node Person { name: String @key  age: I32? }\nedge Knows: Person -> Person { since: Date? }\n";
const SMALL_JSON: &str = r#"{"ir_version":1,"interfaces":[],"nodes":[{"name":"Person","type_id":3227219152,"annotations":[],"implements":[],"properties":[{"name":"age","prop_id":3446138241,"prop_type":{"scalar":"I32","nullable":true,"list":false,"enum_values":null},"annotations":[]},{"name":"name","prop_id":1466009789,"prop_type":{"scalar":"String","nullable":false,"list":false,"enum_values":null},"annotations":[{"name":"key","value":null}]}],"constraints":[{"Key":["name"]}]}],"edges":[{"name":"Knows","type_id":2041814322,"from_type":"Person","to_type":"Person","cardinality":{"min":0,"max":null},"annotations":[],"properties":[{"name":"since","prop_id":2596498354,"prop_type":{"scalar":"Date","nullable":true,"list":false,"enum_values":null},"annotations":[]}],"constraints":[]}]}"#;
const CONTACTS: &str = include_str!("../testdata/contacts.pg");

fn compiled(source: &str) -> SchemaIr {
    SchemaIr::from_catalog(&Catalog::parse(source).unwrap())
}

#[test]
fn the_small_example_compiles_to_the_letter() {
    let ir = compiled(SMALL);
    assert_eq!(ir.to_compact_json(), SMALL_JSON);
    assert_eq!(ir.hash(), "sha256:8e46adc503b0cbcdeb913b1109f08992bf2297ca125992020c20bfe4fe069343");
}

#[test]
fn the_worked_example_has_its_length_and_hash() {
    let ir = compiled(CONTACTS);
    assert_eq!(ir.to_compact_json().len(), 3526);
    assert_eq!(ir.hash(), "sha256:907009b35c11da0f747e9aaf8ce2020aebcf085650c247d4e28fc7778d148971");
}

#[test]
fn files_of_the_reference_are_reproduced_byte_for_byte() {
    for (source, json) in [
        (include_str!("../testdata/team/_schema.pg"), include_str!("../testdata/team/_schema.ir.json")),
        (include_str!("../testdata/load-crash/_schema.pg"), include_str!("../testdata/load-crash/_schema.ir.json")),
    ] {
        assert_eq!(compiled(source).to_pretty_json(), json);
        assert_eq!(SchemaIr::from_json(json).unwrap(), compiled(source));
    }
}

#[test]
fn reading_is_the_inverse_of_writing_and_drops_unknown_keys() {
    let ir = compiled(CONTACTS);
    assert_eq!(SchemaIr::from_json(&ir.to_compact_json()).unwrap(), ir);
    assert_eq!(SchemaIr::from_json(&ir.to_pretty_json()).unwrap(), ir);
    let more = SMALL_JSON.replace(r#""ir_version":1"#, r#""later":{"a":[1]},"ir_version":1"#);
    assert_eq!(SchemaIr::from_json(&more).unwrap().to_compact_json(), SMALL_JSON);
}

#[test]
fn a_file_out_of_canonical_order_keeps_its_own_hash() {
    let json = SMALL_JSON.replace(r#""list":false,"enum_values":null"#, r#""list":false,"enum_values":["b","a"]"#);
    assert_eq!(SchemaIr::from_json(&json).unwrap().to_compact_json(), json);
}

#[test]
fn whitespace_comments_and_declaration_order_do_not_change_the_hash() {
    let shuffled = "/* x */edge Knows:Person->Person{since:Date?}// y\nnodePerson{age:I32? name:String@key}";
    assert_eq!(compiled(shuffled).hash(), compiled(SMALL).hash());
}

#[test]
fn constraints_and_annotations_sort_as_the_format_says() {
    let ir = compiled(
        r#"node A @b("z") @b @b("a") @a {
            q: F64  p: String  r: I64
            @unique(r, p) @range(q, 0.5..2) @range(q, -1..) @range(r, ..3) @key(r, p) @index(q) @check(p, "é\\d")
        }"#,
    );
    let node = &ir.nodes[0];
    let json = serde_json::to_string(&node.constraints).unwrap();
    assert_eq!(
        json,
        "[{\"Check\":{\"property\":\"p\",\"pattern\":\"é\\\\d\"}},{\"Index\":[\"q\"]},{\"Key\":[\"p\",\"r\"]},\
         {\"Range\":{\"property\":\"q\",\"min\":{\"Float\":0.5},\"max\":{\"Integer\":2}}},\
         {\"Range\":{\"property\":\"q\",\"min\":{\"Integer\":-1},\"max\":null}},\
         {\"Range\":{\"property\":\"r\",\"min\":{\"Integer\":3},\"max\":null}},{\"Unique\":[\"p\",\"r\"]}]"
    );
    let annotations: Vec<String> = node.annotations.iter().map(ToString::to_string).collect();
    assert_eq!(annotations, ["@a", "@b", "@b(\"a\")", "@b(\"z\")"]);
}

#[test]
fn integral_floats_keep_their_fraction() {
    let json = compiled("node A { p: F32 @range(p, 1.0..20.50) }").to_compact_json();
    assert!(json.contains(r#""min":{"Float":1.0},"max":{"Float":20.5}"#), "{json}");
}

#[test]
fn enum_values_and_interfaces_are_sorted_without_duplicates() {
    let ir = compiled("interface B {} interface A {} node N implements B, A, B { e: enum(b, a, b, B)? }");
    assert_eq!(ir.nodes[0].implements, ["A", "B"]);
    assert_eq!(ir.nodes[0].properties[0].prop_type.enum_values, Some(vec!["B".into(), "a".into(), "b".into()]));
    assert_eq!(ir.interfaces.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}
