//! `docs/bad-input.md`: every wrong input with the command and the message it gets, made by running the program.
//!
//! `UPDATE=1 cargo test -p stratigraph-tests --test integration -- bad_input_page` writes the page anew; read what changed as an
//! operator would. A new command gets a section of its own in [`cases`], in the order of the page.

mod cases;

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{CreateOptions, Graph, OpenMode};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{branch, load};
use stratigraph_tests::reader::open;

use cases::{Case, SCHEMA, SECTIONS};

/// How the page names the folder that everything is in.
const DATA: &str = "/data";
const TEAM: &str = "/tmp/omnigraph-fixtures/team";

const HEAD: &str = "# What wrong input is answered

Each message names the thing, what is the matter with it and what to do; the line after it is the exit code, which `stratigraph
help` explains. This page is made by a test that runs every command on it, so it says what the program says.

Nothing of what is refused here is stored. The graph that most examples use:

";

struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a graph with two people, a note and the branches `work` and `work-child`.
    async fn graph(&self, name: &str) -> Result<Graph> {
        let uri = self.path(name).to_string_lossy().into_owned();
        Box::pin(Graph::create(&uri, SCHEMA, &CreateOptions::default())).await?;
        let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
        load(&graph, LoadMode::Append, "main", cases::ROWS).await?;
        Ok(graph)
    }

    async fn new() -> Result<Self> {
        let stage = Self { folder: tempfile::tempdir()? };
        let people = stage.graph("people").await?;
        people.create_branch(&branch("work"), &branch("main")).await?;
        people.create_branch(&branch("child"), &branch("work")).await?;
        fs::write(stage.path("people.pg"), SCHEMA)?;

        // Graphs in which something is the matter.
        stage.graph("changing").await?;
        let mut manifest = open(&stage.path("changing/__manifest"), None).await?;
        let version = manifest.version().version;
        manifest.create_branch("__schema_apply_lock__", version, None).await?;
        stage.graph("drifted").await?;
        open(&stage.path("drifted/nodes/40d76f1f51639ec0"), None).await?.delete("true").await?;
        stage.graph("newer").await?;
        let mut manifest = open(&stage.path("newer/__manifest"), None).await?;
        manifest.update_schema_metadata([("omnigraph:internal_schema_version", "4")]).await?;
        stage.graph("edited").await?;
        fs::write(stage.path("edited/_schema.pg"), "node Person { name: String @key }\n")?;
        stage.graph("blocked").await?;
        fs::create_dir_all(stage.path("blocked/__recovery"))?;
        fs::write(stage.path("blocked/__recovery/01M7Y249A1EHFH4MJGAECB534F.json"), "{ \"schema_version\": 2,\n")?;
        fs::create_dir_all(stage.path("unfinished"))?;
        fs::write(stage.path("unfinished/_schema.pg"), SCHEMA)?;
        stage.graph("headless").await?;
        for name in ["_schema.pg", "_schema.ir.json", "__schema_state.json"] {
            fs::remove_file(stage.path("headless").join(name))?;
        }
        fs::remove_dir_all(stage.path("headless/_graph_commits.lance"))?;
        stage.damaged().await?;
        stage.crashed("crashed", "01M7Y249A1EHFH4MJGAECB534F")?;
        fs::create_dir_all(stage.path("empty"))?;
        Fixture::Team.path()?;
        Ok(stage)
    }

    /// Graphs of which one file is damaged.
    async fn damaged(&self) -> Result<()> {
        let version = |version: u64| format!("_versions/{:020}.manifest", u64::MAX - version);
        let person = |number| format!("nodes/40d76f1f51639ec0/{}", version(number));
        let cut = self.graph("cut").await?;
        let newest = cut.head_versions().await?[&branch("main")].get();
        let file = self.path("cut/__manifest").join(version(newest));
        let content = fs::read(&file)?;
        fs::write(&file, [&content[..40], &content[content.len() - 16..]].concat())?;
        self.graph("emptied").await?;
        fs::write(self.path("emptied").join(person(2)), "")?;
        self.graph("exchanged").await?;
        fs::copy(self.path("exchanged").join(person(1)), self.path("exchanged").join(person(2)))?;
        let torn = self.graph("torn").await?;
        torn.create_branch(&branch("work"), &branch("main")).await?;
        fs::write(self.path("torn/__manifest/_refs/branches/work.json"), "{\"parentBranch\":")?;
        self.graph("scribbled").await?;
        fs::write(self.path("scribbled/_schema.ir.json"), "{\"nodes\": [")?;
        Ok(())
    }

    /// The reference's killed load, changed into one that has to be rolled back.
    fn crashed(&self, name: &str, id: &str) -> Result<()> {
        folder::copy(&Fixture::LoadCrash.path()?, &self.path(name))?;
        let sidecar = self.path(name).join(format!("__recovery/{id}.json"));
        let text = fs::read_to_string(&sidecar)?.replace("\"post_commit_pin\": 6", "\"post_commit_pin\": 7");
        fs::write(&sidecar, &text)?;
        let other = "01M7Y249A1EHFH4MJGAECB5A4F";
        fs::write(sidecar.with_file_name(format!("{other}.json")), text.replace(id, other))?;
        Ok(())
    }

    /// The part of the page about one case.
    fn answer(&self, case: &Case) -> Result<String> {
        let root = self.folder.path().to_string_lossy().into_owned();
        let mut page = format!("**{}**\n\n```\n", case.what);
        for (name, content) in case.files {
            fs::write(self.path(name), content)?;
            write!(page, "$ cat {DATA}/{name}\n{content}")?;
        }
        let (command, run) = (case.command, case.command.replace("/data/team", TEAM).replace(DATA, &root));
        writeln!(page, "$ stratigraph {command}")?;
        let (code, said) = if case.command.contains("--config") {
            on_a_terminal(&words(&run))?
        } else {
            let output = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
                .args(words(&run))
                .current_dir(&root)
                .env_remove("NO_COLOR")
                .stdin(Stdio::null())
                .output()?;
            ensure!(output.stdout.is_empty(), "{command}: what is refused prints no answer");
            (output.status.code().context("it ended by itself")?, String::from_utf8(output.stderr)?)
        };
        ensure!(code != 0 && code != 1, "{command} ended with {code}: {said}");
        ensure!(!said.contains("panicked") && !said.contains(".rs:"), "{command}: {said}");
        let said = said
            .replace(&root, DATA)
            .replace(root.trim_start_matches('/'), "data")
            .replace(TEAM, "/data/team")
            .replace("stratigraph-under-test", "stratigraph");
        for line in said.lines() {
            writeln!(page, "{}", without_chance(line.trim_end()))?;
        }
        writeln!(page, "exit code {code}\n```\n")?;
        Ok(page)
    }
}

