use std::error::Error;

use super::*;

const SOURCE: &str = include_str!("../testdata/team/_schema.pg");
const IR: &str = include_str!("../testdata/team/_schema.ir.json");
const STATE: &str = include_str!("../testdata/team/__schema_state.json");

fn refused(source: &str, ir: Option<&str>, state: Option<&str>) -> ContractError {
    SchemaContract::check(source, ir, state).expect_err("the files must be refused")
}

fn assert_locked(error: &ContractError, part: &str) {
    let text = error.to_string();
    assert!(text.starts_with("schema evolution is locked and needs manual coordination: "), "{text}");
    assert!(text.contains(part) && !text.contains('\n'), "{text}");
}

#[test]
fn the_files_of_the_reference_agree() {
    let contract = SchemaContract::check(SOURCE, Some(IR), Some(STATE)).unwrap();
    assert_eq!(contract.origin(), ContractOrigin::Recorded);
    assert_eq!(contract.hash(), "sha256:edf4d6906ab747428a2c78502e3c22a3b78a1ba570a4df99eca2729b3477d870");
    assert_eq!(contract.state().to_pretty_json(), STATE);
    assert_eq!(contract.source(), SOURCE);
    let crash = SchemaContract::check(
        include_str!("../testdata/load-crash/_schema.pg"),
        Some(include_str!("../testdata/load-crash/_schema.ir.json")),
        Some(include_str!("../testdata/load-crash/__schema_state.json")),
    );
    assert_eq!(crash.unwrap().origin(), ContractOrigin::Recorded);
}

#[test]
fn without_both_derived_files_they_are_derived() {
    let contract = SchemaContract::check(SOURCE, None, None).unwrap();
    assert_eq!(contract.origin(), ContractOrigin::Derived);
    assert_eq!(contract.ir().to_pretty_json(), IR);
    assert_eq!(contract.state().to_pretty_json(), STATE);
}

#[test]
fn exactly_one_missing_file_is_named() {
    assert_locked(
        &refused(SOURCE, None, Some(STATE)),
        "_schema.ir.json is missing although __schema_state.json exists",
    );
    assert_locked(&refused(SOURCE, Some(IR), None), "__schema_state.json is missing although _schema.ir.json exists");
}

#[test]
fn comments_and_whitespace_of_the_source_are_free() {
    let edited = format!("// edited\n{}", SOURCE.replace('\n', "\n\t"));
    assert!(SchemaContract::check(&edited, Some(IR), Some(STATE)).is_ok());
}

#[test]
fn each_disagreement_is_told_apart() {
    let source = SOURCE.replace("age: I32?", "age: I64?");
    let error = refused(&source, Some(IR), Some(STATE));
    assert!(matches!(error, ContractError::SourceDiffersFromAccepted { .. }));
    assert_locked(&error, "_schema.pg does not match the accepted schema");

    let ir = IR.replace("\"I32\"", "\"I64\"");
    let error = refused(SOURCE, Some(&ir), Some(STATE));
    assert!(matches!(error, ContractError::IrDiffersFromState { .. }));
    assert_locked(&error, "_schema.ir.json does not match the hash in __schema_state.json");

    let both = refused(&source, Some(&ir), Some(STATE));
    assert!(matches!(both, ContractError::IrDiffersFromState { .. }));
}

#[test]
fn every_truncation_names_its_file() {
    for end in 0..IR.len() {
        let error = refused(SOURCE, Some(&IR[..end]), Some(STATE));
        assert_locked(&error, "_schema.ir.json is unreadable");
        assert!(error.source().is_some());
    }
    for end in 0..STATE.len() {
        assert_locked(&refused(SOURCE, Some(IR), Some(&STATE[..end])), "__schema_state.json is unreadable");
    }
}

#[test]
fn unknown_versions_are_refused_by_name() {
    for (key, file) in [("format_version", STATE), ("schema_identity_version", STATE), ("ir_version", IR)] {
        let newer = file.replacen(&format!("\"{key}\": 1"), &format!("\"{key}\": 2"), 1);
        let error = if file == IR {
            refused(SOURCE, Some(&newer), Some(STATE))
        } else {
            refused(SOURCE, Some(IR), Some(&newer))
        };
        assert_locked(&error, &format!("has {key} 2, only 1 is supported"));
    }
}

#[test]
fn a_mistake_in_the_source_keeps_its_place() {
    let ContractError::Source { error, .. } = refused("node A {\n  x: Foo\n}", Some(IR), Some(STATE)) else {
        panic!("the source does not parse");
    };
    assert_eq!((error.line(), error.column()), (2, 6));
}
