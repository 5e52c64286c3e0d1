//! Every command of the book is run by a test: most of them here, word for word, in the order in which somebody meets them who sets a first
//! bridge up. What no test can run says why.
//!
//! A command is a line of a block, or words in the middle of a sentence that begin with the name of a program. The table knows each by all of
//! its words, so that a new one fails until somebody runs it.

use std::{collections::BTreeSet, env, fs, net::SocketAddr, process::Stdio, time::Duration};

use anyhow::Context;
use magpie_common::testkit::fake_homeserver::{FakeHomeserver, FakeRegistration, FakeSettings};
use magpie_tests::{
    discord::{DiscordSim, World},
    harness::{
        bridge::program,
        ports::free_port,
        service::{Service, Signal},
        tools::{Component, need, project},
    },
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{command, pages, parts, sources};

const INIT: &str = "magpie-discord init";
const RUN: &str = "magpie-discord run";

/// How long a bridge may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the book's words in angle brackets stand for.
const HOMESERVER: &str = "<homeserver.url>";

const UNIT_FILES: Proof = Proof::Test("the_files_of_a_unit_go_where_the_book_says");
const DRILL: Proof = Proof::Test("real_postgres_restore_drill_keeps");
const IMAGE: Proof = Proof::Test("real_deploy_image_bridges_a_message_with_no_rights");
const CURL: Proof = Proof::Test("the_pages_own_requests_sign_somebody_in");
const NO_SYSTEMD: Proof = Proof::None("no systemd runs in the tests; its analyzer reads the unit");
const NO_PULLING: Proof =
    Proof::None("it fetches images from elsewhere; the files are judged by their own readers");
const NO_CLUSTER: Proof =
    Proof::None("no cluster runs in the tests; Helm's engine installs the chart into one that remembers");

/// The commands of the book. Those that are run here stand in the order in which that is done.
const RUN_BY: [(&str, Proof); 44] = [
    ("magpie-discord --help", Proof::Here),
    ("magpie-discord version", Proof::Here),
    (INIT, Proof::Here),
    ("magpie-discord check-config", Proof::Here),
    ("magpie-discord registration", Proof::Here),
    ("curl <homeserver.url>/_matrix/client/versions", Proof::Here),
    ("magpie-discord doctor", Proof::Here),
    ("magpie-discord --config /etc/magpie/discord/config.yaml doctor", Proof::Here),
    (RUN, Proof::Here),
    ("magpie-discord --config config.yaml export discord.export", Proof::Here),
    ("magpie-discord registration --double-puppets", Proof::Here),
    ("magpie-discord registration --rotate", Proof::Here),
    ("magpie-discord --config config.yaml import discord.export", DRILL),
    ("magpie-discord --config sqlite.yaml export move.export", DRILL),
    ("magpie-discord --config postgres.yaml import move.export", DRILL),
    ("magpie-discord --config postgres.yaml export check.export", DRILL),
    ("cmp move.export check.export", DRILL),
    (
        "magpie-discord init --homeserver-url http://synapse:8008 --server-name example.org --admin @alice:example.org",
        Proof::Test("real_deploy_compose_file_runs_what_the_book_prepares"),
    ),
    ("install -m 0755 target/dist/magpie-discord /usr/local/bin/", UNIT_FILES),
    ("install -d -m 0700 /etc/magpie/discord", UNIT_FILES),
    ("install -m 0600 config.yaml registration.yaml /etc/magpie/discord/", UNIT_FILES),
    ("install -m 0644 deploy/systemd/magpie@.service /etc/systemd/system/", UNIT_FILES),
    ("chown --reference=/var/lib/magpie/discord /var/lib/magpie/discord/magpie.db", UNIT_FILES),
    ("systemctl enable --now magpie@discord", Proof::Test("real_systemctl_enables_the_unit_of_the_book")),
    ("systemctl daemon-reload", NO_SYSTEMD),
    ("systemctl edit magpie@discord", NO_SYSTEMD),
    ("systemctl restart magpie@discord", NO_SYSTEMD),
    ("systemctl status magpie@discord", NO_SYSTEMD),
    ("journalctl --unit magpie@discord", NO_SYSTEMD),
    (
        "cargo rustc --locked --profile dist --package magpie-discord --bin magpie-discord -- -C target-feature=+crt-static",
        Proof::None(
            "building for shipping takes minutes; the tests link a static program with the same option",
        ),
    ),
    ("deploy/container/context target/dist/magpie-discord image", IMAGE),
    ("buildah build --timestamp 0 --file deploy/container/Containerfile --tag magpie-discord image", IMAGE),
    (PODMAN_RUN, IMAGE),
    ("podman exec discord /usr/local/bin/magpie doctor", IMAGE),
    ("podman logs discord", IMAGE),
    ("podman rm --force discord", IMAGE),
    (
        "docker build --file deploy/container/Dockerfile --build-arg BRIDGE=discord --tag magpie-discord .",
        NO_PULLING,
    ),
    ("docker compose --file deploy/compose.yaml up --detach", NO_PULLING),
    ("docker compose --file deploy/compose.yaml up --detach --build", NO_PULLING),
    ("docker compose ps", NO_PULLING),
    ("kubectl get pods -l app.kubernetes.io/component=discord", NO_CLUSTER),
    ("curl -H \"$secret\" \"$base/login/flows?$me\"", CURL),
    ("curl -H \"$secret\" -X POST \"$base/login/start/token?$me\"", CURL),
    ("curl -H \"$secret\" -X POST -d '{\"token\": \"…\"}' \"$base/login/q3…/1?$me\"", CURL),
];

/// What is for the people who build the program.
const BUILD_BY: [(&str, Proof); 5] = [
    (
        "cargo build --locked --profile dist -p magpie-discord",
        Proof::None("it takes many minutes; the same package is built for these tests by another profile"),
    ),
    ("cargo install rust-silk", Proof::None("it fetches and builds the program of somebody else")),
    ("cargo xtask features", Proof::Test("the_page_regenerates_unchanged")),
    ("cargo xtask bench", Proof::Test("bench_smoke_everything_is_answered_once_and_in_order")),
    (
        "cargo xtask idle",
        Proof::None("it builds for many minutes; what it starts are the programs of these tests"),
    ),
];

/// How the book runs an image. The test of the image takes the line from the page.
const PODMAN_RUN: &str = "podman run --detach --name discord --read-only --cap-drop all --security-opt no-new-privileges --network host \
     --volume discord:/var/lib/magpie --volume ./settings:/etc/magpie/config:ro magpie-discord";

/// What a command in the middle of a sentence begins with.
const PROGRAMS: [&str; 28] = [
    "magpie-discord",
    "magpie-telegram",
    "magpie-wechat",
    "magpie-whatsapp",
    "apt-get",
    "buildah",
    "cargo",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "curl",
    "docker",
    "helm",
    "install",
    "journalctl",
    "kill",
    "kubectl",
    "mdbook",
    "openssl",
    "pg_dump",
    "pg_restore",
    "podman",
    "psql",
    "sh",
    "sqlite3",
    "sudo",
    "systemctl",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// The story below.
    Here,
    /// A test elsewhere.
    Test(&'static str),
    /// No test, and why.
    None(&'static str),
}

fn table() -> impl Iterator<Item = (&'static str, Proof)> {
    RUN_BY.into_iter().chain(BUILD_BY)
}

/// The commands of a page. What is said of one bridge is said of any, so they are all called by one name.
fn commands(text: &str) -> Vec<String> {
    let (lines, words) = parts(text);
    let is_call = |words: &&str| {
        let (program, arguments) = words.split_once(' ').unwrap_or_default();
        PROGRAMS.contains(&program) && !arguments.is_empty()
    };
    let inline = words.split('`').skip(1).step_by(2).filter(is_call);
    let any_bridge = |line: &str| {
        ["telegram", "wechat", "whatsapp"]
            .iter()
            .fold(line.to_owned(), |line, name| line.replace(&format!("magpie-{name} "), "magpie-discord "))
    };
    lines.into_iter().filter_map(command).chain(inline).map(any_bridge).collect()
}

#[test]
fn every_command_of_the_book_is_run_by_a_test() {
    let tests = sources(&project().join("tests/it"));
    let mut used = BTreeSet::new();
    for page in pages() {
        for called in commands(&page.text) {
            let known = table().find(|(line, _)| *line == called);
            let (line, _) = known.unwrap_or_else(|| panic!("{}: nobody runs `{called}`", page.path));
            used.insert(line);
        }
    }
    for (line, proof) in table() {
        assert!(used.contains(line), "the book has no `{line}` any more");
        match proof {
            Proof::Here => {}
            Proof::Test(name) => assert!(tests.contains(&format!("fn {name}")), "there is no test {name}"),
            Proof::None(why) => assert!(why.len() > 20, "say why nobody runs `{line}`"),
        }
    }
    let excused = table().filter(|(_, proof)| matches!(proof, Proof::None(_))).count();
    assert!(excused <= 14, "{excused} commands are run by nobody: let a test run them");
}

#[test]
fn a_command_is_found_wherever_it_stands() {
    let text = "Say `magpie-telegram doctor` or `helm/magpie`.\n```\nX=1 magpie-discord init --yes\n```\n```sh\ncurl x\n```\n\
        ```yaml\nmagpie-discord: no\n```\nThe level `install` and `login cloud` are none.";
    assert_eq!(commands(text), ["magpie-discord init --yes", "curl x", "magpie-discord doctor"]);
}

/// Nothing hides in a block of a language that nobody reads.
#[test]
fn every_block_of_the_book_is_of_a_known_language() {
    for page in pages() {
        let fences = page.text.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
        for language in fences.step_by(2) {
            let is_known = ["", "sh", "json", "rust", "rust,example", "text", "yaml"].contains(&language);
            assert!(is_known, "{}: a block of `{language}`", page.path);
        }
    }
}

/// Somebody who sets a first bridge up.
struct Operator {
    folder: TempDir,
    listen: SocketAddr,
    environment: Vec<(String, String)>,
    homeserver: String,
}

impl Operator {
    fn new(discord: &DiscordSim) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("magpie-first-").tempdir()?;
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let programs =
            program("magpie-discord")?.parent().context("it lies in a folder")?.display().to_string();
        let path = env::var("PATH").unwrap_or_default();
        // Where things are in the tests; all else is as it is for everybody.
        let environment = [
            ("PATH", format!("{programs}:{path}")),
            ("no_proxy", "127.0.0.1".to_owned()),
            ("MAGPIE_APPSERVICE__LISTEN", listen.to_string()),
            ("MAGPIE_DISCORD_API_URL", discord.origin()),
            ("MAGPIE_DISCORD_CDN_URL", discord.cdn_url().to_string()),
            ("MAGPIE_DISCORD_GATEWAY_HOSTS", "127.0.0.1".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Self { folder, listen, environment, homeserver: String::new() })
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).kill_on_drop(true);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The line in a shell; it must go well.
    async fn calls(&self, line: &str) -> anyhow::Result<()> {
        let here = line.replace(HOMESERVER, &self.homeserver).replace("/etc/magpie/discord/", "");
        let output = self.command("sh", &["-c", &here]).stdin(Stdio::null()).output().await?;
        let words =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
        assert!(output.status.success(), "`{line}` ends with {}:\n{words}", output.status);
        Ok(())
    }

    /// The line at a terminal, where the program asks.
    async fn answers(&self, line: &str, answers: &str) -> anyhow::Result<()> {
        let mut terminal = self.command("script", &["-qefc", line, "/dev/null"]);
        let mut asked =
            terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut keys = asked.stdin.take().context("it has one")?;
        keys.write_all(answers.as_bytes()).await?;
        drop(keys);
        let output = asked.wait_with_output().await?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && words.contains("Wrote "), "`{line}`:\n{words}");
        Ok(())
    }

    /// A homeserver that has read the registration.
    async fn tells_the_homeserver(&mut self) -> anyhow::Result<FakeHomeserver> {
        let text = fs::read_to_string(self.folder.path().join("registration.yaml"))?;
        let token = |key: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
            found.map(|token| token.trim_matches('"').to_owned()).with_context(|| format!("no {key}"))
        };
        let mut settings = FakeSettings::with_bridge("@discord_", "discordbot");
        settings.registrations = vec![FakeRegistration {
            id: "discord".to_owned(),
            as_token: token("as_token")?,
            hs_token: token("hs_token")?,
            sender_localpart: "discordbot".to_owned(),
            user_prefix: "@discord_".to_owned(),
            url: Some(format!("http://{}", self.listen)),
        }];
        let fake = FakeHomeserver::start(settings).await?;
        self.homeserver = fake.url().as_str().trim_end_matches('/').to_owned();
        self.environment.push(("MAGPIE_HOMESERVER__URL".to_owned(), self.homeserver.clone()));
        Ok(fake)
    }

    /// Starts the bridge, waits until it is ready, and ends it as Ctrl-C does.
    async fn runs(&self, line: &str) -> anyhow::Result<()> {
        let command = self.command("sh", &["-c", &format!("exec {line}")]);
        let mut bridge = Service::spawn("the first bridge", command, &self.folder.path().join("first.log"))?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let ready = format!("http://{}/ready", self.listen);
        bridge
            .until(PATIENCE, async || http.get(&ready).send().await.is_ok_and(|it| it.status().is_success()))
            .await?;
        assert!(bridge.stop(Signal::Interrupt).await?.success(), "{}", bridge.log());
        Ok(())
    }
}

#[tokio::test]
async fn real_first_bridge_is_set_up_by_the_commands_of_the_book() -> anyhow::Result<()> {
    for tool in ["script", "curl"] {
        let Some(_) = need(Component::Program(tool)) else { return Ok(()) };
    }
    let discord = DiscordSim::start(World::small().0).await?;
    let mut operator = Operator::new(&discord)?;
    let mut homeserver = None;
    let here = table().filter(|(_, proof)| *proof == Proof::Here).map(|(line, _)| line);
    for line in here {
        match line {
            INIT => {
                let answers =
                    format!("http://127.0.0.1:8008\nexample.org\n@alice:example.org\n{}\n", discord.token());
                operator.answers(line, &answers).await?;
                homeserver = Some(operator.tells_the_homeserver().await?);
            }
            RUN => operator.runs(line).await?,
            _ => operator.calls(line).await?,
        }
    }
    assert!(homeserver.is_some(), "the table has no `{INIT}` any more");
    for file in ["config.yaml", "registration.yaml", "discord.export", "double-puppets.yaml"] {
        assert!(operator.folder.path().join(file).exists(), "{file} was not written");
    }
    Ok(())
}

#[tokio::test]
async fn real_systemctl_enables_the_unit_of_the_book() {
    let Some(systemctl) = need(Component::Program("systemctl")) else { return };
    let machine = tempfile::tempdir().expect("a folder can be made");
    let units = machine.path().join("etc/systemd/system");
    fs::create_dir_all(&units).expect("it can be made");
    fs::copy(project().join("deploy/systemd/magpie@.service"), units.join("magpie@.service"))
        .expect("it is there");
    let line = "systemctl enable --now magpie@discord";
    assert!(table().any(|(known, _)| known == line));
    // Only a running system could start it at once.
    let words = line.split_whitespace().skip(1).filter(|word| *word != "--now");
    let status = Command::new(systemctl)
        .arg(format!("--root={}", machine.path().display()))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    assert!(status.expect("it starts").success());
    let link = units.join("multi-user.target.wants/magpie@discord.service");
    assert!(link.symlink_metadata().is_ok(), "the bridge does not start with the machine");
}
