//! Programs that behave as ffmpeg may: well, and in every bad way. Where the true one is installed, it is asked, too.

use std::{fs, io::Write};

use tempfile::TempDir;

use super::*;
use crate::media::{ImageType, measure::Measured, speech::measure};

/// A folder with a program in it.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ffmpeg");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn converter(&self) -> Converter {
        Converter::find(Path::new("ffmpeg"), self.folder.path().as_os_str()).unwrap()
    }

    fn spool(&self) -> Spool {
        Spool::new(self.folder.path().to_owned())
    }

    async fn convert(&self, converter: &Converter, bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
        let mut spooled = converter.speech(file(bytes), &self.spool()).await?;
        let mut converted = Vec::new();
        std::io::Read::read_to_end(&mut spooled.reader().await?, &mut converted).unwrap();
        Ok(converted)
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

fn is_unconvertible<T>(outcome: &Result<T, MediaError>, words: &str) -> bool {
    matches!(outcome, Err(MediaError::Unconvertible(reason)) if reason.contains(words))
}

#[tokio::test]
async fn a_program_that_does_its_work_is_believed() {
    let stage = Stage::with("cat /dev/fd/0; printf ' converted'");
    let converted = stage.convert(&stage.converter(), b"speech").await.unwrap();
    assert_eq!(converted, b"speech converted");
}

#[tokio::test]
async fn a_program_that_fails_leaves_nothing() {
    for (name, script, words) in [
        ("a failure", "printf half; exit 1", "exit status: 1, after 4 bytes"),
        ("a crash", "printf half; kill -SEGV $$", "signal: 11"),
        ("nothing", "exit 0", "after 0 bytes"),
        ("a file that it must not write", "printf x > \"$0.out\"; printf half", "signal"),
        ("too much", "while :; do printf '%01000d' 0; done", "too large"),
    ] {
        let stage = Stage::with(script);
        let outcome = stage.convert(&stage.converter(), b"speech").await;
        let is_other_end = name == "a file that it must not write" && outcome.is_ok();
        assert!(is_unconvertible(&outcome, words) || is_other_end, "{name}: {outcome:?}");
        let written = fs::read(stage.folder.path().join("ffmpeg.out")).unwrap_or_default();
        assert!(written.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_ended() {
    let stage = Stage::with("echo $$; exec sleep 1000");
    let mut converter = stage.converter();
    converter.bounds.time = Duration::from_millis(300);
    let outcome = stage.convert(&converter, b"speech").await;
    assert!(is_unconvertible(&outcome, "too long"), "{outcome:?}");
}

#[tokio::test]
async fn nobody_waits_long_for_their_turn() {
    let stage = Stage::with("exec sleep 1000");
    let mut converter = stage.converter();
    converter.bounds.wait = Duration::from_millis(50);
    let other = converter.clone();
    let outcome = tokio::select! {
        biased;
        other = stage.convert(&other, b"long speech") => other,
        outcome = stage.convert(&converter, b"speech") => outcome,
    };
    assert_eq!(outcome, Err(MediaError::Busy));
}

#[test]
fn what_is_no_program_is_not_found() {
    let stage = Stage::with("exit 0");
    let folder = stage.folder.path();
    let find = |program: &Path| Converter::find(program, folder.as_os_str()).is_some();
    assert!(find(Path::new("ffmpeg")));
    assert!(find(&folder.join("ffmpeg")));
    assert!(!find(Path::new("avconv")));
    assert!(!find(&folder.join("avconv")));
    fs::set_permissions(folder.join("ffmpeg"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!find(Path::new("ffmpeg")));
}

#[tokio::test]
async fn a_program_in_a_relative_folder_is_run() {
    let stage = Stage::with("cat /dev/fd/0");
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let folder = Path::new(&up).join(stage.folder.path().strip_prefix("/").unwrap());
    for (program, search) in [(folder.join("ffmpeg"), Path::new("")), ("ffmpeg".into(), &*folder)] {
        let converter = Converter::find(&program, search.as_os_str()).unwrap();
        assert_eq!(stage.convert(&converter, b"speech").await, Ok(b"speech".to_vec()), "{program:?}");
    }
}

#[tokio::test]
async fn silk_goes_by_a_program_of_its_own() {
    let stage = Stage::with("printf 'ffmpeg '; cat");
    let (folder, spool) = (stage.folder.path(), stage.spool());
    let silk = folder.join("rust-silk");
    fs::write(&silk, "#!/bin/sh\nprintf '%s ' \"$*\"; cat\n").unwrap();
    fs::set_permissions(&silk, fs::Permissions::from_mode(0o755)).unwrap();
    let converter = stage.converter().with_silk(Some(Path::new("rust-silk")), folder.as_os_str());
    let words = async |taken: Result<Spooled, MediaError>| {
        String::from_utf8(taken.unwrap().whole().await.unwrap()).unwrap()
    };
    let read = converter.samples(file(b"speech"), Some(Unplayable::Silk), &spool).await;
    assert_eq!(words(read).await, "decode -i - -o - --sample-rate 24000 --quiet speech");
    let written = converter.spoken(file(b"samples"), Spoken::Silk, &spool).await;
    assert_eq!(words(written).await, "encode -i - -o - --sample-rate 24000 --tencent --quiet samples");
    for form in [Some(Unplayable::Amr), Some(Unplayable::Speex), None] {
        let read = converter.samples(file(b"speech"), form, &spool).await;
        assert_eq!(words(read).await, "ffmpeg speech");
    }
    for form in [Spoken::Opus, Spoken::Amr, Spoken::Mp3] {
        let written = converter.spoken(file(b"samples"), form, &spool).await;
        assert_eq!(words(written).await, "ffmpeg samples");
    }
}

#[tokio::test]
async fn without_its_program_silk_is_not_converted() {
    let stage = Stage::with("cat");
    for converter in [
        stage.converter(),
        stage.converter().with_silk(None, stage.folder.path().as_os_str()),
        stage.converter().with_silk(Some(Path::new("rust-silk")), stage.folder.path().as_os_str()),
    ] {
        let read = converter.samples(file(b"speech"), Some(Unplayable::Silk), &stage.spool()).await;
        assert!(is_unconvertible(&read, "no program for SILK"));
        let written = converter.spoken(file(b"samples"), Spoken::Silk, &stage.spool()).await;
        assert!(is_unconvertible(&written, "no program for SILK"));
    }
}

/// The true program, where it is installed.
fn installed() -> Option<Converter> {
    let found = Converter::find(Path::new("ffmpeg"), &std::env::var_os("PATH")?);
    if found.is_none() {
        println!("ffmpeg is not installed, so it is not asked");
    }
    found
}

/// A second of a tone, as samples.
fn tone() -> Vec<u8> {
    let wave = (0..24_000_u16).map(|nth| (f64::from(nth) * 440.0 * std::f64::consts::TAU / 24_000.0).sin());
    wave.flat_map(|height| ((height * 16_000.0) as i16).to_le_bytes()).collect()
}

#[tokio::test]
async fn real_programs_bring_a_tone_into_every_form_and_back() {
    let (Some(converter), Some(path)) = (installed(), std::env::var_os("PATH")) else { return };
    let converter = converter.with_silk(Some(Path::new("rust-silk")), &path);
    let stage = Stage::with("");
    let spool = stage.spool();
    for form in [Spoken::Opus, Spoken::Mp3, Spoken::Amr, Spoken::Silk] {
        let mut spoken = match converter.spoken(file(&tone()), form, &spool).await {
            Ok(spoken) => spoken,
            // Many programs are built without AMR, and few machines have one for SILK.
            Err(_) if matches!(form, Spoken::Amr | Spoken::Silk) => continue,
            Err(error) => panic!("{form:?}: {error}"),
        };
        let is_unplayable = matches!(form, Spoken::Amr | Spoken::Silk);
        assert_eq!(spoken.unplayable.map(Unplayable::mime), is_unplayable.then_some(form.mime()));
        let reader = spoken.reader().await.unwrap();
        let mut back = converter.samples(reader, spoken.unplayable, &spool).await.unwrap();
        let sound = measure(back.reader().await.unwrap(), back.size_bytes);
        assert!((900..1_200).contains(&sound.duration_ms), "{form:?}: {} ms", sound.duration_ms);
        assert!((300..700).contains(&sound.waveform[32]), "{form:?}: {:?}", sound.waveform);
    }
}

/// Something to convert, made by the true program.
fn made(converter: &Converter, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.mp4");
    let status = std::process::Command::new(&converter.program)
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi"])
        .args(arguments)
        .arg(&out)
        .status();
    assert!(status.unwrap().success());
    fs::read(out).unwrap()
}

#[tokio::test]
async fn real_ffmpeg_makes_opus_of_speech_and_a_picture_of_a_video() {
    let Some(converter) = installed() else { return };
    let stage = Stage::with("");
    let speech = made(&converter, &["-i", "sine=d=2", "-c:a", "aac"]);
    let converted = stage.convert(&converter, &speech).await.unwrap();
    assert!(converted.starts_with(b"OggS") && converted.windows(8).any(|it| it == b"OpusHead"));

    let video = made(&converter, &["-i", "testsrc=d=1:s=1280x720", "-c:v", "mpeg4"]);
    let mut picture = converter.first_picture(file(&video), &stage.spool()).await.unwrap();
    assert_eq!(picture.image, Some(ImageType::Jpeg));
    let measured = ImageType::Jpeg.measure(&mut picture.reader().await.unwrap());
    assert!(matches!(measured, Some(Measured { width: 1280, height: 720, .. })), "{measured:?}");
}

#[tokio::test]
async fn real_ffmpeg_opens_nothing_that_a_file_names() {
    let Some(converter) = installed() else { return };
    let stage = Stage::with("");
    for hostile in [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile /etc/hostname\n",
        "<html>",
    ] {
        let outcome = stage.convert(&converter, hostile.as_bytes()).await;
        assert!(is_unconvertible(&outcome, "the program ended"), "{hostile}: {outcome:?}");
    }
}
