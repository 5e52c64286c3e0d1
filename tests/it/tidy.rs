//! The tidy test: the rules of CONTRIBUTING.md that a machine can check, over every source file of the workspace.
//!
//! Each rule is a function from a file to what is wrong with it, and each is shown to fail on a small bad sample, so that a rule
//! which stopped looking is noticed. A rule must never fix anything. Add a rule to the list in [`RULES`].

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use magpie_common::{appservice::registration, config::About, platform::Platform};
use magpie_discord::Discord;
use magpie_telegram::Telegram;
use magpie_tests::example::Example;
use magpie_wechat::WeChat;
use magpie_whatsapp::WhatsApp;

mod danger;
mod layers;
mod size;
mod words;

/// A file of the workspace.
struct File {
    path: String,
    text: String,
}

/// What is wrong, and where.
#[derive(PartialEq, Eq)]
struct Problem {
    path: String,
    words: String,
}

type Rule = fn(&File) -> Vec<Problem>;

const RULES: &[(&str, Rule)] = &[
    ("a file has at most 400 production lines", size::file_cap),
    ("inline unit tests have at most 150 lines", size::inline_tests_cap),
    ("a function has at most 70 lines", size::function_cap),
    ("a file begins with its module doc", size::module_doc_first),
    ("no file is called mod.rs", size::no_mod_rs),
    ("imports in common point downward", layers::downward),
    ("a bridge imports only what bridges may", layers::bridge_imports),
    ("nothing imports a bridge", layers::nothing_imports_a_bridge),
    ("open work names its issue", words::open_work_names_its_issue),
    ("no channel is unbounded", words::channels_are_bounded),
    ("every allow has a reason", words::allow_has_a_reason),
    ("SQL lives in store", words::sql_lives_in_store),
    ("no path of somebody's machine", words::no_private_paths),
    ("what is shipped checks whom it talks to", danger::checks_stay_on),
];

/// The bridges whose registration stands in the repository.
const BRIDGES: [About; 4] = [Discord::ABOUT, Telegram::ABOUT, WeChat::ABOUT, WhatsApp::ABOUT];

const TEXT_FILES: [&str; 8] = ["rs", "md", "toml", "yaml", "yml", "sh", "py", "html"];
const SKIPPED_FOLDERS: [&str; 3] = ["target", "node_modules", "specs"];

impl File {
    fn problem(&self, words: impl Into<String>) -> Problem {
        Problem { path: self.path.clone(), words: words.into() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.words)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file of the workspace, in order of their paths.
fn workspace() -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.iter().any(|file| file.path == "tests/it/tidy.rs"), "the walk does not find this file");
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the workspace can be read") {
        let entry = entry.expect("the workspace can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("an entry has a type");
        if kind.is_dir() && !name.starts_with('.') && !SKIPPED_FOLDERS.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), files);
        }
        let is_text = name.rsplit_once('.').is_some_and(|(_, ending)| TEXT_FILES.contains(&ending));
        if kind.is_file() && is_text {
            let text = fs::read_to_string(entry.path()).expect("a text file holds text");
            files.push(File { path, text });
        }
    }
}

/// The text without its top-level test items, other lines kept in place.
fn production(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        for line in lines.by_ref() {
            // An item at the top level ends with a brace in the first column, or on its first line.
            if line.starts_with('}') || (line.ends_with(';') && !line.starts_with([' ', '#'])) {
                break;
            }
        }
    }
    out
}

/// Lines that are neither blank nor a comment, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    text.lines().enumerate().map(|(nth, line)| (nth + 1, line)).filter(move |(_, line)| is_code(line))
}

#[test]
fn the_workspace_is_tidy() {
    let files = workspace();
    let mut found = Vec::new();
    for (name, rule) in RULES {
        for problem in files.iter().flat_map(rule) {
            found.push(format!("{name}\n    {problem:?}"));
        }
    }
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
}

#[test]
fn rooms_are_those_of_the_architecture() {
    let entries = fs::read_dir(root().join("common/src")).expect("common has sources");
    let names =
        entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned());
    let rooms: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "lib")
        .collect();
    assert_eq!(layers::room_problems(&rooms, &read("ARCHITECTURE.md")), Vec::<String>::new());
}

