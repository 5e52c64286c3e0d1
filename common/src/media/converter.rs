//! The optional `ffmpeg`, and beside it a program for SILK: a child that is told what to do, and bounded in what it may take.
//!
//! What holds whatever it does are the bounds of the system: time, processor and memory, no file that grows, a cap on what comes out, and the
//! end of the child when nobody waits for it any more. That it opens no network and no file that a file names are its own options, which hold
//! as long as it obeys them. It is no sandbox: a fault in ffmpeg that lets a file take it over gives that file the rights of the bridge's
//! user. Who wants more confines the whole bridge (`docs/operate.md`). Without ffmpeg every caller has another way.
//!
//! SILK, which ffmpeg does not know, is left to a program that takes the arguments of `rust-silk`. All its decoders are Skype's in C: as a
//! library a fault in it would end the bridge, and the same message would end it again after each start.

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    process::{Child, Command},
    sync::Semaphore,
};
use tokio_util::io::ReaderStream;

use super::{
    MediaError,
    pace::Pace,
    speech::{Spoken, Unplayable},
    spool::{Cap, Spool, Spooled},
};
use crate::platform::{Download, PlatformError};

/// What one conversion may take.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Until its turn comes. Whoever waits holds a file on disk, and often a place that other files wait for.
    wait: Duration,
    time: Duration,
    processor_seconds: u32,
    /// Address space, of which a small part is ever used.
    memory_kibibytes: u32,
}

const BOUNDS: Bounds = Bounds {
    wait: Duration::from_secs(10),
    time: Duration::from_secs(60),
    processor_seconds: 60,
    memory_kibibytes: 1024 * 1024,
};

/// What comes out at most.
const OUTPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// What ffmpeg is told first: to open no other protocol, and no format that names other files.
const ALONE: [&str; 12] = [
    "-nostdin",
    "-hide_banner",
    "-loglevel",
    "quiet",
    "-threads",
    "1",
    "-filter_threads",
    "1",
    "-protocol_whitelist",
    "file,pipe",
    "-format_whitelist",
    "mov,matroska,ogg,mp3,aac,wav,flac,amr,caf,avi,s16le",
];

/// The file that it reads: its standard input, opened anew, as a pipe could not be searched for the index at its end.
const FILE: [&str; 4] = ["-i", "/dev/fd/0", "-map_metadata", "-1"];

/// The same for samples, which do not say what they are.
const FILE_OF_SAMPLES: [&str; 10] =
    ["-f", "s16le", "-ar", "24000", "-ac", "1", "-i", "/dev/fd/0", "-map_metadata", "-1"];

/// Opus in Ogg, as spoken messages are on most networks; half an hour at most.
const OPUS: [&str; 15] = [
    "-map", "0:a:0", "-c:a", "libopus", "-b:a", "32k", "-ac", "1", "-ar", "48000", "-t", "1800", "-f", "ogg",
    "pipe:1",
];

/// AMR, which phones take for speech. Not every ffmpeg can write it.
const AMR: [&str; 13] = [
    "-map",
    "0:a:0",
    "-c:a",
    "libopencore_amrnb",
    "-b:a",
    "12.2k",
    "-ac",
    "1",
    "-ar",
    "8000",
    "-f",
    "amr",
    "pipe:1",
];

/// MP3. Its index would be written last and at the front, which a pipe does not let it.
const MP3: [&str; 15] = [
    "-map",
    "0:a:0",
    "-c:a",
    "libmp3lame",
    "-b:a",
    "48k",
    "-ac",
    "1",
    "-ar",
    "24000",
    "-write_xing",
    "0",
    "-f",
    "mp3",
    "pipe:1",
];

/// Samples, of which more than [`OUTPUT_BYTES_MAX`] are no speech any more: eleven minutes.
const SAMPLES: [&str; 11] =
    ["-map", "0:a:0", "-c:a", "pcm_s16le", "-ac", "1", "-ar", "24000", "-f", "s16le", "pipe:1"];

/// The first picture of a video, as it is shown.
const FIRST_PICTURE: [&str; 12] =
    ["-map", "0:v:0", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", "-f", "image2pipe", "-an", "pipe:1"];

/// From SILK to samples. What is broken is not made up.
const FROM_SILK: [&str; 8] = ["decode", "-i", "-", "-o", "-", "--sample-rate", "24000", "--quiet"];

/// From samples to SILK as WeChat has it.
const TO_SILK: [&str; 9] = ["encode", "-i", "-", "-o", "-", "--sample-rate", "24000", "--tencent", "--quiet"];

/// Converts, one file at a time. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Converter {
    program: PathBuf,
    /// The program for SILK.
    silk: Option<PathBuf>,
    bounds: Bounds,
    /// A second one would want the processor just the same.
    place: Arc<Semaphore>,
}

impl Converter {
    /// Looks for the program: a path is taken as it is, a mere name is looked for in the folders of `search`, a `PATH`. One line in the log
    /// where there is none.
    pub fn find(program: &Path, search: &OsStr) -> Option<Self> {
        let found = find(program, search);
        if found.is_none() {
            tracing::info!(
                program = %program.display(),
                "No ffmpeg is there: voice messages of another type go out as audio files, and videos have no small picture."
            );
        }
        found.map(|program| Self { program, silk: None, bounds: BOUNDS, place: Arc::new(Semaphore::new(1)) })
    }

