//! The container files: the compose file pleases its schema, hadolint finds no fault, and one program gives one image.

use std::{ffi::OsStr, fs, path::Path};

use magpie_tests::harness::tools::{Component, need, project};
use serde_json::Value;
use tempfile::TempDir;

use super::{Verdict, ask};

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
async fn real_deploy_hadolint_finds_no_fault() {
    let Some(installed) = need(Component::Judge("containers")) else { return };
    let folder = project().join("deploy/container");
    // Versions of Debian's packages go away with the next update, so a pinned one would not build for long.
    for file in ["Dockerfile", "Containerfile"] {
        let arguments = ["--ignore", "DL3008", file].map(OsStr::new);
        ask(installed.join("bin/hadolint"), &arguments, &folder).await.must_be_good();
    }
}

/// A program that needs no libraries: as much of one as the layout looks at.
const STATIC_PROGRAM: &str = "#!/bin/none\n";

async fn lay_out(folder: &Path) {
    let program = folder.join("program");
    fs::write(&program, STATIC_PROGRAM).expect("it can be written");
    let root = folder.join("root");
    let arguments = [program.as_os_str(), root.as_os_str()];
    ask(project().join("deploy/container/context"), &arguments, folder).await.must_be_good();
}

/// Builds the image in a storage of its own and gives what `buildah inspect` says of it.
async fn built(buildah: &Path) -> (TempDir, Value) {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    lay_out(scratch.path()).await;
    let file = project().join("deploy/container/Containerfile");
    let storage = ["--storage-driver", "vfs", "--root", "storage", "--runroot", "run"].map(OsStr::new);
    let mut build = storage.to_vec();
    build.extend(
        ["build", "--isolation", "chroot", "--timestamp", "0", "--tag", "magpie", "--file"].map(OsStr::new),
    );
    build.extend([file.as_os_str(), OsStr::new("root")]);
    ask(buildah, &build, scratch.path()).await.must_be_good();
    let mut inspect = storage.to_vec();
    inspect.extend(["inspect", "--type", "image", "magpie"].map(OsStr::new));
    let said = ask(buildah, &inspect, scratch.path()).await;
    assert!(said.is_good, "{}", said.words);
    let image = serde_json::from_str(&said.words).expect("it is JSON");
    (scratch, image)
}

#[tokio::test]
async fn real_deploy_image_is_the_same_each_time() {
    let Some(buildah) = need(Component::Program("buildah")) else { return };
    let (_first, first) = built(&buildah).await;
    let (_second, second) = built(&buildah).await;
    let digest = &first["FromImageDigest"];
    assert!(digest.as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{digest}");
    assert_eq!(*digest, second["FromImageDigest"]);
    let config = &first["OCIv1"]["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/local/bin/magpie"]));
}

#[tokio::test]
async fn deploy_image_takes_no_program_that_needs_libraries() {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let here = std::env::current_exe().expect("this test is a program");
    let root = scratch.path().join("root");
    let arguments = [here.as_os_str(), root.as_os_str()];
    let verdict = ask(project().join("deploy/container/context"), &arguments, scratch.path()).await;
    assert!(!verdict.is_good && verdict.words.contains("needs libraries"), "{}", verdict.words);
}