#[test]
fn registrations_regenerate_unchanged() {
    // Set to write the files anew after a change on purpose.
    if std::env::var_os("MAGPIE_TEST_WRITE").is_some() {
        for about in &BRIDGES {
            let path = root().join(format!("registrations/{}.yaml", about.id));
            fs::write(path, registration::example(about)).expect("the folder is there");
        }
    }
    let there = |id: &str| fs::read_to_string(root().join(format!("registrations/{id}.yaml"))).ok();
    assert_eq!(registration_problems(&BRIDGES, there), Vec::<String>::new());
    let example = [Example::ABOUT];
    assert_eq!(
        registration_problems(&example, |_| Some(registration::example(&Example::ABOUT))),
        Vec::<String>::new()
    );
    assert_eq!(registration_problems(&example, |_| None).len(), 1);
    assert_eq!(registration_problems(&example, |_| Some("id: other".to_owned())).len(), 1);
}

/// What differs between `registrations/` and what the bridges write.
fn registration_problems(bridges: &[About], there: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let stale =
        bridges.iter().filter(|about| there(about.id).as_deref() != Some(&registration::example(about)));
    stale
        .map(|about| format!("registrations/{}.yaml is not what `{}` writes", about.id, about.program()))
        .collect()
}

#[test]
fn registrations_never_claim_each_others_names() {
    assert_eq!(shared_names(&BRIDGES), Vec::<String>::new());
    let changes: [fn(&mut About); 5] = [
        |about| about.id = Discord::ABOUT.id,
        |about| about.bot = Discord::ABOUT.bot,
        |about| about.ghost_prefix = "discord_2_",
        |about| about.bot = "discord_bot",
        |about| about.default_port = Discord::ABOUT.default_port,
    ];
    for change in changes {
        let mut other = Example::ABOUT;
        change(&mut other);
        assert_eq!(shared_names(&[Discord::ABOUT, other]).len(), 1, "{other:?}");
    }
    for about in &BRIDGES {
        let text = registration::example(about);
        let regexes: Vec<&str> =
            text.lines().filter_map(|line| line.split_once("regex: ")).map(|it| it.1).collect();
        assert_eq!(regexes.len(), 3, "{text}");
        for regex in regexes {
            let is_anchored = regex.starts_with("'^") && regex.ends_with(r"example\.org$' }");
            assert!(is_anchored, "{regex} also fits longer names, or another server's");
        }
    }
}

/// What two of these bridges would both take for their own. Namespaces end in `.*`, so one must not begin like another.
fn shared_names(bridges: &[About]) -> Vec<String> {
    let mut found = Vec::new();
    for one in bridges {
        for other in bridges.iter().filter(|other| *other != one) {
            let is_shared = one.ghost_prefix.starts_with(other.ghost_prefix)
                || one.bot.starts_with(other.ghost_prefix)
                // What is the same for both is told once.
                || (one.name < other.name
                    && (one.id == other.id || one.bot == other.bot || one.default_port == other.default_port));
            if is_shared {
                found.push(format!("{} and {} share a name or a port", one.program(), other.program()));
            }
        }
    }
    found
}

#[test]
fn both_licenses_are_here() {
    assert_eq!(words::license_problems(&read("LICENSE-MIT"), &read("LICENSE-APACHE")), Vec::<String>::new());
    assert_ne!(words::license_problems("", &read("LICENSE-APACHE")), Vec::<String>::new());
    assert_ne!(words::license_problems(&read("LICENSE-MIT"), "Apache"), Vec::<String>::new());
    assert!(read("Cargo.toml").contains("license = \"MIT OR Apache-2.0\""));
}

/// Shows that `rule` finds something in a bad file and nothing in a good one.
#[track_caller]
fn check(rule: Rule, path: &str, bad: &str, good: &str) {
    let problems = |text: &str| rule(&File { path: path.to_owned(), text: text.to_owned() });
    assert_ne!(problems(bad), [], "the rule does not see the bad sample");
    assert_eq!(problems(good), [], "the rule sees what is not there");
}

#[test]
fn test_items_are_no_production() {
    let text =
        "one\n#[cfg(test)]\nmod tests;\ntwo\n#[cfg(test)]\nmod more {\n    fn f() {\n    }\n}\nthree\n";
    assert_eq!(production(text), "one\ntwo\nthree\n");
    let text =
        "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\n#[cfg(test)]\nconst A: B = B {\n    c: 1,\n};\nfour\n";
    assert_eq!(production(text), "four\n");
}
