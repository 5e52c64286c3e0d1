//! The systemd unit: systemd itself finds no fault with it, and the bridge runs with what the unit gives it.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use magpie_tests::harness::{
    bridge::program,
    ports::free_port,
    tools::{Component, need, project},
};
use tempfile::TempDir;
use tokio::{net::UnixDatagram, process::Command, time::timeout};

use super::ask;

const UNIT: &str = "magpie@.service";
const INSTANCE: &str = "magpie@discord.service";

/// The highest exposure that systemd may find, out of 10.
const EXPOSURE_MAX: f32 = 2.0;

/// It answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest message of the protocol is far shorter.
const MESSAGE_BYTES: usize = 4096;

fn unit() -> String {
    fs::read_to_string(project().join("deploy/systemd").join(UNIT)).expect("the unit is there")
}

/// The root of a machine on which the unit is installed by the commands of the book, then changed to `unit`.
async fn machine(unit: &str) -> TempDir {
    let root = tempfile::tempdir().expect("a folder can be made");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    };
    // The targets that it names; any file that may be run stands for the program.
    for target in ["network-online", "multi-user", "basic", "sysinit", "shutdown", "initrd-switch-root"] {
        write(&format!("usr/lib/systemd/system/{target}.target"), "[Unit]\nDescription=A target\n");
    }
    for file in ["config.yaml", "registration.yaml", "target/dist/magpie-discord"] {
        write(file, "");
    }
    for folder in ["usr/local/bin", "etc/systemd/system"] {
        fs::create_dir_all(root.path().join(folder)).expect("the folder can be made");
    }
    for command in installing() {
        let command = command.replace(" deploy/", &format!(" {}/deploy/", project().display()));
        let here = command.replace(" /usr/", " ./usr/").replace(" /etc/", " ./etc/");
        ask("sh", &["-ec", &here].map(OsStr::new), root.path()).await.must_be_good();
    }
    assert!(
        root.path().join("etc/magpie/discord/registration.yaml").exists(),
        "the book installs no registration"
    );
    write(&format!("etc/systemd/system/{UNIT}"), unit);
    root
}

/// The book's commands that install something.
fn installing() -> Vec<String> {
    let book = fs::read_to_string(project().join("docs/install.md")).expect("the book is there");
    let commands: Vec<String> =
        book.lines().filter(|line| line.starts_with("install ")).map(str::to_owned).collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    commands
}

async fn analyze(analyzer: &Path, root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(analyzer);
    command.args(arguments).arg(format!("--root={}", root.display())).arg(INSTANCE).stdin(Stdio::null());
    timeout(PATIENCE, command.output()).await.expect("it ends").expect("it starts")
}

async fn verified(analyzer: &Path, unit: &str) -> String {
    let root = machine(unit).await;
    let output = analyze(analyzer, root.path(), &["verify", "--man=no"]).await;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { words } else { format!("{}\n{words}", output.status) }
}

#[tokio::test]
async fn real_deploy_systemd_verifies_the_unit() {
    let Some(analyzer) = need(Component::Program("systemd-analyze")) else { return };
    assert_eq!(verified(&analyzer, &unit()).await, "");
    for (good, bad) in [
        ("ProtectHome=yes", "ProtectHome=perhaps"),
        ("DynamicUser=yes", "DynamikUser=yes"),
        ("/usr/local/bin/magpie-%i", "/usr/local/bin/magpie-of-nobody"),
    ] {
        assert!(unit().contains(good), "{good}");
        assert_ne!(verified(&analyzer, &unit().replace(good, bad)).await, "", "{bad} is not seen");
    }
}

/// What systemd finds, out of 10.
async fn exposure(analyzer: &Path, unit: &str) -> f32 {
    let root = machine(unit).await;
    let output = analyze(analyzer, root.path(), &["security", "--offline=true", "--no-pager"]).await;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure =
        words.lines().find_map(|line| line.split_once(&format!("for {INSTANCE}: "))).map(|(_, it)| it);
    let figure = figure.and_then(|figure| figure.split_whitespace().next()?.parse().ok());
    figure.unwrap_or_else(|| panic!("no figure in:\n{words}"))
}

