//! Making a branch: what was typed, and the plan that is agreed to.

use stratigraph_engine::{At, BranchName};
use stratigraph_widgets::width::escape;

use super::action::Action;
use super::request::NewBranch;
use crate::action::{Action as Any, Global};
use crate::config::TimeDisplay;
use crate::overlay::{Confirm, Prompt};

/// What to type.
const HINT: &str = "NAME, or NAME from BRANCH, COMMIT, v7 or a time; letters, digits and . - _ /";

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The new name.
    pub(super) name: BranchName,
    /// The position it is to start at; none for the head of the selected branch.
    pub(super) from: Option<String>,
}

/// Reads `name` or `name from POSITION`. Whether they exist is not looked at.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<Asked, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, from) = match words.as_slice() {
        [] => return Err("type a name".to_owned()),
        [name] => (*name, None),
        [_, "from"] => return Err("say where it starts: a branch, a commit, v7 or a time".to_owned()),
        [name, "from", position @ ..] => (*name, Some(position.join(" "))),
        _ => return Err(format!("`{}` is neither NAME nor NAME from POSITION", text.trim())),
    };
    let name: BranchName = name.parse().map_err(|error: stratigraph_engine::id::IdError| error.to_string())?;
    if let Some(position) = &from {
        position.parse::<At>().map_err(|error| error.to_string())?;
    }
    Ok(Asked { name, from })
}

/// Asks for the name, and for another start than the head of the selected branch.
pub(super) fn prompt(selected: &BranchName, text: &str) -> Prompt {
    let title = format!("New branch, from the head of {}", escape(selected.as_str()));
    Prompt::new(title, text, |text| Any::Branches(Action::Create(text)))
        .hint(HINT)
        .check(|text| parse(text).map(|_| ()))
}

/// Asks whether to make it: the plan as text.
pub(super) fn question(new: &NewBranch, time: TimeDisplay) -> Confirm {
    let name = escape(new.name.as_str()).into_owned();
    let commit = &new.start.commit;
    let parent = escape(commit.branch.as_str());
    let place = match &new.head_of {
        Some(head_of) => format!("the head of {}", escape(head_of.as_str())),
        None => format!("which is not the head of {parent}"),
    };
    let mut plan = vec![
        format!("It starts at commit {}, {place}: {}.", new.start.short_id, new.start.made_by(time)),
        "It has the tables as they are there. None is copied, and no commit is made.".to_owned(),
    ];
    let forked_from = new.head_of.as_ref().unwrap_or(&commit.branch);
    if !forked_from.is_main() {
        plan.push(format!("While it exists, {} cannot be deleted.", escape(forked_from.as_str())));
    }
    let now = Any::Branches(Action::CreateNow(new.clone()));
    Confirm::new(format!("Make branch {name}?"), plan, "Make it", Any::Global(Global::ToWrite(Box::new(now))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, from: Option<&str>) -> Asked {
        Asked { name: name.parse().expect("valid"), from: from.map(str::to_owned) }
    }

    #[test]
    fn a_name_and_a_start_are_read() {
        assert_eq!(parse(" work "), Ok(asked("work", None)));
        assert_eq!(parse("a/b  from  main"), Ok(asked("a/b", Some("main"))));
        assert_eq!(parse("from from from"), Ok(asked("from", Some("from"))));
        assert_eq!(parse("w from 2026-05-02 09:14:03"), Ok(asked("w", Some("2026-05-02 09:14:03"))));
        let wrong = |text: &str| parse(text).expect_err("it is wrong");
        assert_eq!(wrong("  "), "type a name");
        assert!(wrong("a b").contains("neither NAME nor NAME from POSITION"));
        assert!(wrong("a from").starts_with("say where it starts"));
        assert!(wrong("a//b").contains("single slashes"), "{}", wrong("a//b"));
        assert!(wrong("a~b").contains("only letters"));
        assert!(wrong("a from main@").contains("main@"), "{}", wrong("a from main@"));
    }
}
