//! The book: every page is in it, every link leads somewhere, every command is one that the programs know and a test runs (`commands`), every
//! setting of a network stands on its page.

mod commands;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use magpie_common::config::PlatformConfig;
use magpie_discord::DiscordConfig;
use magpie_telegram::TelegramConfig;
use magpie_tests::harness::{
    bridge::program,
    tools::{Component, need, project},
};
use magpie_wechat::WeChatConfig;
use magpie_whatsapp::WhatsAppConfig;
use tokio::process::Command;

/// A page with its place below `docs/`.
struct Page {
    path: String,
    text: String,
}

fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    collect(&project().join("docs"), "", &mut found);
    found
}

fn collect(folder: &Path, place: &str, found: &mut Vec<Page>) {
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &format!("{place}{name}/"), found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let text = fs::read_to_string(&path).expect("it is text");
            found.push(Page { path: format!("{place}{name}"), text });
        }
    }
}

/// The lines inside fences of no language or of the shell's, and the text around all fences.
fn parts(text: &str) -> (Vec<&str>, String) {
    let (mut commands, mut words) = (Vec::new(), String::new());
    let mut language = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), language) {
            (Some(begun), None) => language = Some(begun.trim()),
            (Some(_), Some(_)) => language = None,
            (None, Some("" | "sh")) => commands.push(line),
            (None, Some(_)) => {}
            (None, None) => {
                words.push_str(line);
                words.push('\n');
            }
        }
    }
    (commands, words)
}

/// A line of a block without the variables that stand before the command; none for a line that is no command.
fn command(line: &str) -> Option<&str> {
    let is_variable = |word: &str| {
        let (name, _) = word.split_once('=').unwrap_or_default();
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let mut rest = line.trim();
    while let Some((word, after)) = rest.split_once(' ').filter(|(word, _)| is_variable(word)) {
        // A quoted value goes on after the space: then the whole line sets a variable.
        if word.contains('\'') || word.contains('"') {
            return None;
        }
        rest = after.trim_start();
    }
    let is_setting = rest.is_empty() || rest.starts_with('[') || is_variable(rest);
    (!is_setting).then_some(rest)
}

/// What stands in parentheses after a `]`, with the words in between.
fn links(words: &str) -> Vec<String> {
    let pieces = words.split("](").skip(1);
    pieces.filter_map(|piece| piece.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// How a heading is spelled in a link.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().chars();
    letters
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

#[test]
fn the_book_lists_every_page_once() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.path == "SUMMARY.md").expect("the book has a summary");
    let mut listed = links(&summary.text);
    listed.sort();
    let mut there: Vec<_> =
        pages.iter().map(|page| page.path.clone()).filter(|path| path != "SUMMARY.md").collect();
    there.sort();
    assert_eq!(listed, there);
    for page in &pages {
        assert!(page.text.starts_with("# "), "{} has no title", page.path);
    }
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    let docs = project().join("docs");
    let mut count = 0;
    for Page { path, text } in pages() {
        let (_, words) = parts(&text);
        for target in links(&words).iter().filter(|target| !target.contains("://")) {
            let (file, part) = target.split_once('#').unwrap_or((target, ""));
            let folder = docs.join(&path).parent().expect("a page lies in a folder").to_owned();
            let file = if file.is_empty() { docs.join(&path) } else { folder.join(file) };
            assert!(file.exists(), "{path}: {target} is not there");
            if !part.is_empty() {
                let text = fs::read_to_string(&file).expect("it is text");
                assert!(anchors(&text).contains(part), "{path}: {target} names no heading");
            }
            count += 1;
        }
    }
    assert!(count > 40, "only {count} links were found");
}

fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else {
            text.push_str(&fs::read_to_string(&path).expect("it is text"));
        }
    }
    text
}

