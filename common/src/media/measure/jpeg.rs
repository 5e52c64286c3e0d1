//! JPEG: a row of segments, one of which holds the size. A camera says in another how it was held.
//!
//! The decoder takes in the whole file, and keeps all coefficients of a picture that comes in several scans.

use std::io::{Read, Seek, SeekFrom};

use image::metadata::Orientation;

use super::{Measured, PARTS_MAX, file_bytes, pixels, skip, take};

/// What precedes the TIFF structure in a segment of EXIF (Exif 2.32, 4.7.2).
const EXIF: [u8; 6] = *b"Exif\0\0";
const ORIENTATION_TAG: u16 = 0x0112;
/// A value of two bytes.
const SHORT: u16 = 3;
/// A camera writes some dozens.
const EXIF_TAGS_MAX: u16 = 256;

/// The rows of pixels that are decoded at a time, and the bytes that each of their samples takes on its way.
const ROWS: u64 = 32;
const ROW_SAMPLE_BYTES: u64 = 6;

/// What the frame header says (ITU-T T.81, B.2.2).
struct Frame {
    width: u32,
    height: u32,
    components: u8,
    is_progressive: bool,
    /// The coefficients of the whole picture.
    coefficients: u64,
}

/// Measures from right after the start of the image.
pub(super) fn measure(file: &mut (impl Read + Seek)) -> Option<Measured> {
    file.seek(SeekFrom::Start(2)).ok()?;
    let (mut frame, mut turn) = (None, Orientation::NoTransforms);
    for _ in 0..PARTS_MAX {
        let Some(marker) = next_marker(file) else { break };
        match marker {
            // Start of image, restarts and the like stand alone.
            0x01 | 0xd0..=0xd8 => continue,
            0xd9 => break,
            _ => {}
        }
        let Some(length) = take(file).map(u16::from_be_bytes) else { break };
        let ends = file.stream_position().ok()? + u64::from(length.checked_sub(2)?);
        match marker {
            // Frame headers; between them are tables of codes (c4, cc) and an extension (c8).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => frame = Some(read_frame(file, marker)?),
            0xda => {
                let [components] = take(file)?;
                return measured(file, frame?, Some(components), turn);
            }
            0xe1 => turn = read_exif(file, ends).unwrap_or(turn),
            _ => {}
        }
        file.seek(SeekFrom::Start(ends)).ok()?;
    }
    measured(file, frame?, None, turn)
}

fn measured(
    file: &mut (impl Read + Seek),
    frame: Frame,
    scanned_components: Option<u8>,
    turn: Orientation,
) -> Option<Measured> {
    let head_bytes = file.stream_position().ok()?;
    let shown_samples = u64::from(frame.components.min(3));
    let shown = pixels(frame.width, frame.height).saturating_mul(shown_samples);
    let rows = u64::from(frame.width) * ROWS * u64::from(frame.components) * ROW_SAMPLE_BYTES;
    let in_one_scan = !frame.is_progressive && scanned_components == Some(frame.components);
    let kept = if in_one_scan { 0 } else { frame.coefficients.saturating_mul(2) };
    // What the head holds beside the picture is copied out of it.
    let packed = file_bytes(file)?.saturating_add(head_bytes);
    let unpacking_bytes = packed.saturating_add(shown).saturating_add(rows).saturating_add(kept);
    Some(Measured::new(frame.width, frame.height, unpacking_bytes)?.turned(turn))
}

/// The next marker. Any number of `ff` may stand before it, and decoders skip what is none.
fn next_marker(file: &mut impl Read) -> Option<u8> {
    let mut is_marked = false;
    for _ in 0..PARTS_MAX {
        let [byte] = take(file)?;
        match byte {
            0xff => is_marked = true,
            0x00 => is_marked = false,
            marker if is_marked => return Some(marker),
            _ => {}
        }
    }
    None
}

fn read_frame(file: &mut impl Read, marker: u8) -> Option<Frame> {
    let [_precision, h1, h0, w1, w0, components] = take(file)?;
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if !(1..=4).contains(&components) {
        return None;
    }
    let (mut across_max, mut down_max, mut blocks) = (1, 1, 0);
    for _ in 0..components {
        let [_id, sampling, _table] = take(file)?;
        let (across, down) = (sampling >> 4, sampling & 0xf);
        if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
            return None;
        }
        (across_max, down_max) = (across_max.max(across), down_max.max(down));
        blocks += u64::from(across) * u64::from(down);
    }
    let units = |side: u16, sampling: u8| u64::from(side).div_ceil(8 * u64::from(sampling));
    Some(Frame {
        width: width.into(),
        height: height.into(),
        components,
        is_progressive: matches!(marker & 3, 2),
        coefficients: units(width, across_max) * units(height, down_max) * blocks * 64,
    })
}

/// How the camera was held, from the first directory of the TIFF structure inside (TIFF 6.0, section 2).
fn read_exif(file: &mut (impl Read + Seek), ends: u64) -> Option<Orientation> {
    if take(file)? != EXIF {
        return None;
    }
    let begins = file.stream_position().ok()?;
    let is_little = match &take::<4>(file)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |bytes| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let long = |bytes| if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let directory = begins + u64::from(long(take(file)?));
    file.seek(SeekFrom::Start(directory)).ok()?;
    let tags = short(take(file)?).min(EXIF_TAGS_MAX);
    for _ in 0..tags {
        if file.stream_position().ok()? + 12 > ends {
            return None;
        }
        let (tag, kind) = (short(take(file)?), short(take(file)?));
        skip(file, 4)?;
        let (value, _rest) = (short(take(file)?), take::<2>(file)?);
        if tag == ORIENTATION_TAG {
            return Orientation::from_exif(u8::try_from(value).ok().filter(|_| kind == SHORT)?);
        }
    }
    None
}
