//! The forms of speech: which ones no Matrix client plays, which ones networks want, and how long and loud something spoken is.
//!
//! A form is believed from the first bytes only. Samples are those of one channel, 16 bits each, the low byte first, 24,000 in a second: SILK has
//! no more. Next: `converter`, `moving/speaking`.

use std::{
    fs::File,
    io::{BufReader, Read},
};

/// So many samples are in a second of what is measured and converted.
const SAMPLES_PER_SECOND: u64 = 24_000;

/// How many bytes one sample has.
const SAMPLE_BYTES: u64 = 2;

/// As many points a picture of the loudness has.
const LOUDNESS_POINTS: u64 = 64;

/// The loudest point (<https://github.com/matrix-org/matrix-spec-proposals/pull/3246>).
const LOUDNESS_MAX: u32 = 1024;

/// A form of speech that networks use and no Matrix client plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unplayable {
    /// SILK, version 3; some networks put a byte before it and leave its end away.
    Silk,
    /// AMR, narrow or wide (RFC 4867, section 5).
    Amr,
    /// Speex in Ogg.
    Speex,
}

impl Unplayable {
    /// How many bytes [`Unplayable::sniff`] needs.
    pub(super) const SNIFF_BYTES: usize = 36;

    /// Reads the form from the first bytes.
    pub(super) fn sniff(bytes: &[u8]) -> Option<Self> {
        let silk = bytes.strip_prefix(b"\x02").unwrap_or(bytes);
        if silk.starts_with(b"#!SILK_V3") {
            return Some(Self::Silk);
        }
        if bytes.starts_with(b"#!AMR\n") || bytes.starts_with(b"#!AMR-WB\n") {
            return Some(Self::Amr);
        }
        // The head of the stream begins behind that of its first page.
        let speex = bytes.starts_with(b"OggS") && bytes.get(28..36) == Some(b"Speex   ");
        speex.then_some(Self::Speex)
    }

    /// Its media type.
    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Silk => "audio/silk",
            Self::Amr => "audio/amr",
            Self::Speex => "audio/speex",
        }
    }

    /// Whether a media type is that of one.
    pub(super) fn is_one(mime: &str) -> bool {
        [Self::Silk, Self::Amr, Self::Speex].iter().any(|form| form.mime() == mime)
    }
}

/// A form in which a network takes speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Opus in Ogg.
    Opus,
    /// AMR, narrow.
    Amr,
    /// MP3.
    Mp3,
    /// SILK as WeChat has it: with a byte before it and without an end.
    Silk,
}

impl Spoken {
    /// The form that a media type names.
    pub(super) fn of(mime: &str) -> Option<Self> {
        [Self::Opus, Self::Amr, Self::Mp3, Self::Silk].into_iter().find(|form| form.mime() == mime)
    }

    /// Its media type.
    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Opus => "audio/ogg",
            Self::Amr => "audio/amr",
            Self::Mp3 => "audio/mpeg",
            Self::Silk => "audio/silk",
        }
    }

    /// A file's name with the ending that this form has.
    pub(super) fn name(self, name: &str) -> String {
        let ending = match self {
            Self::Opus => "ogg",
            Self::Amr => "amr",
            Self::Mp3 => "mp3",
            Self::Silk => "silk",
        };
        format!("{}.{ending}", name.rsplit_once('.').map_or(name, |(name, _)| name))
    }
}

/// How something spoken sounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sound {
    /// Its length in milliseconds.
    pub(super) duration_ms: u64,
    /// Its loudness over time, each point from 0 to 1024.
    pub(super) waveform: Vec<u16>,
}

/// How long so many bytes of samples are.
pub(super) fn duration_ms(size_bytes: u64) -> u64 {
    size_bytes / SAMPLE_BYTES * 1000 / SAMPLES_PER_SECOND
}

/// Measures samples of so many bytes. What cannot be read is silent. Blocking: runs on a thread of its own.
pub(super) fn measure(samples: File, size_bytes: u64) -> Sound {
    let count = size_bytes / SAMPLE_BYTES;
    let per_point = count.div_ceil(LOUDNESS_POINTS).max(1);
    let (mut reader, mut piece) = (BufReader::new(samples), Vec::new());
    let points = count.div_ceil(per_point);
    let waveform = (0..points).map(|_| {
        piece.clear();
        // A file that ends early leaves the piece shorter.
        let _ = reader.by_ref().take(per_point * SAMPLE_BYTES).read_to_end(&mut piece);
        loudness(&piece)
    });
    Sound { waveform: waveform.collect(), duration_ms: duration_ms(size_bytes) }
}

/// The loudest of some samples.
fn loudness(samples: &[u8]) -> u16 {
    let sizes =
        samples.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs());
    let loudest = u32::from(sizes.max().unwrap_or_default());
    u16::try_from(loudest * LOUDNESS_MAX / u32::from(i16::MIN.unsigned_abs())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn only_the_first_bytes_tell_the_form() {
        let speex = [&b"OggS"[..], &[0; 24], b"Speex   1.2"].concat();
        let opus = [&b"OggS"[..], &[0; 24], b"OpusHead"].concat();
        let table: [(&[u8], Option<Unplayable>); 9] = [
            (b"\x02#!SILK_V3\x0c\0", Some(Unplayable::Silk)),
            (b"#!SILK_V3", Some(Unplayable::Silk)),
            (b"#!AMR\n\x3c", Some(Unplayable::Amr)),
            (b"#!AMR-WB\n", Some(Unplayable::Amr)),
            (&speex, Some(Unplayable::Speex)),
            (&opus, None),
            (b"\x03#!SILK_V3", None),
            (b"OggS", None),
            (b"", None),
        ];
        for (bytes, expected) in table {
            assert_eq!(Unplayable::sniff(bytes), expected, "{bytes:?}");
            assert!(expected.is_none_or(|form| Unplayable::is_one(form.mime())));
        }
        assert!(!Unplayable::is_one("audio/ogg"));
    }

    #[test]
    fn forms_are_named_by_their_media_types() {
        for form in [Spoken::Opus, Spoken::Amr, Spoken::Mp3, Spoken::Silk] {
            assert_eq!(Spoken::of(form.mime()), Some(form));
        }
        assert_eq!(Spoken::of("audio/flac"), None);
        assert_eq!(Spoken::Opus.name("a voice.silk"), "a voice.ogg");
        assert_eq!(Spoken::Silk.name("voice"), "voice.silk");
    }

    fn measured(samples: &[i16]) -> Sound {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        measure(file, bytes.len() as u64)
    }

    #[test]
    fn speech_is_as_long_and_loud_as_its_samples() {
        assert_eq!(measured(&[]), Sound::default());
        assert_eq!(measured(&[i16::MIN]).waveform, [1024]);
        // Two seconds: silence, then half as loud as can be, up and down.
        let half = i16::MAX / 2 + 1;
        let samples: Vec<i16> =
            (0..48_000).map(|nth| if nth < 24_000 { 0 } else { [half, -half][nth % 2] }).collect();
        let sound = measured(&samples);
        assert_eq!(sound.duration_ms, 2_000);
        assert_eq!(sound.waveform, [[0; 32], [512; 32]].concat());
    }

    #[test]
    fn a_file_that_ends_early_is_silent_from_there() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0xff, 0x7f]).unwrap();
        file.rewind().unwrap();
        let sound = measure(file, 4);
        assert_eq!((sound.waveform.first(), sound.waveform.get(1)), (Some(&1023), Some(&0)));
    }
}