/// The line with the same id and time in each run.
fn without_chance(line: &str) -> String {
    match line.strip_prefix("note: Its head is ").and_then(|rest| rest.split(", ").nth(1)) {
        Some(by) => format!("note: Its head is 7VXZ68, {by}, 2026-05-02 09:14:03Z."),
        None => line.to_owned(),
    }
}

/// Runs the program where it can draw; what it prints before it does.
fn on_a_terminal(arguments: &[String]) -> Result<(i32, String)> {
    let terminal = native_pty_system().openpty(PtySize { rows: 24, cols: 200, ..PtySize::default() })?;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    command.args(arguments);
    let mut child = terminal.slave.spawn_command(command)?;
    drop(terminal.slave);
    let mut reader = terminal.master.try_clone_reader()?;
    let mut said = Vec::new();
    // A terminal whose program has ended gives an error instead of an end.
    drop(reader.read_to_end(&mut said));
    Ok((i32::try_from(child.wait()?.exit_code())?, String::from_utf8(said)?))
}

/// Splits a command as a shell does, as far as the cases need it.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (None, ' ') => words.push(String::new()),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), character) if open == character => quote = None,
            (_, character) => words.last_mut().expect("there is a first one").push(character),
        }
    }
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_wrong_inputs_says_what_the_program_says() -> Result<()> {
    let stage = Stage::new().await?;
    let graphs = [
        "people",
        "changing",
        "drifted",
        "newer",
        "edited",
        "blocked",
        "unfinished",
        "headless",
        "crashed",
        "empty",
        "cut",
        "emptied",
        "exchanged",
        "torn",
        "scribbled",
    ];
    let contents =
        |digest: folder::Digest| digest.into_iter().map(|(path, (content, _))| (path, content)).collect::<Vec<_>>();
    let digests =
        || graphs.iter().map(|name| folder::digest(&stage.path(name)).map(contents)).collect::<Result<Vec<_>>>();
    let before = digests()?;
    let (mut page, mut wrong) = (HEAD.to_owned(), Vec::new());
    write!(page, "```\n$ cat {DATA}/people.pg\n{SCHEMA}$ cat {DATA}/people.jsonl\n{}```\n", cases::ROWS)?;
    for section in SECTIONS {
        write!(page, "\n## {}\n\n", section.title)?;
        for case in section.cases {
            match stage.answer(case) {
                Ok(answer) => page += &answer,
                Err(error) => wrong.push(format!("{}: {error:#}", case.what)),
            }
        }
        page.pop();
    }
    assert_eq!(wrong, Vec::<String>::new());
    for (name, (before, after)) in graphs.iter().zip(before.iter().zip(&digests()?)) {
        ensure!(before == after, "something was written to {name}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bad-input.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page)?;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let different = committed.lines().zip(page.lines()).find(|(committed, made)| committed != made);
    assert_eq!(different, None, "UPDATE=1 writes the page anew");
    assert_eq!(committed.lines().count(), page.lines().count(), "UPDATE=1 writes the page anew");
    Ok(())
}