#[tokio::test]
async fn real_deploy_systemd_finds_little_exposure() {
    let Some(analyzer) = need(Component::Program("systemd-analyze")) else { return };
    let found = exposure(&analyzer, &unit()).await;
    println!("Exposure: {found}");
    assert!(found <= EXPOSURE_MAX, "{found}");
    assert!(exposure(&analyzer, &unit().replace("CapabilityBoundingSet=\n", "")).await > EXPOSURE_MAX);
}

/// The unit's `Environment=` lines, with systemd's words for the two folders replaced.
fn environment(credentials: &Path, state: &Path) -> HashMap<String, String> {
    let unit = unit();
    let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let resolve = |value: &str| {
        let value = value.replace("%d", &credentials.display().to_string());
        value.replace("%S", &state.display().to_string()).replace("%i", "discord")
    };
    pairs.map(|(name, value)| (name.to_owned(), resolve(value))).collect()
}

/// The credentials of the unit's `LoadCredential=` lines, for a bridge that reaches neither homeserver nor network.
async fn load_credentials(credentials: &Path) {
    let config = format!(
        "homeserver: {{ url: 'http://127.0.0.1:9', server_name: example.org }}\n\
         appservice: {{ listen: '127.0.0.1:{}', registration: ./registration.yaml }}\n\
         bridge: {{ permissions: {{ '@alice:example.org': admin }} }}\n",
        free_port().expect("a port is free")
    );
    let path = credentials.join("config.yaml");
    fs::write(&path, config).expect("it can be written");
    let mut registration = Command::new(program("magpie-discord").expect("it is built"));
    registration.arg("--config").arg(&path).arg("registration").stdin(Stdio::null());
    assert!(registration.output().await.expect("it starts").status.success());
    let names = unit()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("LoadCredential=")?.split_once(':').map(|(name, _)| name.to_owned())
        })
        .collect::<Vec<_>>();
    assert_eq!(names, ["config.yaml", "registration.yaml"], "these are written above");
}

/// The program and the arguments of the unit's `ExecStart=` line.
fn started() -> (PathBuf, Vec<String>) {
    let unit = unit().replace("%i", "discord");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let mut words = line.split(' ').map(str::to_owned);
    let path = PathBuf::from(words.next().expect("a line has a word"));
    let name = path.file_name().and_then(OsStr::to_str).expect("it is a program");
    (program(name).expect("it is built"), words.collect())
}

async fn told(socket: &UnixDatagram) -> String {
    let mut message = [0; MESSAGE_BYTES];
    let count =
        timeout(PATIENCE, socket.recv(&mut message)).await.expect("it speaks").expect("it can be heard");
    String::from_utf8_lossy(&message[..count]).trim().to_owned()
}

#[tokio::test]
async fn real_deploy_systemd_hears_from_the_bridge() {
    if need(Component::Program("sh")).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (credentials, state) = (folder.path().join("credentials"), folder.path().join("state"));
    let own: PathBuf = state.join("magpie/discord");
    fs::create_dir_all(&credentials).expect("it can be made");
    fs::create_dir_all(&own).expect("it can be made");
    load_credentials(&credentials).await;
    let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket can be made");
    // As the service manager does it: the watchdog's process id is that of the program.
    let (path, arguments) = started();
    let mut bridge = Command::new("sh")
        .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" \"$@\""])
        .arg(path)
        .args(arguments)
        .env_clear()
        .env("CREDENTIALS_DIRECTORY", &credentials)
        .envs(environment(&credentials, &state))
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .env("WATCHDOG_USEC", "200000")
        .current_dir(&own)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let heard = [told(&socket).await, told(&socket).await, told(&socket).await];
    assert_eq!(heard, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    assert!(own.join("magpie.db").exists(), "the database is in the state folder");
    let id = bridge.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("it starts").success());
    let mut last = told(&socket).await;
    while last == "WATCHDOG=1" {
        last = told(&socket).await;
    }
    assert_eq!(last, "STOPPING=1");
    let status = timeout(PATIENCE, bridge.wait()).await.expect("it ends").expect("it can be waited for");
    assert_eq!(status.code(), Some(0));
}
