//! How large a picture is, and what it takes to unpack it, from its head alone.
//!
//! The head is hostile: it is read in pieces of fixed size, what it claims is skipped and never taken in, and every walk through a
//! file has an end. Nothing here unpacks anything; `look` decides by the result whether to.

use std::io::{Read, Seek, SeekFrom};

use image::metadata::Orientation;

use super::ImageType;

mod jpeg;
mod webp;

/// A file of more parts before its picture is not walked through any further.
const PARTS_MAX: usize = 1024;

/// What the head of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Width in pixels, as the picture is shown.
    pub width: u32,
    /// Height in pixels, as the picture is shown.
    pub height: u32,
    /// How it must be turned after unpacking to be shown as it was taken.
    pub turn: Orientation,
    /// What unpacking takes of memory at most, with the packed file where the decoder needs the whole of it.
    pub unpacking_bytes: u64,
}

impl Measured {
    fn new(width: u32, height: u32, unpacking_bytes: u64) -> Option<Self> {
        let is_a_picture = width > 0 && height > 0;
        is_a_picture.then_some(Self { width, height, turn: Orientation::NoTransforms, unpacking_bytes })
    }

    /// The same as it is shown: a photo that was taken on its side is as wide as it was stored high.
    fn turned(self, turn: Orientation) -> Self {
        let on_its_side = match turn {
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => true,
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => false,
        };
        let (width, height) = if on_its_side { (self.height, self.width) } else { (self.width, self.height) };
        Self { width, height, turn, ..self }
    }
}

impl ImageType {
    /// Measures a picture of this type. `None` where the head is broken, or of another type.
    pub fn measure(self, file: &mut (impl Read + Seek)) -> Option<Measured> {
        file.rewind().ok()?;
        let start: [u8; Self::SNIFF_BYTES] = take(file)?;
        if Self::sniff(&start) != Some(self) {
            return None;
        }
        match self {
            Self::Png => png(file),
            Self::Jpeg => jpeg::measure(file),
            Self::Gif => gif(file),
            Self::WebP => webp::measure(file),
        }
    }
}

/// PNG, third edition, 11.2.1: the first part is the header.
fn png(file: &mut (impl Read + Seek)) -> Option<Measured> {
    file.seek(SeekFrom::Start(8)).ok()?;
    let [0, 0, 0, 13, b'I', b'H', b'D', b'R'] = take(file)? else { return None };
    let width = u32::from_be_bytes(take(file)?);
    let height = u32::from_be_bytes(take(file)?);
    let [depth, color, 0, 0, 0 | 1] = take(file)? else { return None };
    let samples = match (color, depth) {
        (0, 1 | 2 | 4 | 8 | 16) => 1,
        (2, 8 | 16) => 3,
        (3, 1 | 2 | 4 | 8) => 3,
        (4, 8 | 16) => 2,
        (6, 8 | 16) => 4,
        _ => return None,
    };
    skip(file, 4)?;
    // Transparency in a part of its own becomes one more sample of each pixel.
    let samples = if color < 4 && may_be_transparent(file) { samples + 1 } else { samples };
    let sample_bytes = if depth == 16 { 2 } else { 1 };
    Measured::new(width, height, pixels(width, height).saturating_mul(samples * sample_bytes))
}

/// Whether there is a `tRNS` before the picture, or so much else that nobody looks any further.
fn may_be_transparent(file: &mut (impl Read + Seek)) -> bool {
    for _ in 0..PARTS_MAX {
        let Some(length) = take(file) else { return true };
        match take::<4>(file).as_ref() {
            Some(b"IDAT") => return false,
            None | Some(b"tRNS") => return true,
            Some(_) => {}
        }
        let sum_bytes = 4;
        if skip(file, u64::from(u32::from_be_bytes(length)) + sum_bytes).is_none() {
            return true;
        }
    }
    true
}

/// GIF89a, 18: the logical screen, on which the first frame is drawn from a buffer of its own.
fn gif(file: &mut (impl Read + Seek)) -> Option<Measured> {
    const BYTES_PER_PIXEL: u64 = 4 + 4;
    file.seek(SeekFrom::Start(6)).ok()?;
    let width = u16::from_le_bytes(take(file)?).into();
    let height = u16::from_le_bytes(take(file)?).into();
    Measured::new(width, height, pixels(width, height).saturating_mul(BYTES_PER_PIXEL))
}

fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

/// The next bytes; `None` at the end of the file.
fn take<const N: usize>(file: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn skip(file: &mut impl Seek, bytes: u64) -> Option<()> {
    file.seek_relative(i64::try_from(bytes).ok()?).ok()
}

/// How large the whole file is. Goes back to where it was.
fn file_bytes(file: &mut impl Seek) -> Option<u64> {
    let here = file.stream_position().ok()?;
    let end = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(here)).ok()?;
    Some(end)
}

#[cfg(test)]
mod tests;
