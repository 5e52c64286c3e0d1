//! What is wrong with a configuration, collected and then shown all at once.
//!
//! Never shows a secret: every line of the file goes through `mask`. Next: `tree`, which knows the places.

use std::{error::Error, fmt};

use super::{
    Secret,
    mask::{mask, mask_after},
    tree::{Document, Place},
};

/// No report is longer than this; who has more mistakes has one mistake.
pub(super) const PROBLEMS_MAX: usize = 50;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(super) place: Place,
    /// What is wrong, in words that fit after a colon.
    pub what: String,
    /// What is allowed, or what to do.
    pub help: String,
}

/// Collects mistakes while a configuration is checked.
///
/// Mistakes in a value that was already found to be unreadable are dropped, so that nothing is reported twice.
#[derive(Debug)]
pub struct Problems {
    document: Document,
    section: &'static str,
    found: Vec<Problem>,
}

/// Everything that is wrong with a configuration. Its [`fmt::Display`] is made for a terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    file: String,
    text: String,
    problems: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(document: Document) -> Self {
        Self { document, section: "", found: Vec::new() }
    }

    /// Reports that the value of `key` is wrong. The key belongs to the section that is being checked; keys of groups inside it
    /// are reached by dots, entries of lists by their number from 0: `guilds.0`.
    pub fn add(&mut self, key: &str, what: impl Into<String>, help: impl Into<String>) {
        let path: Vec<&str> =
            self.section.split('.').chain(key.split('.')).filter(|s| !s.is_empty()).collect();
        if let Some(place) = self.document.place(&path) {
            self.push(Problem { place, what: what.into(), help: help.into() });
        }
    }

    /// Reports that `key` is missing, or empty.
    pub fn add_missing(&mut self, key: &str, help: impl Into<String>) {
        let name = format!("{}.{key}", self.section);
        self.add(key, format!("`{}` is missing", name.trim_start_matches('.')), help);
    }

    /// Reports a secret that is missing or only a placeholder. `help` says where the real one is found.
    pub fn check_secret(&mut self, key: &str, secret: &Secret, help: &str) {
        if secret.is_empty() {
            self.add_missing(key, help);
        } else if secret.is_placeholder() {
            self.add(key, format!("`{key}` is still a placeholder"), help);
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The section to which the following keys belong.
    pub(crate) fn enter(&mut self, section: &'static str) {
        self.section = section;
    }

    /// Reports that the key `key` itself is wrong, in the group `group` of the section. The key may have dots in it.
    pub(super) fn add_key(&mut self, group: &str, key: &str, what: String, help: &str) {
        if let Some(place) = self.document.key_place(&[self.section, group, key]) {
            self.push(Problem { place, what, help: help.to_owned() });
        }
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if !self.is_full() && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= PROBLEMS_MAX
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    pub(crate) fn into_report(mut self) -> Report {
        self.found.sort_by(|a, b| a.place.cmp(&b.place));
        Report { file: self.document.name, text: self.document.text, problems: self.found }
    }
}

impl Report {
    /// A report about a file that could not even be read.
    pub(crate) fn of_file(file: String, what: String, help: String) -> Self {
        Self { file, text: String::new(), problems: vec![Problem { place: Place::File, what, help }] }
    }

    pub(super) fn of_text(file: String, text: String, problem: Problem) -> Self {
        Self { file, text, problems: vec![problem] }
    }

    /// The mistakes, in the order of the file, those of variables last.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn write_problem(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &problem.place {
            Place::File => writeln!(f, "{}: {}", self.file, problem.what)?,
            Place::Variable(name) => writeln!(f, "{name} (environment): {}", problem.what)?,
            Place::Text { line, column, length, is_unknown } => {
                writeln!(f, "{}:{line}:{column}: {}", self.file, problem.what)?;
                let source = self.text.lines().nth(line - 1).unwrap_or_default();
                let shown = if *is_unknown { mask_after(source, column - 1 + length) } else { mask(source) };
                let room = shown.chars().count().saturating_sub(column - 1);
                writeln!(f, "{}", format!("{line:5} | {shown}").trim_end())?;
                writeln!(
                    f,
                    "      | {}{}",
                    " ".repeat(column - 1),
                    "^".repeat((*length).clamp(1, room.max(1)))
                )?;
            }
        }
        if problem.help.is_empty() { Ok(()) } else { writeln!(f, "      help: {}", problem.help) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            self.write_problem(problem, f)?;
            writeln!(f)?;
        }
        match self.problems.len() {
            1 => write!(f, "1 problem in the configuration."),
            PROBLEMS_MAX.. => write!(f, "{PROBLEMS_MAX} problems in the configuration; there may be more."),
            count => write!(f, "{count} problems in the configuration."),
        }
    }
}

/// The text of the file stays out, because there are secrets in it.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("file", &self.file)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl Error for Report {}
