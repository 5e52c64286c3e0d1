//! The operator at the command line.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde::Deserialize;
use tempfile::TempDir;

use super::*;
use crate::config::{Problems, Question, Secret, about::DISCORD};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Platform {
    token: Secret,
}

impl PlatformConfig for Platform {
    const TEMPLATE: &'static str = "# The bot's token.\ntoken: CHANGE_ME\n";
    const QUESTIONS: &'static [Question] = &[Question { key: "token", words: "Bot token" }];

    fn check(&self, problems: &mut Problems) {
        problems.check_secret("token", &self.token, "Copy it from the developer portal.");
    }
}

struct Nothing;

impl Online<Platform> for Nothing {
    fn run(&self, config: Config<Platform>) -> ExitCode {
        assert_eq!(config.platform.token.expose(), "abc.def");
        ExitCode::Locked
    }

    fn doctor(&self, _: Config<Platform>) -> ExitCode {
        ExitCode::Runtime
    }

    fn carry(&self, _: Config<Platform>, carry: Carry) -> ExitCode {
        assert_eq!(carry, Carry::Export("state".into()));
        ExitCode::Database
    }
}

/// What came of a command line: exit code, output, complaints.
fn play(
    folder: &Path,
    arguments: &[&str],
    typed: Option<&str>,
    variables: &[(&str, &str)],
) -> (ExitCode, String, String) {
    let config = folder.join("config.yaml");
    let start = ["magpie-discord", "--config", config.to_str().unwrap()];
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut world = World {
        arguments: start.iter().chain(arguments).map(OsString::from).collect(),
        environment: variables.iter().copied().collect(),
        clock: Clock::fixed(0, 1),
        input: &mut typed.unwrap_or_default().as_bytes(),
        is_interactive: typed.is_some(),
        output: &mut output,
        errors: &mut errors,
    };
    let code = main::<Platform>(&DISCORD, &mut world, &Nothing);
    (code, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
}

const FLAGS: [&str; 6] = ["init", "--yes", "--server-name", "example.org", "--admin", "@alice:example.org"];

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn init_by_flags_writes_files_that_check_config_accepts() {
    let folder = folder();
    let (code, output, errors) =
        play(folder.path(), &[&FLAGS[..], &["--set", "token=abc.def"]].concat(), None, &[]);
    assert_eq!((code, errors.as_str()), (ExitCode::Ok, ""));
    assert!(output.contains("app_service_config_files:\n  - /"), "{output}");
    assert!(!output.contains("abc.def"));
    for file in ["config.yaml", "registration.yaml"] {
        assert_eq!(fs::metadata(folder.path().join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        play(folder.path(), &["check-config"], None, &[]),
        (ExitCode::Ok, "ok\n".into(), String::new())
    );
    assert_eq!(play(folder.path(), &[], None, &[]).0, ExitCode::Locked, "run is the default");
    assert_eq!(play(folder.path(), &["doctor"], None, &[]).0, ExitCode::Runtime);
    assert_eq!(play(folder.path(), &["export", "state"], None, &[]).0, ExitCode::Database);
    assert_eq!(play(folder.path(), &["import"], None, &[]).0, ExitCode::Usage);
}

#[test]
fn every_commented_setting_of_the_template_is_a_real_one() {
    let folder = folder();
    play(folder.path(), &[&FLAGS[..], &["--set", "token=abc.def"]].concat(), None, &[]);
    let path = folder.path().join("config.yaml");
    // A comment for people has a space after its sign; a setting that is commented out has none.
    let text = fs::read_to_string(&path).unwrap();
    let is_indent = |indent: &str| !indent.is_empty() && indent.trim().is_empty();
    let switched_on: Vec<String> = text
        .lines()
        .map(|line| match line.split_once('#') {
            Some((indent, rest)) if is_indent(indent) && !rest.starts_with(' ') => format!("{indent}{rest}"),
            _ => line.to_owned(),
        })
        .collect();
    assert!(switched_on.contains(&"  durability: full".to_owned()));
    assert!(switched_on.contains(&r#"    text: "**{name}**: {message}""#.to_owned()));
    fs::write(&path, switched_on.join("\n")).unwrap();
    let (code, _, errors) = play(folder.path(), &["registration"], None, &[]);
    assert_eq!((code, errors.as_str()), (ExitCode::Ok, ""));
}

#[test]
fn init_by_questions_asks_again_after_a_bad_answer() {
    let folder = folder();
    let typed = "\nexample.org\nalice\n@alice:example.org\nabc.def\n";
    let (code, output, errors) = play(folder.path(), &["init"], Some(typed), &[]);
    assert_eq!((code, errors.as_str()), (ExitCode::Ok, ""), "{output}");
    assert!(output.contains("Address of the homeserver [http://127.0.0.1:8008]: "), "{output}");
    assert!(output.contains("`alice` does not fit. Try again."), "{output}");
    assert!(output.contains("Bot token (empty: later): "), "{output}");
    assert_eq!(play(folder.path(), &["check-config"], None, &[]).0, ExitCode::Ok);
}

#[test]
fn init_takes_the_token_from_the_environment_and_keeps_it_out_of_the_file() {
    let folder = folder();
    let token = [("MAGPIE_DISCORD_TOKEN", "abc.def")];
    assert_eq!(play(folder.path(), &FLAGS, None, &token).0, ExitCode::Ok);
    assert!(!fs::read_to_string(folder.path().join("config.yaml")).unwrap().contains("abc.def"));
    assert_eq!(play(folder.path(), &["check-config"], None, &token).0, ExitCode::Ok);
    assert_eq!(play(folder.path(), &["check-config"], None, &[]).0, ExitCode::Config);
}

#[test]
fn init_without_a_token_says_what_is_left_to_do() {
    let folder = folder();
    let (code, output, _) = play(folder.path(), &FLAGS, None, &[]);
    assert_eq!(code, ExitCode::Ok);
    assert!(output.contains("`token` is still a placeholder"), "{output}");
}

#[test]
fn init_overwrites_nothing_unless_forced_and_then_keeps_the_tokens() {
    let folder = folder();
    let flags = [&FLAGS[..], &["--set", "token=abc.def"]].concat();
    play(folder.path(), &flags, None, &[]);
    let registration = fs::read_to_string(folder.path().join("registration.yaml")).unwrap();
    let (code, _, errors) = play(folder.path(), &flags, None, &[]);
    assert_eq!(code, ExitCode::Usage);
    assert!(errors.contains("--force"), "{errors}");
    assert_eq!(play(folder.path(), &[&flags[..], &["--force"]].concat(), None, &[]).0, ExitCode::Ok);
    assert_eq!(fs::read_to_string(folder.path().join("registration.yaml")).unwrap(), registration);
}

#[test]
fn init_refuses_bad_flags_and_writes_nothing() {
    let folder = folder();
    for (arguments, words) in [
        (vec!["init", "--yes"], "--server-name is needed."),
        (vec!["init", "--yes", "--server-name", "a b"], "`a b` does not fit --server-name."),
        (vec!["init", "--yes", "--homeserver-url", "x"], "`x` does not fit --homeserver-url."),
        ([&FLAGS[..], &["--set", "token"]].concat(), "--set takes KEY=VALUE."),
    ] {
        let (code, _, errors) = play(folder.path(), &arguments, None, &[]);
        assert_eq!((code, errors.trim()), (ExitCode::Usage, words));
    }
    let unknown = [&FLAGS[..], &["--set", "token=a", "--set", "colour=b"]].concat();
    assert_eq!(play(folder.path(), &unknown, None, &[]).0, ExitCode::Config);
    assert_eq!(play(folder.path(), &["init"], Some("http://x\n"), &[]).0, ExitCode::Usage, "the input ends");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn registration_keeps_good_tokens_and_replaces_placeholders() {
    let folder = folder();
    play(folder.path(), &[&FLAGS[..], &["--set", "token=abc.def"]].concat(), None, &[]);
    let path = folder.path().join("registration.yaml");
    let before = fs::read_to_string(&path).unwrap();
    let (code, output, _) =
        play(folder.path(), &["registration"], None, &[("MAGPIE_APPSERVICE__BOT", "otherbot")]);
    assert_eq!(code, ExitCode::Ok);
    assert!(output.contains("the tokens it had"), "{output}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("discordbot", "otherbot"));
    fs::write(&path, crate::appservice::registration::example(&DISCORD)).unwrap();
    assert_eq!(play(folder.path(), &["check-config"], None, &[]).0, ExitCode::Config);
    assert!(play(folder.path(), &["registration"], None, &[]).1.contains("new tokens"));
    assert_eq!(play(folder.path(), &["check-config"], None, &[]).0, ExitCode::Ok);
}

#[test]
fn help_and_version_are_answers_and_wrong_usage_is_a_complaint() {
    let folder = folder();
    let (code, output, _) = play(folder.path(), &["--help"], None, &[]);
    assert_eq!(code, ExitCode::Ok);
    assert!(output.contains("Usage: magpie-discord"), "{output}");
    assert!(output.contains("4 another process holds the database"), "{output}");
    let (code, output, _) = play(folder.path(), &["version"], None, &[]);
    assert_eq!((code, output), (ExitCode::Ok, format!("magpie-discord {}\n", env!("CARGO_PKG_VERSION"))));
    let (code, output, errors) = play(folder.path(), &["fly"], None, &[]);
    assert_eq!((code, output.as_str()), (ExitCode::Usage, ""));
    assert!(errors.contains("fly"), "{errors}");
}

#[test]
fn a_missing_configuration_says_how_to_make_one() {
    let folder = folder();
    let (code, _, errors) = play(folder.path(), &["run"], None, &[]);
    assert_eq!(code, ExitCode::Config);
    assert!(errors.contains("`magpie-discord init` makes a new one"), "{errors}");
}

#[test]
fn a_rotation_keeps_the_old_tokens_for_a_while_and_is_not_done_twice() {
    let folder = folder();
    play(folder.path(), &[&FLAGS[..], &["--set", "token=abc.def"]].concat(), None, &[]);
    let path = folder.path().join("registration.yaml");
    let token = |key: &str| {
        let text = fs::read_to_string(&path).unwrap();
        text.lines().find_map(|line| line.strip_prefix(&format!("{key}: "))).map(str::to_owned)
    };
    let old = ["as_token", "hs_token"].map(|key| token(key).unwrap());
    let (code, output, errors) = play(folder.path(), &["registration", "--rotate"], None, &[]);
    assert_eq!((code, errors.as_str()), (ExitCode::Ok, ""));
    assert!(output.contains("Restart the bridge first"), "{output}");
    assert!(!output.contains(old[0].trim_matches('"')));
    assert_eq!(["magpie_previous_as_token", "magpie_previous_hs_token"].map(|key| token(key).unwrap()), old);
    assert_eq!(token("magpie_secrets_key").as_ref(), Some(&old[0]));
    let (code, _, errors) = play(folder.path(), &["registration", "--rotate"], None, &[]);
    assert_eq!(code, ExitCode::Config);
    assert!(errors.contains("24 h 0 min more") && errors.contains("magpie_previous_"), "{errors}");
    assert_eq!(play(folder.path(), &["registration"], None, &[]).0, ExitCode::Ok);
    assert_eq!(token("magpie_previous_hs_token").as_ref(), Some(&old[1]), "writing it anew ends no rotation");
    let text = fs::read_to_string(&path).unwrap();
    let is_over = |line: &str| match line.starts_with("magpie_previous_until_ms") {
        true => "magpie_previous_until_ms: 0\n".to_owned(),
        false => format!("{line}\n"),
    };
    fs::write(&path, text.lines().map(is_over).collect::<String>()).unwrap();
    assert_eq!(play(folder.path(), &["registration"], None, &[]).0, ExitCode::Ok);
    assert_eq!(token("magpie_previous_hs_token"), None, "a rotation that is over leaves nothing but the key");
    assert_eq!(token("magpie_secrets_key").as_ref(), Some(&old[0]));
    assert_eq!(
        play(folder.path(), &["registration", "--rotate", "--double-puppets"], None, &[]).0,
        ExitCode::Usage
    );
}