/// The calls of a bridge's program, in blocks and in the middle of sentences.
fn calls(text: &str) -> BTreeSet<String> {
    let (lines, words) = parts(text);
    let inline = words.split('`').skip(1).step_by(2);
    let all = lines.into_iter().filter_map(command).chain(inline);
    let programs = ["magpie-discord ", "magpie-telegram ", "magpie-wechat ", "magpie-whatsapp "];
    let is_call = |text: &&str| programs.iter().any(|program| text.starts_with(program));
    all.filter(is_call).map(str::to_owned).collect()
}

/// The settings that a template of the configuration names.
fn settings(template: &str) -> BTreeSet<&str> {
    let names = template.lines().filter_map(|line| Some(line.trim_start_matches("# ").split_once(": ")?.0));
    let is_setting = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    names.filter(is_setting).collect()
}

#[test]
fn every_setting_of_a_network_stands_on_its_page() {
    let mut count = 0;
    for (network, template) in [
        ("discord", DiscordConfig::TEMPLATE),
        ("telegram", TelegramConfig::TEMPLATE),
        ("wechat", WeChatConfig::TEMPLATE),
        ("whatsapp", WhatsAppConfig::TEMPLATE),
    ] {
        let path = project().join(format!("docs/user/{network}.md"));
        let page = fs::read_to_string(path).expect("every network has a page");
        let settings = settings(template);
        count += settings.len();
        let missing: Vec<_> =
            settings.into_iter().filter(|setting| !page.contains(&format!(" {setting}:"))).collect();
        assert_eq!(missing, [""; 0], "{network}");
    }
    assert!(count > 50, "only {count} settings were found");
}

/// What a text has in every language.
#[derive(Debug, PartialEq, Eq)]
struct Skeleton {
    /// The levels of its headings.
    headings: Vec<usize>,
    /// How many cells each row of its tables has.
    rows: Vec<usize>,
    /// The points of its lists.
    points: usize,
    /// What is written as code in it, in no order.
    codes: Vec<String>,
    /// The lines of its blocks, without what is said about them.
    blocks: Vec<String>,
}

