//! The Dockerfile, as far as it can be judged without the images that it begins with, which come from a registry: all that it names is there,
//! and its image is run in the same way as the one that the tests build.

use std::{fs, path::Path};

use magpie_tests::harness::tools::project;

const PATH: &str = "deploy/container/Dockerfile";
const OTHER: &str = "deploy/container/Containerfile";

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions of a container file, each on one line.
fn instructions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let words = joined.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|line| !line.is_empty()).collect()
}

/// What stands behind each instruction of this name.
fn all<'a>(instructions: &'a [String], name: &str) -> Vec<&'a str> {
    instructions.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect()
}

/// The names of the folders with bridges.
fn bridges() -> Vec<String> {
    let folders = fs::read_dir(project().join("bridges")).expect("it is there");
    folders.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
}

/// What the file names and nobody has.
fn faults(text: &str) -> Vec<String> {
    let file = instructions(text);
    let (manifest, other) = (read("Cargo.toml"), instructions(&read(OTHER)));
    let runs = all(&file, "RUN").join("\n");
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let rust = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let rust = rust.expect("the workspace names its compiler").trim_matches('"');
    // The program is built with the C library of what it runs on.
    let debian =
        all(&file, "FROM").last().and_then(|base| base.strip_prefix("debian:")?.strip_suffix("-slim"));
    let debian = debian.unwrap_or("no Debian");
    must(all(&file, "FROM")[0] == format!("rust:{rust}-slim-{debian} AS build"), "the compiler");
    must(
        runs.contains("--profile dist ") && runs.contains("\"target/dist/magpie-${BRIDGE}\""),
        "where the program is",
    );
    must(manifest.contains("\n[profile.dist]\n"), "the profile");
    must(runs.contains("--package \"magpie-${BRIDGE}\""), "the package");
    for bridge in bridges() {
        let package = read(&format!("bridges/{bridge}/Cargo.toml"));
        must(package.contains(&format!("\nname = \"magpie-{bridge}\"\n")), &bridge);
    }
    let default = all(&file, "ARG").first().and_then(|argument| argument.strip_prefix("BRIDGE="));
    must(default.is_some_and(|name| bridges().iter().any(|bridge| bridge == name)), "the bridge");
    for copied in all(&file, "COPY").iter().filter(|copied| copied.starts_with("--from=build ")) {
        let source = copied.split(' ').rev().nth(1).expect("it copies something").trim_end_matches('/');
        let is_made = runs.split_whitespace().any(|word| Path::new(word).starts_with(source));
        must(is_made, source);
    }
    // The first one writes AMR with the second alone.
    must(runs.contains(" ffmpeg libavcodec-extra "), "the codecs");
    for name in ["ENV", "USER", "EXPOSE", "ENTRYPOINT", "CMD"] {
        must(!all(&file, name).is_empty() && all(&file, name) == all(&other, name), name);
    }
    faults
}

#[test]
fn deploy_dockerfile_names_what_is_there() {
    let text = read(PATH);
    assert_eq!(faults(&text), [""; 0]);
    for (good, bad) in [
        ("rust:", "rust:1.1-"),
        ("debian:bookworm", "debian:sid"),
        ("--profile dist", "--profile fast"),
        ("\"target/dist/", "\"target/release/"),
        ("=discord", "=pigeon"),
        ("--package \"magpie-", "--package \"pigeon-"),
        ("/out/var/lib/magpie/ ", "/out/var/lib/pigeon/ "),
        (" libavcodec-extra", ""),
        ("USER 65532:65532", "USER 0:0"),
        ("CMD [\"run\"]", ""),
    ] {
        assert!(text.contains(good), "{good}");
        assert_ne!(faults(&text.replace(good, bad)), [""; 0], "{bad} is not seen");
    }
}
