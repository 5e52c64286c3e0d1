//! The container files: the compose file pleases its schema, hadolint finds no fault, one program gives one image, and the image bridges.
//!
//! buildah's chroot isolation needs no more rights than a test run has. It gives the image its own root folder and user, and takes away the
//! capabilities; it knows no read-only root.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    harness::{
        bridge::program,
        tools::{Component, need, project},
    },
    stage::{Cast, Stage},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

use super::{Verdict, ask, ask_python};

/// What a bridge has for its end, and a bit.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The user of the images.
const NOBODY: &str = "65532";

const COMPOSE: &str = "deploy/compose.yaml";

async fn compose_schema(installed: &Path, file: &Path) -> Verdict {
    let arguments = ["--builtin-schema", "vendor.compose-spec"].map(OsStr::new);
    let program = installed.join("bin/check-jsonschema");
    ask(program, &[arguments[0], arguments[1], file.as_os_str()], &project()).await
}

#[tokio::test]
async fn real_deploy_compose_file_pleases_its_schema() {
    let Some(installed) = need(Component::Judge("containers")) else { return };
    let path = project().join(COMPOSE);
    compose_schema(&installed, &path).await.must_be_good();
    let text = fs::read_to_string(path).expect("it is there");
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let bad = scratch.path().join("compose.yaml");
    fs::write(&bad, text.replace("read_only:", "readonly:")).expect("it can be written");
    assert!(!compose_schema(&installed, &bad).await.is_good, "a word that nobody knows is not seen");
}

#[tokio::test]
async fn real_deploy_compose_file_runs_what_the_book_prepares() {
    let Some(installed) = need(Component::Judge("containers")) else { return };
    let bridge = program("magpie-discord").expect("it is built");
    ask_python(&installed, "containers/compose.py", &[&bridge]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_hadolint_finds_no_fault() {
    let Some(installed) = need(Component::Judge("containers")) else { return };
    let folder = project().join("deploy/container");
    // Versions of Debian's packages go away with the next update, so a pinned one would not build for long.
    for file in ["Dockerfile", "Containerfile"] {
        let arguments = ["--ignore", "DL3008", file].map(OsStr::new);
        ask(installed.join("bin/hadolint"), &arguments, &folder).await.must_be_good();
    }
}

/// A storage of images of its own.
struct Buildah {
    program: PathBuf,
    folder: TempDir,
}

impl Buildah {
    fn new(program: PathBuf) -> Self {
        Self { program, folder: tempfile::tempdir().expect("a folder can be made") }
    }

    fn arguments(&self, more: &[&str]) -> Vec<OsString> {
        let storage = ["--storage-driver", "vfs", "--root", "storage", "--runroot", "run"];
        storage.iter().chain(more).map(OsString::from).collect()
    }

    async fn ask(&self, more: &[&str]) -> String {
        let arguments = self.arguments(more);
        let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
        let verdict = ask(&self.program, &arguments, self.folder.path()).await;
        assert!(verdict.is_good, "{}", verdict.words);
        verdict.words
    }

    /// Lays out the folder for `bridge` and builds the image from it.
    async fn build(&self, bridge: &Path) {
        let context = project().join("deploy/container/context");
        ask(context, &[bridge.as_os_str(), OsStr::new("root")], self.folder.path()).await.must_be_good();
        let file = project().join("deploy/container/Containerfile").display().to_string();
        let build = ["build", "--isolation", "chroot", "--timestamp", "0", "--tag", "magpie", "--file"];
        self.ask(&[&build[..], &[&file, "root"]].concat()).await;
    }
}

/// What the image is, in a storage of its own.
async fn image(program: &Path) -> Value {
    let buildah = Buildah::new(program.to_owned());
    let bridge = buildah.folder.path().join("program");
    fs::write(&bridge, "any program").expect("it can be written");
    buildah.build(&bridge).await;
    serde_json::from_str(&buildah.ask(&["inspect", "--type", "image", "magpie"]).await).expect("it is JSON")
}

#[tokio::test]
async fn real_deploy_image_is_the_same_each_time() {
    let Some(buildah) = need(Component::Program("buildah")) else { return };
    let (first, second) = (image(&buildah).await, image(&buildah).await);
    let digest = &first["FromImageDigest"];
    assert!(digest.as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{digest}");
    assert_eq!(*digest, second["FromImageDigest"]);
    let config = &first["OCIv1"]["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/local/bin/magpie"]));
}

fn cast() -> Cast {
    Cast {
        id: "echo",
        server_name: "example.org".to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "full",
        admin: "@alice:example.org".to_owned(),
        platform: "answer_in: same\nannounce_chats: 1\n".to_owned(),
        environment: Vec::new(),
    }
}

/// Writes the stage's files to where the image reads them; the database goes where the image may write.
fn write_settings(stage: &Stage, folder: &Path) {
    let own = stage.folder().display().to_string();
    let registration = stage.registration().display().to_string();
    let text =
        stage.config_text().replace(&registration, "./registration.yaml").replace(&own, "/var/lib/magpie");
    fs::create_dir(folder).expect("it can be made");
    fs::write(folder.join("config.yaml"), text).expect("it can be written");
    fs::copy(stage.registration(), folder.join("registration.yaml")).expect("it can be copied");
    // The user of the image is neither us nor of our group.
    for (path, mode) in [("config.yaml", 0o644), ("registration.yaml", 0o644), (".", 0o755)] {
        fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).expect("it is ours");
    }
}

