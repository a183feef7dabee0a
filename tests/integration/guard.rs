//! Nothing outside `engine/src/storage` can move a table: it names neither Lance nor a call of Lance that commits at once, and
//! inside, those calls are in the few places that are listed here. (Privacy guards the boundary; this test notices a new
//! `pub` or a new dependency before a reviewer has to.)

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Crates of Lance, as paths name them.
const CRATES: [&str; 6] = ["lance", "lance_core", "lance_file", "lance_index", "lance_io", "lance_table"];

/// Types and functions of Lance that commit, or lead to a commit. The names are distinct enough to be found as words.
const COMMITTING: [&str; 26] = [
    "Dataset",
    "InsertBuilder",
    "MergeInsertBuilder",
    "UpdateBuilder",
    "DeleteBuilder",
    "CommitBuilder",
    "CreateIndexBuilder",
    "WriteParams",
    "merge_insert",
    "compact_files",
    "optimize_indices",
    "create_index",
    "create_index_builder",
    "drop_index",
    "add_columns",
    "alter_columns",
    "drop_columns",
    "update_config",
    "delete_config_keys",
    "update_schema_metadata",
    "update_field_metadata",
    "replace_schema_metadata",
    "force_delete_branch",
    "checkout_latest",
    "cleanup_old_versions",
    "commit_compaction",
];

/// Calls inside the storage module that commit at once or make a builder that does, with how often each file has them.
const KNOWN: [(&str, &str, usize); 11] = [
    ("lance/mod.rs", "execute_stream", 1),
    ("lance/mod.rs", "create_branch", 1),
    // It is read, not made.
    ("lance/sameness.rs", "Operation::Restore", 1),
    ("lance/stage.rs", "CommitBuilder::new", 1),
    ("lance/stage.rs", "MergeInsertBuilder::try_new", 1),
    ("lance/stage.rs", "update_config", 1),
    ("lance/stage.rs", "update_schema_metadata", 1),
    ("lance/stage.rs", "update_field_metadata", 1),
    ("lance/stage.rs", "Operation::Restore", 1),
    ("lance/stage/compact.rs", "optimize::compact_files", 1),
    // Read from the record of a version.
    ("lance/versions.rs", "Operation::Restore", 1),
];

/// Commits at once wherever it is called: inside the storage module as well there is a staged way.
const NEVER: [&str; 10] = [
    "Dataset::write",
    "Dataset::append",
    "Dataset::commit",
    ".restore()",
    ".delete(",
    ".append(",
    "optimize_indices",
    "create_index",
    "cleanup_old_versions",
    "UpdateBuilder",
];

/// The code of a file, without comments and texts.
fn code(source: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        // What stands beside the code to test it may do anything.
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let mut kept = String::new();
        let mut in_text = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if in_text => drop(characters.next()),
                '"' => in_text = !in_text,
                '/' if !in_text && characters.peek() == Some(&'/') => break,
                other if !in_text => kept.push(other),
                _ => {}
            }
        }
        lines.push((number, kept));
    }
    lines
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !character.is_alphanumeric() && character != '_').filter(|word| !word.is_empty())
}

/// What a file outside the storage module must not name.
fn trespasses(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in code(source) {
        let names_crate = CRATES.iter().any(|name| {
            line.match_indices(name).any(|(place, _)| {
                let before = line[..place].chars().next_back();
                let after = &line[place + name.len()..];
                // `storage::lance` and `super::lance` are our own module.
                !before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':')
                    && after.starts_with("::")
            })
        });
        if names_crate || words(&line).any(|word| COMMITTING.contains(&word)) {
            found.push(format!("{number}: {}", line.trim()));
        }
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn engine() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src")
}

#[test]
fn nothing_outside_the_storage_module_can_commit_to_a_table() -> Result<()> {
    let mut files = Vec::new();
    sources(&engine(), &mut files)?;
    let outside: Vec<&PathBuf> = files.iter().filter(|path| !path.starts_with(engine().join("storage"))).collect();
    assert!(outside.len() > 50, "the engine has more files than {}", outside.len());
    for path in outside {
        let found = trespasses(&fs::read_to_string(path)?);
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
    Ok(())
}

#[test]
fn inside_the_storage_module_every_committing_call_is_a_known_one() -> Result<()> {
    let mut files = Vec::new();
    sources(&engine().join("storage"), &mut files)?;
    for path in &files {
        let name = path.strip_prefix(engine().join("storage"))?.to_string_lossy().into_owned();
        let source = fs::read_to_string(path)?;
        let lines: Vec<String> = code(&source).into_iter().map(|(_, line)| line).collect();
        let uses = |call: &str| lines.iter().filter(|line| line.contains(call) && !line.contains("fn ")).count();
        for (_, call, _) in KNOWN {
            let call_form = if call.contains("::") { call.to_owned() } else { format!(".{call}(") };
            let known = KNOWN.iter().filter(|(file, of, _)| name == *file && *of == call);
            assert_eq!(uses(&call_form), known.map(|(_, _, times)| times).sum::<usize>(), "{call} in {name}");
        }
        // These delete files of the store.
        if !["control.rs", "lance/branched.rs"].contains(&name.as_str()) {
            for call in NEVER {
                assert_eq!(uses(call), 0, "{call} in {name}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_scanner_sees_what_it_is_to_see() {
    for line in [
        "let table = lance::Dataset::open(uri).await?;",
        "use lance::dataset::WriteMode;",
        "    lance_table::format::Fragment::new(1);",
        "dataset.merge_insert(job);",
        "Dataset::write(rows, uri, None).await?;",
        "compact_files(&mut dataset, options, None).await?;",
        "let x = UpdateBuilder::new(dataset);",
        "table.optimize_indices(&options).await?;",
        "table.create_index(&[column], kind).await?;",
    ] {
        assert_eq!(trespasses(&format!("fn a() {{\n{line}\n}}")).len(), 1, "{line}");
    }
    for line in [
        "use crate::storage::lance::Table;",
        "mod lance;",
        "let balance::lance = 1;",
        "// lance::Dataset is not used here",
        "/// As `lance::Dataset`.",
        r#"let text = "Dataset::write \" lance::";"#,
        "let dataset = storage.open(path).await?;",
        "writer.restore(head).await?;",
    ] {
        assert_eq!(trespasses(line), Vec::<String>::new(), "{line}");
    }
    assert_eq!(trespasses("#[cfg(test)]\nmod tests { use lance::Dataset; }"), Vec::<String>::new());
}
