//! Reading and merging settings.

use super::*;

const FILE: &str = r#"
ui = { theme = "dark", motion = "reduced", time = "utc", glyphs = "auto", mouse = true }
history = { branches = ["main", "f*"], fold = false, refresh_seconds = 30 }
keys.history = { "g d" = "history.diff", "ctrl-t" = "none" }
"#;

#[test]
fn the_documented_file_is_understood() {
    let settings = parse(FILE).expect("valid");
    assert_eq!(settings.warnings, []);
    assert_eq!(settings.theme, Some(Palette::Dark));
    assert_eq!(settings.motion, Some(Motion::Reduced));
    assert_eq!(settings.branches, Some(vec!["main".to_owned(), "f*".to_owned()]));
    assert_eq!((settings.fold, settings.refresh_seconds), (Some(false), Some(30)));
    assert_eq!(settings.keys.len(), 2);
    assert_eq!(settings.keys[0].action.as_deref(), Some("history.diff"));
    assert_eq!(settings.keys[1].action, None);
}

#[test]
fn unknown_names_and_values_warn_with_line_and_nearest_match() {
    let text =
        "[ui]\ntehme = \"dark\"\ntime = \"mars\"\nmouse = 3\n[histroy]\nx = 1\n[keys.global]\n\"hyper-q\" = \"quit\"\n";
    let settings = parse(text).expect("valid TOML");
    let warnings: Vec<_> = settings.warnings.iter().map(|warning| (warning.line, warning.text.as_str())).collect();
    assert_eq!(warnings[0], (2, "unknown setting ui.tehme, did you mean ui.theme?"));
    assert_eq!(warnings[1], (3, "ui.time takes utc | local, not \"mars\""));
    assert_eq!(warnings[2], (4, "ui.mouse takes true | false, not a integer"));
    assert_eq!(warnings[3], (5, "unknown section histroy, did you mean history?"));
    assert!(warnings[4].0 == 8 && warnings[4].1.starts_with("unknown key \"hyper-q\""));
    assert_eq!(settings.time, None);
}

#[test]
fn no_toml_is_an_error_with_its_line() {
    assert!(parse("ui = {\n").expect_err("open brace").starts_with("line "));
}

#[test]
fn stronger_layers_win_and_values_know_their_origin() {
    let user = parse("ui = { theme = \"dark\", time = \"local\", mouse = true }").expect("valid");
    let given = parse("ui = { theme = \"light\" }").expect("valid");
    let flags = Flags { no_mouse: true, ..Flags::default() };
    let config = merge(vec![(user, Origin::UserFile), (given, Origin::ConfigFile)], &flags);
    assert_eq!(config.theme, Sourced { value: Palette::Light, origin: Origin::ConfigFile });
    assert_eq!(config.time, Sourced { value: TimeDisplay::Local, origin: Origin::UserFile });
    assert_eq!(config.mouse, Sourced { value: false, origin: Origin::Flag });
    assert_eq!(config.fold, Sourced { value: true, origin: Origin::Default });
    assert_eq!(
        config.listing().iter().map(|(path, ..)| *path).collect::<Vec<_>>(),
        SETTINGS.iter().map(|s| s.path).collect::<Vec<_>>()
    );
}

#[test]
fn typed_settings_need_no_section_and_no_quotes() {
    let mut settings = FileSettings::default();
    assert_eq!(settings.set_typed("time", "local"), Ok("ui.time"));
    assert_eq!(settings.set_typed("history.refresh_seconds", "0"), Ok("history.refresh_seconds"));
    assert_eq!(settings.set_typed("branches", "[\"main\"]"), Ok("history.branches"));
    assert_eq!(settings.refresh_seconds, Some(0));
    assert_eq!(settings.set_typed("tiem", "utc"), Err("unknown setting tiem, did you mean time?".to_owned()));
    assert_eq!(settings.set_typed("time", "x"), Err("ui.time takes utc | local, not x".to_owned()));
}

#[test]
fn rebindings_that_name_no_action_warn() {
    let rows = crate::registry::registry();
    let settings =
        parse("keys.global = { \"ctrl-x\" = \"app.qiut\" }\nkeys.jobs = { \"ctrl-x\" = \"app.quit\" }").expect("valid");
    let warnings = key_warnings(&rows, &settings.keys);
    assert_eq!(warnings[0].text, "unknown action app.qiut, did you mean app.quit?");
    assert_eq!((warnings[1].line, warnings[1].text.as_str()), (2, "app.quit belongs under keys.global"));
}
