//! The container files: the compose file pleases its schema, hadolint finds no fault, one program gives one image, and the image bridges.
//!
//! The program is a static one, which `cargo xtask test` links, so that nothing but it is in the image.
//!
//! podman runs the image as an orchestrator would: a root folder that cannot be written, no capabilities, no way to more rights. Images and
//! containers lie in a storage of their own, so that nothing of the machine's is touched.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
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
    let programs = bridge.parent().expect("it lies in a folder");
    ask_python(&installed, "containers/compose.py", &[programs]).await.must_be_good();
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

/// A storage of images and containers of its own.
struct Storage {
    folder: TempDir,
}

impl Storage {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder can be made") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let verdict = ask(program, &self.arguments(program, arguments), self.folder.path()).await;
        assert!(verdict.is_good, "{}", verdict.words);
        verdict.words
    }

    fn arguments(&self, program: &str, more: &[&str]) -> Vec<OsString> {
        let (root, run, temporary) = (self.path("storage"), self.path("run"), self.path("temporary"));
        let mut all = vec!["--storage-driver", "vfs", "--root", &root, "--runroot", &run];
        if program == "podman" {
            // crun refuses machines on which both versions of cgroups are in use.
            all.extend(["--tmpdir", &temporary, "--cgroup-manager", "cgroupfs", "--runtime", "runc"]);
        }
        all.iter().chain(more).map(OsString::from).collect()
    }

    /// Lays out the folder for `bridge`, as somebody whose files have this mask.
    async fn lay_out(&self, bridge: &Path, umask: &str) -> Verdict {
        let context = project().join("deploy/container/context");
        let script = format!("umask {umask}; exec \"$0\" \"$1\" root");
        let arguments = [OsStr::new("-c"), OsStr::new(&script), context.as_os_str(), bridge.as_os_str()];
        ask("sh", &arguments, self.folder.path()).await
    }

    /// Builds the image from what was laid out.
    async fn build(&self) {
        let file = project().join("deploy/container/Containerfile").display().to_string();
        let build = ["build", "--isolation", "chroot", "--timestamp", "0", "--tag", "magpie", "--file"];
        self.ask("buildah", &[&build[..], &[&file, "root"]].concat()).await;
    }
}

/// What the image of `bridge` is, in a storage of its own.
async fn image(bridge: &Path, umask: &str) -> Value {
    let storage = Storage::new();
    storage.lay_out(bridge, umask).await.must_be_good();
    storage.build().await;
    let words = storage.ask("buildah", &["inspect", "--type", "image", "magpie"]).await;
    serde_json::from_str(&words).expect("it is JSON")
}

fn digest(image: &Value) -> &str {
    let digest = image["FromImageDigest"].as_str().expect("an image has a digest");
    assert!(digest.starts_with("sha256:"), "{digest}");
    digest
}

#[tokio::test]
async fn real_deploy_image_is_the_same_each_time() {
    let parts = (need(Component::Program("buildah")), need(Component::StaticProgram));
    let (Some(_), Some(bridge)) = parts else { return };
    let (first, second) = (image(&bridge, "022").await, image(&bridge, "077").await);
    assert_eq!(digest(&first), digest(&second));
    let config = &first["OCIv1"]["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/local/bin/magpie"]));
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let other = scratch.path().join("program");
    fs::write(&other, "another program").expect("it can be written");
    assert_ne!(digest(&image(&other, "022").await), digest(&first), "the program is not in the image");
}