#[tokio::test]
async fn real_deploy_image_bridges_a_message_as_nobody() {
    let Some(installed) = need(Component::Program("buildah")) else { return };
    let buildah = Buildah::new(installed);
    let small = buildah.folder.path().join("program");
    let bridge = program("magpie-echo").expect("it is built");
    // Without what only a debugger reads, which is most of it.
    let strip = [OsStr::new("-o"), small.as_os_str(), bridge.as_os_str()];
    ask("strip", &strip, buildah.folder.path()).await.must_be_good();
    buildah.build(&small).await;
    let mut stage = Stage::set(cast()).expect("it can be set");
    let fake = FakeHomeserver::start(stage.fake_settings()).await.expect("it starts");
    stage.set_homeserver(&fake.url());
    let settings = buildah.folder.path().join("settings");
    write_settings(&stage, &settings);
    let container = buildah.ask(&["from", "--pull-never", "magpie"]).await;
    let volume = format!("{}:/etc/magpie/config:ro", settings.display());
    let run = ["run", "--isolation", "chroot", "--network", "host", "--cap-drop", "all", "--volume", &volume];
    let mut running = Command::new(&buildah.program)
        .args(buildah.arguments(&run))
        .args([container.trim(), "/usr/local/bin/magpie", "run"])
        .current_dir(buildah.folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let alice = fake.person("alice");
    let room = fake.wait_until(|fake| fake.room_named("load-0")).await;
    alice.sends(&room, "hello from a container");
    let is_echo = |sender: &str, body: &str| sender.starts_with("@echo_") && body == "hello from a container";
    fake.wait_until(|fake| {
        fake.messages(&room).iter().any(|(sender, body)| is_echo(sender.as_str(), body)).then_some(())
    })
    .await;
    let bridge = within(running.id().expect("it runs"));
    assert_eq!(status(bridge, "Uid"), [NOBODY; 4].join("\t"));
    assert_eq!(status(bridge, "CapEff").trim_start_matches('0'), "", "it has capabilities");
    let id = bridge.to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("it starts").success());
    let ended =
        timeout(STOPPED_WITHIN, running.wait()).await.expect("it ends").expect("it can be waited for");
    assert!(ended.success(), "{ended}");
}

/// What the system says of a process.
fn status(id: u32, key: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.expect("the system says so").trim().to_owned()
}

/// The bridge among the processes that come from `ancestor`.
fn within(ancestor: u32) -> u32 {
    let all = fs::read_dir("/proc").expect("there are processes");
    let ids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_bridge =
        |id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name == "magpie\n");
    let mut bridges = ids.filter(is_bridge).filter(|id| {
        let mut id = *id;
        while id > 1 && id != ancestor {
            id = status(id, "PPid").parse().expect("it is a number");
        }
        id == ancestor
    });
    bridges.next().expect("the bridge runs")
}
