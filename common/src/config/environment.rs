//! Settings from `MAGPIE_…` environment variables, laid over the file.
//!
//! - `MAGPIE_<SECTION>__<KEY>` sets a key of the file, with two underscores between the levels: `MAGPIE_DATABASE__URL`.
//! - `MAGPIE_<BRIDGE>_<KEY>` sets a key of the platform's own section: `MAGPIE_DISCORD_TOKEN`.
//! - Either with `_FILE` at its end names a file that holds the value; one line end at its end does not count.
//!
//! A variable that looks like ours and sets nothing is a mistake. The variables of other bridges and those of the project's own
//! tests are left alone. Never reads the process's environment by itself except in [`Environment::of_process`].

use std::{collections::BTreeMap, fmt, fs};

use super::{
    about::About,
    file::SECTIONS,
    nearest::nearest,
    problems::{Problem, Problems},
    tree::Place,
};

const PREFIX: &str = "MAGPIE_";

/// Names that belong to the command line and to the project's own tests.
const RESERVED: [&str; 5] =
    ["MAGPIE_CONFIG", "MAGPIE_QUICK", "MAGPIE_SKIPPED", "MAGPIE_SPECS", "MAGPIE_TOOLS"];
const RESERVED_PREFIXES: [&str; 3] = ["MAGPIE_TEST_", "MAGPIE_KILL_", "MAGPIE_FAULT_"];

/// Environment variables by name. Their values never print.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process that start with `MAGPIE_`. Values that are not UTF-8 are kept with replacement characters,
    /// which no setting accepts.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self(variables.collect())
    }

    /// The value of one variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// What a variable's name means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Sets(Vec<String>),
    NotOurs,
    Unknown(String),
}

/// Lays every variable that is ours over the document, and reports those that look like ours and are not.
pub(super) fn overlay(problems: &mut Problems, about: &About, environment: &Environment) {
    for (name, value) in environment.0.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let place = Place::Variable(name.clone());
        let stem = name.strip_suffix("_FILE");
        let path = match meaning(stem.unwrap_or(name), about) {
            Meaning::Sets(path) => path,
            Meaning::NotOurs => continue,
            Meaning::Unknown(help) => {
                problems.push(Problem { place, what: "no setting has this name".to_owned(), help });
                continue;
            }
        };
        if stem.is_some_and(|stem| environment.0.contains_key(stem)) {
            let what = "the variable without `_FILE` is set as well".to_owned();
            problems.push(Problem { place, what, help: "Keep one of the two.".to_owned() });
            continue;
        }
        let value = if stem.is_some() { read_value(value) } else { Ok(value.clone()) };
        match value {
            Ok(value) => problems.document_mut().set(&path, &place, value),
            Err(what) => {
                let help = "It must name a readable text file that holds nothing but the value.".to_owned();
                problems.push(Problem { place, what, help });
                problems.document_mut().set_dropped(&path, &Place::Variable(name.clone()));
            }
        }
    }
}

fn read_value(path: &str) -> Result<String, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("the file `{path}` cannot be read: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn meaning(name: &str, about: &About) -> Meaning {
    if RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Meaning::NotOurs;
    }
    let rest = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    if let Some(key) = rest.strip_prefix(&format!("{}_", about.id)).filter(|key| !key.starts_with('_')) {
        return Meaning::Sets(path_of("platform", key));
    }
    if let Some((section, key)) = rest.split_once("__") {
        if SECTIONS.contains(&section) && !key.is_empty() {
            return Meaning::Sets(path_of(section, key));
        }
        // `MAGPIE_TELEGRAM_PROXY__URL` belongs to another bridge; `MAGPIE_DATABSE__URL` to nobody.
        if section.contains('_') && nearest(first_word(section), words(about)).is_none() {
            return Meaning::NotOurs;
        }
        if section == about.id {
            return Meaning::Unknown(format!("Did you mean `{}`?", about.variable(key)));
        }
        let guess = nearest(section, SECTIONS.iter().copied());
        return Meaning::Unknown(match guess {
            Some(guess) => format!("Did you mean `{}`?", variable(guess, key)),
            None => format!("The names start with: {}.", starts(about)),
        });
    }
    let Some((word, key)) = rest.split_once('_') else {
        return Meaning::Unknown(format!("The names start with: {}.", starts(about)));
    };
    let meant = words(about).find(|known| *known == word || (word.len() >= 3 && known.starts_with(word)));
    match meant.or_else(|| nearest(word, words(about))) {
        Some(guess) if guess == about.id => {
            Meaning::Unknown(format!("Did you mean `{}`?", about.variable(key)))
        }
        Some(guess) => Meaning::Unknown(format!("Did you mean `{}`?", variable(guess, key))),
        None => Meaning::NotOurs,
    }
}

fn path_of(section: &str, key: &str) -> Vec<String> {
    std::iter::once(section).chain(key.split("__")).map(str::to_owned).collect()
}

fn words(about: &About) -> impl Iterator<Item = &'static str> {
    SECTIONS.into_iter().chain([about.id])
}

fn first_word(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}__{key}").to_uppercase()
}

fn starts(about: &About) -> String {
    let mut starts: Vec<String> = SECTIONS.iter().map(|section| variable(section, "")).collect();
    starts.push(about.variable(""));
    starts.join(", ")
}