fn skeleton(text: &str) -> Skeleton {
    let (_, words) = parts(text);
    let level = |line: &str| line.chars().take_while(|letter| *letter == '#').count();
    let is_point = |line: &&str| {
        let number = line.split_once(". ").map_or("", |(number, _)| number);
        line.starts_with("- ") || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut codes: Vec<String> = words.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    codes.sort_unstable();
    let inside = text.split("```").skip(1).step_by(2).flat_map(str::lines);
    let bare = |line: &str| line.split(" #").next().unwrap_or_default().trim_end().to_owned();
    Skeleton {
        headings: words.lines().map(level).filter(|level| *level > 1).collect(),
        rows: words
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect(),
        points: words.lines().filter(is_point).count(),
        codes,
        blocks: inside.map(bare).collect(),
    }
}

#[test]
fn both_languages_of_wechats_page_tell_the_same() {
    let page = fs::read_to_string(project().join("docs/user/wechat.md")).expect("it is there");
    let (english, chinese) = page.split_once("\n# 微信\n").expect("it has a Chinese half");
    let (english, chinese) = (skeleton(english), skeleton(chinese));
    assert!(english.rows.len() > 50 && english.codes.len() > 50, "{english:?}");
    assert_eq!(english, chinese);
    let text = "## A\n- `a`\n1. b\n| c | d |\n```yaml\nx: 1  # y\n```\n";
    assert_eq!(skeleton(text), skeleton(&text.replace(" b\n", " 乙\n").replace("# y", "# 丁")));
    for (part, other) in [("##", "###"), ("`a`", "`b`"), ("| d", "d"), ("1. ", ""), ("x: 1", "x: 2")] {
        assert_ne!(skeleton(text), skeleton(&text.replace(part, other)), "{part}");
    }
}

#[tokio::test]
async fn every_call_of_a_program_is_one_that_it_knows() {
    let mut all = BTreeSet::new();
    for page in pages() {
        all.extend(calls(&page.text));
    }
    assert!(all.len() >= 12, "only {all:?} were found");
    for call in &all {
        let words: Vec<&str> = call.split_whitespace().collect();
        let (name, arguments) = words.split_first().expect("a call has a name");
        let ended = ask(program(name).expect("it is built"), arguments, Path::new(".")).await;
        assert!(ended.0, "`{call}`: {}", ended.1);
    }
    let unknown = ask(program("magpie-discord").expect("it is built"), &["exprot"], Path::new(".")).await;
    assert!(!unknown.0, "a word that nobody knows is not seen");
}

/// Lets the program read the arguments and explain itself instead of doing what they say.
async fn ask(program: PathBuf, arguments: &[&str], folder: &Path) -> (bool, String) {
    let arguments = arguments.iter().copied().chain(["--help"]);
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.await.expect("it starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn the_files_of_a_unit_go_where_the_book_says() {
    let page = fs::read_to_string(project().join("docs/install.md")).expect("it is there");
    let (lines, _) = parts(&page);
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let root = scratch.path().display().to_string();
    for folder in
        ["usr/local/bin", "etc/systemd/system", "target/dist", "deploy/systemd", "var/lib/magpie/discord"]
    {
        fs::create_dir_all(scratch.path().join(folder)).expect("it can be made");
    }
    let unit = "deploy/systemd/magpie@.service";
    fs::copy(project().join(unit), scratch.path().join(unit)).expect("it is there");
    for file in ["target/dist/magpie-discord", "config.yaml", "registration.yaml"] {
        fs::write(scratch.path().join(file), file).expect("it can be written");
    }
    let installs: Vec<_> = lines.into_iter().filter(|line| line.starts_with("install ")).collect();
    assert_eq!(installs.len(), 4);
    // After an import as root, by the page about backups.
    fs::write(scratch.path().join("var/lib/magpie/discord/magpie.db"), "").expect("it can be written");
    let given = "chown --reference=/var/lib/magpie/discord /var/lib/magpie/discord/magpie.db";
    for line in installs.into_iter().chain([given]) {
        let moved = line.replace(" /", &format!(" {root}/")).replace("=/", &format!("={root}/"));
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", &moved]).current_dir(scratch.path()).status().await;
        assert!(status.expect("there is a shell").success(), "{line}");
    }
    for file in [
        "usr/local/bin/magpie-discord",
        "etc/magpie/discord/registration.yaml",
        "etc/systemd/system/magpie@.service",
    ] {
        assert!(scratch.path().join(file).exists(), "{file}");
    }
}

#[tokio::test]
async fn real_mdbook_builds_the_book() {
    let Some(installed) = need(Component::Judge("book")) else { return };
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let arguments = [
        OsStr::new("build"),
        project().join("docs").as_os_str(),
        OsStr::new("--dest-dir"),
        scratch.path().as_os_str(),
    ]
    .map(OsStr::to_owned);
    let output =
        Command::new(installed.join("bin/mdbook")).args(arguments).output().await.expect("it starts");
    let words = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
    assert!(output.status.success() && !words.contains("WARN") && !words.contains("ERROR"), "{words}");
    for page in ["backup.html", "runbooks/MagpieDown.html", "user/first-steps.html"] {
        assert!(scratch.path().join(page).exists(), "{page}");
    }
}

#[test]
fn commands_and_links_are_read_as_they_are_meant() {
    let text = "# A\nSee [b](c.md#d) and `magpie-discord doctor`.\n```\nX=1 magpie-discord init --yes\n[Unit]\nA=b\n```\n\
        ```yaml\nnot: this\n```\n```sh\nme='a b'\ncurl x\n```\n";
    let (lines, words) = parts(text);
    assert_eq!(
        lines.into_iter().filter_map(command).collect::<Vec<_>>(),
        ["magpie-discord init --yes", "curl x"]
    );
    assert_eq!(links(&words), ["c.md#d"]);
    assert_eq!(anchor("## What's in it: two_words"), "whats-in-it-two_words");
    let expected = ["magpie-discord doctor", "magpie-discord init --yes"].map(str::to_owned);
    assert_eq!(calls(text), BTreeSet::from(expected));
}
