//! Speech in both directions: from forms that no Matrix client plays, and into those that networks want. What cannot be converted goes as it is.

use std::time::Duration;

use futures_util::StreamExt;
use ruma::MxcUri;

use super::{Media, Moved, essence};
use crate::{
    homeserver::MediaDownload,
    media::{
        Converter, MediaError,
        pace::Pace,
        speech::{self, Sound, Spoken, Unplayable},
        spool::{Cap, Spooled},
    },
    message::{Attachment, AttachmentKind, FileSource, MediaInfo},
    platform::{Download, PlatformError},
    store::MediaRow,
};

/// A longer spoken message is not converted.
const SPEECH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A spoken message whose turn does not come within this goes as any other sound.
const SPEECH_WAIT: Duration = Duration::from_secs(30);

/// Speech in the form that was wanted.
struct Said {
    file: Spooled,
    /// Its length, where it was measured.
    duration_ms: Option<u64>,
}

impl Media {
    /// Puts in speech that no client plays: as Opus, or as it is where it cannot be converted.
    pub(super) async fn put_in_spoken(
        &self,
        spooled: &mut Spooled,
        form: Unplayable,
    ) -> Result<MediaRow, MediaError> {
        match self.heard(spooled, form).await {
            Ok((mut opus, Sound { duration_ms, waveform })) => {
                let duration_ms = Some(duration_ms).filter(|length| *length > 0);
                let info = MediaInfo { duration_ms, waveform, ..MediaInfo::default() };
                self.put_in_as(&mut opus, Spoken::Opus.mime(), Some(info)).await
            }
            Err(error) => {
                tracing::info!(%error, "A spoken message stays a file that few programs play.");
                self.put_in_as(spooled, form.mime(), None).await
            }
        }
    }

    /// Speech as Opus, with how it sounds.
    async fn heard(&self, spooled: &mut Spooled, form: Unplayable) -> Result<(Spooled, Sound), MediaError> {
        let converter = self.0.converter.as_ref().ok_or_else(no_ffmpeg)?;
        if spooled.size_bytes > SPEECH_BYTES_MAX {
            return Err(MediaError::TooLarge(SPEECH_BYTES_MAX));
        }
        let mut samples = converter.samples(spooled.reader().await?, Some(form), &self.0.spool).await?;
        let (reader, size_bytes) = (samples.reader().await?, samples.size_bytes);
        let sound = tokio::task::spawn_blocking(move || speech::measure(reader, size_bytes));
        let sound = sound.await.unwrap_or_default();
        let opus = converter.spoken(samples.reader().await?, Spoken::Opus, &self.0.spool).await?;
        Ok((opus, sound))
    }

    /// Puts a file in as what it is known to be; with how it sounds, where it was converted.
    async fn put_in_as(
        &self,
        file: &mut Spooled,
        mime: &str,
        converted: Option<MediaInfo>,
    ) -> Result<MediaRow, MediaError> {
        let bot = self.0.homeserver.bot();
        let mxc = bot.upload_stream(mime, file.size_bytes, file.stream().await?).await?;
        let info = moved(mime, converted);
        Ok(MediaRow { mxc, size_bytes: file.size_bytes, info })
    }

    /// A spoken message of Matrix in the one type that a network takes for speech. Where that cannot be, it goes as any other sound.
    pub async fn speech(&self, file: &Attachment, wanted: &str) -> Attachment {
        let FileSource::Matrix(mxc) = &file.source else { return file.clone() };
        if essence(file.mime.as_deref()) == wanted {
            return file.clone();
        }
        let key = format!("speech:{wanted}:{mxc}");
        let converted = match self.known(&key).await {
            Some(known) => Ok(known),
            None => self.convert_speech(mxc, wanted, &key).await,
        };
        match converted {
            Ok(MediaRow { mxc, size_bytes, info }) => {
                let found: Option<Moved> = info.and_then(|info| serde_json::from_str(&info).ok());
                let mut spoken = file.clone();
                spoken.info.duration_ms =
                    found.and_then(|found| found.info.duration_ms).or(spoken.info.duration_ms);
                Attachment {
                    source: FileSource::Matrix(mxc),
                    name: Spoken::of(wanted).map_or_else(|| file.name.clone(), |form| form.name(&file.name)),
                    mime: Some(wanted.to_owned()),
                    size_bytes: Some(size_bytes),
                    ..spoken
                }
            }
            Err(error) => {
                tracing::debug!(%error, "A spoken message goes out as any other sound.");
                Attachment { kind: AttachmentKind::Audio, ..file.clone() }
            }
        }
    }

    /// The converted message lies in the media store like any other file, so that another attempt finds it there. What cannot be converted is
    /// tried once: each attempt would fetch it anew.
    async fn convert_speech(&self, mxc: &MxcUri, wanted: &str, key: &str) -> Result<MediaRow, MediaError> {
        let converter = self.0.converter.as_ref().ok_or_else(no_ffmpeg)?;
        let form = Spoken::of(wanted)
            .ok_or_else(|| MediaError::Unconvertible("no such type is known for speech".to_owned()))?;
        self.0.failed.known(key)?;
        let turn = tokio::time::timeout(SPEECH_WAIT, self.0.speaking.acquire()).await;
        let _turn = turn.map_err(|_| MediaError::Busy)?;
        let said = self.said(mxc, converter, form).await;
        let Said { mut file, duration_ms } =
            said.inspect_err(|error| self.0.failed.remember(&[key], error))?;
        let info = MediaInfo { duration_ms, ..MediaInfo::default() };
        let row = self.put_in_as(&mut file, wanted, Some(info)).await?;
        if let Err(error) = self.0.store.save_media(key, &row).await {
            tracing::warn!(%error, "A spoken message was converted but not remembered.");
        }
        Ok(row)
    }

    async fn said(&self, mxc: &MxcUri, converter: &Converter, form: Spoken) -> Result<Said, MediaError> {
        // The spool has the cap: what passes it is too large for good, not a fault on the way.
        let opened = self.0.homeserver.bot().download(mxc, u64::MAX).await?;
        let gone = || PlatformError("the homeserver does not have it".to_owned());
        let MediaDownload { mime, size_bytes, stream } = opened.ok_or_else(gone)?;
        let stream = stream.map(|piece| piece.map_err(|error| PlatformError(error.to_string()))).boxed();
        let (cap, spool) = (Cap { size_bytes_max: SPEECH_BYTES_MAX, is_homeserver: false }, &self.0.spool);
        let mut spoken = spool.take(Download { mime, size_bytes, stream }, cap, Pace::FILE).await?;
        if form == Spoken::Opus {
            let file = converter.speech(spoken.reader().await?, spool).await?;
            return Ok(Said { file, duration_ms: None });
        }
        // Networks that want other forms want to know the length, too, which people's programs may leave out.
        let mut samples = converter.samples(spoken.reader().await?, spoken.unplayable, spool).await?;
        let duration_ms = Some(speech::duration_ms(samples.size_bytes));
        let file = converter.spoken(samples.reader().await?, form, spool).await?;
        Ok(Said { file, duration_ms })
    }
}

/// What is remembered of speech that was put in.
fn moved(mime: &str, converted: Option<MediaInfo>) -> Option<String> {
    let is_converted = converted.is_some();
    let (mime, info) = (mime.to_owned(), converted.unwrap_or_default());
    serde_json::to_string(&Moved { mime, picture: false, converted: is_converted, info }).ok()
}

fn no_ffmpeg() -> MediaError {
    MediaError::Unconvertible("there is no ffmpeg".to_owned())
}
