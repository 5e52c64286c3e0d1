//! `init`: a few questions, then a configuration and a registration that are ready to use.
//!
//! Overwrites no configuration unless told to, and keeps the tokens of a registration that is there, because the homeserver knows
//! them. Checks what it writes by reading it back as `check-config` would.

use std::{io, path::Path};

use ruma::{ServerName, UserId};
use url::Url;

use super::{
    Environment, ExitCode, InitOptions, World, complain,
    template::{Answers, config_text},
    write_registration,
};
use crate::config::{self, About, Config, PlatformConfig, write_private};

pub(super) fn init<P: PlatformConfig>(
    about: &About,
    path: &Path,
    options: &InitOptions,
    world: &mut World<'_>,
) -> io::Result<ExitCode> {
    if path.exists() && !options.force {
        writeln!(world.errors, "{} is already there. Use --force to overwrite it.", path.display())?;
        return Ok(ExitCode::Usage);
    }
    let answers = match ask_all::<P>(about, options, world)? {
        Ok(answers) => answers,
        Err(words) => {
            writeln!(world.errors, "{words}")?;
            return Ok(ExitCode::Usage);
        }
    };
    let text = config_text::<P>(about, &answers);
    let checked = config::parse::<P>(about, path, &text, &world.environment);
    let is_open = open_questions::<P>(about, &world.environment, &answers).next().is_some();
    if let (Err(report), false) = (&checked, is_open) {
        return complain(world, report);
    }
    if let Err(error) = write_private(path, &text) {
        writeln!(world.errors, "{}: cannot be written: {error}", path.display())?;
        return Ok(ExitCode::Runtime);
    }
    writeln!(world.output, "Wrote {}.", path.display())?;
    match checked {
        Ok(config) => finish(about, world, config),
        Err(report) => {
            writeln!(world.output, "Still to do in it:\n\n{report}\n")?;
            writeln!(
                world.output,
                "Then run `{} registration --config {}`.",
                about.program(),
                path.display()
            )?;
            Ok(ExitCode::Ok)
        }
    }
}

fn finish<P>(about: &About, world: &mut World<'_>, config: Config<P>) -> io::Result<ExitCode> {
    let program = about.program();
    let (path, registration) = (config.path.display().to_string(), config.appservice.registration.clone());
    let code = write_registration(world, config)?;
    if code != ExitCode::Ok {
        return Ok(code);
    }
    let registration = std::path::absolute(&registration).unwrap_or(registration);
    writeln!(
        world.output,
        "\nNext:\n\
         1. Add this to Synapse's homeserver.yaml, let Synapse read the file, and restart it:\n\n\
         app_service_config_files:\n  - {}\n\n\
         2. Test everything:   {program} --config {path} doctor\n\
         3. Start the bridge:  {program} --config {path}",
        registration.display()
    )?;
    Ok(ExitCode::Ok)
}

/// The platform's questions that neither an answer nor a variable has settled.
fn open_questions<'a, P: PlatformConfig>(
    about: &'a About,
    environment: &'a Environment,
    answers: &'a Answers,
) -> impl Iterator<Item = &'static config::Question> + 'a {
    P::QUESTIONS.iter().filter(move |question| {
        let variable = about.variable(question.key);
        let is_set =
            environment.get(&variable).is_some() || environment.get(&format!("{variable}_FILE")).is_some();
        !is_set && !answers.platform.iter().any(|(key, _)| key == question.key)
    })
}

/// All answers, from the flags or from the operator; the inner error is for the operator.
fn ask_all<P: PlatformConfig>(
    about: &About,
    options: &InitOptions,
    world: &mut World<'_>,
) -> io::Result<Result<Answers, String>> {
    let mut answers = Answers::default();
    for setting in &options.settings {
        match setting.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                answers.platform.push((key.to_owned(), value.to_owned()))
            }
            _ => return Ok(Err("--set takes KEY=VALUE.".to_owned())),
        }
    }
    let asks = !options.yes && world.is_interactive;
    let mut common = [
        Field::new("--homeserver-url", "Address of the homeserver", &options.homeserver_url, is_address),
        Field::new(
            "--server-name",
            "Its name, the end of your Matrix id",
            &options.server_name,
            is_server_name,
        ),
        Field::new("--admin", "Your Matrix id (@you:…)", &options.admin, is_user_id),
    ];
    common[0].default = Some("http://127.0.0.1:8008");
    for field in &mut common {
        if let Err(words) = field.settle(asks, world)? {
            return Ok(Err(words));
        }
    }
    let [homeserver_url, server_name, admin] = common.map(|field| field.value.unwrap_or_default());
    (answers.homeserver_url, answers.server_name, answers.admin) = (homeserver_url, server_name, admin);
    if asks {
        let open: Vec<_> = open_questions::<P>(about, &world.environment, &answers).collect();
        for question in open {
            let answer = ask(world, &format!("{} (empty: later)", question.words))?.unwrap_or_default();
            if !answer.is_empty() {
                answers.platform.push((question.key.to_owned(), answer));
            }
        }
    }
    Ok(Ok(answers))
}

/// One of the common questions.
struct Field {
    flag: &'static str,
    words: &'static str,
    value: Option<String>,
    default: Option<&'static str>,
    is_good: fn(&str) -> bool,
}

impl Field {
    fn new(
        flag: &'static str,
        words: &'static str,
        value: &Option<String>,
        is_good: fn(&str) -> bool,
    ) -> Self {
        Self { flag, words, value: value.clone(), default: None, is_good }
    }

    /// Sees to it that there is a good value, by asking until there is.
    fn settle(&mut self, asks: bool, world: &mut World<'_>) -> io::Result<Result<(), String>> {
        loop {
            if let Some(value) = &self.value {
                if (self.is_good)(value) {
                    return Ok(Ok(()));
                }
                if !asks {
                    return Ok(Err(format!("`{value}` does not fit {}.", self.flag)));
                }
                writeln!(world.output, "`{value}` does not fit. Try again.")?;
            } else if !asks {
                let Some(default) = self.default else {
                    return Ok(Err(format!("{} is needed.", self.flag)));
                };
                self.value = Some(default.to_owned());
                continue;
            }
            let default = self.default.map(|default| format!(" [{default}]")).unwrap_or_default();
            let Some(answer) = ask(world, &format!("{}{default}", self.words))? else {
                return Ok(Err("The answers ended too early; nothing was written.".to_owned()));
            };
            let is_default = answer.is_empty() && self.default.is_some();
            self.value = if is_default { self.default.map(str::to_owned) } else { Some(answer) };
        }
    }
}

/// Asks one question; `None` at the end of the input.
fn ask(world: &mut World<'_>, words: &str) -> io::Result<Option<String>> {
    write!(world.output, "{words}: ")?;
    world.output.flush()?;
    let mut line = String::new();
    let length = world.input.read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim().to_owned()))
}

fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn is_server_name(text: &str) -> bool {
    ServerName::parse(text).is_ok()
}

fn is_user_id(text: &str) -> bool {
    text.starts_with('@') && UserId::parse(text).is_ok()
}