#[tokio::test]
async fn deploy_image_is_not_laid_out_for_what_could_not_run_in_it() {
    let storage = Storage::new();
    let verdict = storage.lay_out(&program("magpie-echo").expect("it is built"), "022").await;
    assert!(!verdict.is_good && verdict.words.contains("needs the C library"), "{}", verdict.words);
    assert!(!storage.folder.path().join("root").exists());
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

/// How the book runs an image: its own line, with this test's names and in the foreground. The limits are those that containers have elsewhere; a
/// test run may not ask for more.
fn confined() -> Vec<String> {
    let page = fs::read_to_string(project().join("docs/install.md")).expect("it is there");
    let line = page.lines().find(|line| line.starts_with("podman run ")).expect("the book runs an image");
    let named = line.replace(" --detach ", " --rm --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024 ");
    let named = named.replace(" --name discord ", " --name bridge ");
    let mut words: Vec<String> = named.split_whitespace().skip(1).map(str::to_owned).collect();
    assert_eq!(words.pop().as_deref(), Some("magpie-discord"), "{line}");
    words.push("magpie".to_owned());
    words
}

#[tokio::test]
async fn real_deploy_image_bridges_a_message_with_no_rights() {
    let tools = ["buildah", "podman", "runc"].map(|tool| need(Component::Program(tool)));
    let Some(bridge) = need(Component::StaticProgram).filter(|_| tools.iter().all(Option::is_some)) else {
        return;
    };
    let storage = Storage::new();
    storage.lay_out(&bridge, "022").await.must_be_good();
    storage.build().await;
    let mut stage = Stage::set(cast()).expect("it can be set");
    let fake = FakeHomeserver::start(stage.fake_settings()).await.expect("it starts");
    let mut homeserver = fake.url();
    // A static program finds hosts by their names in its own way.
    homeserver.set_host(Some("localhost")).expect("it is a host");
    stage.set_homeserver(&homeserver);
    write_settings(&stage, &storage.folder.path().join("settings"));
    let confined = confined();
    let confined: Vec<&str> = confined.iter().map(String::as_str).collect();
    let mut running = Command::new("podman")
        .args(storage.arguments("podman", &confined))
        .current_dir(storage.folder.path())
        .stdin(Stdio::null())
        .spawn()
        .expect("it starts");
    let _container = Container(&storage);
    let alice = fake.person("alice");
    let room = fake.wait_until(|fake| fake.room_named("load-0")).await;
    alice.sends(&room, "hello from a container");
    let is_echo = |sender: &str, body: &str| sender.starts_with("@echo_") && body == "hello from a container";
    fake.wait_until(|fake| {
        fake.messages(&room).iter().any(|(sender, body)| is_echo(sender.as_str(), body)).then_some(())
    })
    .await;
    must_answer(&stage.url()).await;
    let id = storage.ask("podman", &["inspect", "--format", "{{.State.Pid}}", "bridge"]).await;
    must_have_no_rights(id.trim());
    // What the book says of a running container.
    let version = storage.ask("podman", &["exec", "bridge", "/usr/local/bin/magpie", "version"]).await;
    assert!(version.contains("magpie-echo "), "{version}");
    storage.ask("podman", &["logs", "bridge"]).await;
    storage.ask("podman", &["stop", "bridge"]).await;
    let ended =
        timeout(STOPPED_WITHIN, running.wait()).await.expect("it ends").expect("it can be waited for");
    assert!(ended.success(), "{ended}");
}

/// An orchestrator asks for both.
async fn must_answer(url: &str) {
    let http = reqwest::Client::builder().no_proxy().build().expect("the client's settings are good");
    for path in ["/live", "/ready"] {
        let answer = http.get(format!("{url}{path}")).send().await.expect("it answers");
        let status = answer.status();
        let words = answer.text().await.expect("it has words");
        assert!(status.is_success(), "{path}: {status} {words}");
    }
}

/// Ends the container when a test fails: nothing that podman starts belongs to the test's own process.
struct Container<'a>(&'a Storage);

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let remove = self.0.arguments("podman", &["rm", "--force", "--ignore", "bridge"]);
        // There is nothing to do about a failure here.
        let _ = std::process::Command::new("podman").args(remove).stdout(Stdio::null()).status();
    }
}

fn must_have_no_rights(id: &str) {
    let text = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let status = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.expect("the system says so").trim()
    };
    assert_eq!(status("Uid"), [NOBODY; 4].join("\t"));
    for capabilities in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(status(capabilities).trim_start_matches('0'), "", "{capabilities}");
    }
    assert_eq!(status("NoNewPrivs"), "1");
    let write = |path: &str| fs::write(format!("/proc/{id}/root/{path}"), "");
    let refused = write("usr/local/bin/other").expect_err("the root folder can be written");
    assert_eq!(refused.kind(), ErrorKind::ReadOnlyFilesystem);
    write("var/lib/magpie/other").expect("its own folder can be written");
    let owner = |path: &str| fs::metadata(format!("/proc/{id}/root/{path}")).expect("it is there").uid();
    assert_eq!(["var", "var/lib", "var/spool"].map(owner), [0; 3], "more than its own folders is its own");
    assert_eq!(["var/lib/magpie", "var/spool/magpie"].map(owner), [65532; 2]);
}