    /// Looks for a program for SILK in the same way. Where there is none, such speech stays as it is; only some networks have it.
    #[must_use]
    pub fn with_silk(self, program: Option<&Path>, search: &OsStr) -> Self {
        Self { silk: program.and_then(|program| find(program, search)), ..self }
    }

    /// Speech as Opus in Ogg.
    pub(super) async fn speech(&self, file: File, spool: &Spool) -> Result<Spooled, MediaError> {
        self.ffmpeg(file, &[&FILE, &OPUS], spool).await
    }

    /// Speech as samples. What its first bytes say of it decides by which program.
    pub(super) async fn samples(
        &self,
        file: File,
        form: Option<Unplayable>,
        spool: &Spool,
    ) -> Result<Spooled, MediaError> {
        match form {
            Some(Unplayable::Silk) => self.run(file, self.silk()?, &[&FROM_SILK], spool).await,
            Some(Unplayable::Amr | Unplayable::Speex) | None => {
                self.ffmpeg(file, &[&FILE, &SAMPLES], spool).await
            }
        }
    }

    /// Samples as speech.
    pub(super) async fn spoken(
        &self,
        samples: File,
        form: Spoken,
        spool: &Spool,
    ) -> Result<Spooled, MediaError> {
        let output: &[&str] = match form {
            Spoken::Opus => &OPUS,
            Spoken::Amr => &AMR,
            Spoken::Mp3 => &MP3,
            Spoken::Silk => return self.run(samples, self.silk()?, &[&TO_SILK], spool).await,
        };
        self.ffmpeg(samples, &[&FILE_OF_SAMPLES, output], spool).await
    }

    /// The first picture of a video, as a JPEG.
    pub(super) async fn first_picture(&self, file: File, spool: &Spool) -> Result<Spooled, MediaError> {
        self.ffmpeg(file, &[&FILE, &FIRST_PICTURE], spool).await
    }

    fn silk(&self) -> Result<&Path, MediaError> {
        self.silk.as_deref().ok_or_else(|| unconvertible("there is no program for SILK"))
    }

    async fn ffmpeg(
        &self,
        file: File,
        &[input, output]: &[&[&str]; 2],
        spool: &Spool,
    ) -> Result<Spooled, MediaError> {
        self.run(file, &self.program, &[&ALONE, input, output], spool).await
    }

    async fn run(
        &self,
        file: File,
        program: &Path,
        arguments: &[&[&str]],
        spool: &Spool,
    ) -> Result<Spooled, MediaError> {
        let turn = tokio::time::timeout(self.bounds.wait, self.place.acquire()).await;
        let _turn = turn.map_err(|_| MediaError::Busy)?;
        let mut child =
            self.spawn(file, program, arguments).map_err(|error| unconvertible(&error.to_string()))?;
        let converted = tokio::time::timeout(self.bounds.time, gather(&mut child, spool)).await;
        // On an error the child is dropped here, which ends it.
        converted.map_err(|_| unconvertible("it took too long"))?
    }

    fn spawn(&self, file: File, program: &Path, arguments: &[&[&str]]) -> std::io::Result<Child> {
        let Bounds { processor_seconds, memory_kibibytes, .. } = self.bounds;
        // The shell lowers its own bounds and becomes the program. No file may be written at all; a pipe is none.
        let bounded = format!(
            "ulimit -v {memory_kibibytes}; ulimit -t {processor_seconds}; ulimit -f 0; ulimit -c 0; exec \"$@\""
        );
        Command::new("/bin/sh")
            .args(["-c", &bounded, "sh"])
            .arg(program)
            .args(arguments.iter().copied().flatten())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir("/")
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Takes in what the child writes, and its verdict.
async fn gather(child: &mut Child, spool: &Spool) -> Result<Spooled, MediaError> {
    let output = child.stdout.take().ok_or_else(|| unconvertible("it has no output"))?;
    let stream = ReaderStream::new(output).map(|piece| piece.map_err(|it| PlatformError(it.to_string())));
    let download = Download { mime: None, size_bytes: None, stream: stream.boxed() };
    let cap = Cap { size_bytes_max: OUTPUT_BYTES_MAX, is_homeserver: false };
    let taken = match spool.take(download, cap, Pace::CHILD).await {
        Err(MediaError::TooLarge(_)) => return Err(unconvertible("it became too large")),
        taken => taken?,
    };
    let status = child.wait().await.map_err(|error| unconvertible(&error.to_string()))?;
    if !status.success() || taken.size_bytes == 0 {
        return Err(unconvertible(&format!(
            "the program ended with {status}, after {} bytes",
            taken.size_bytes
        )));
    }
    Ok(taken)
}

/// A path is taken as it is, a mere name is looked for in the folders of `search`.
fn find(program: &Path, search: &OsStr) -> Option<PathBuf> {
    let is_name = program.components().count() == 1 && !program.is_absolute();
    let found = match is_name {
        true => std::env::split_paths(search).map(|folder| folder.join(program)).find(|it| is_program(it)),
        false => Some(program.to_owned()).filter(|it| is_program(it)),
    };
    // The child runs in another folder, where what is relative to ours is not there.
    found.and_then(|program| std::path::absolute(program).ok())
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn unconvertible(reason: &str) -> MediaError {
    MediaError::Unconvertible(reason.to_owned())
}

#[cfg(test)]
mod tests;
