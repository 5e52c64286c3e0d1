//! WebP: parts in a RIFF file; the extended form has a canvas, and the true picture in a part of its own (RFC 9649, 2).

use std::io::{Read, Seek, SeekFrom};

use super::{Measured, PARTS_MAX, file_bytes, pixels, skip, take};

/// Lossy: three samples, and the planes that they are made of.
const LOSSY_BYTES_PER_PIXEL: u64 = 5;
/// Lossless: the picture, and one that it is copied from.
const LOSSLESS_BYTES_PER_PIXEL: u64 = 8;
/// Extended: transparency is unpacked apart, and a frame is drawn on the canvas.
const EXTENDED_BYTES_PER_PIXEL: u64 = 12;

/// The file header of RIFF, before the first part.
const HEADER_BYTES: u64 = 12;
const FRAME_HEADER_BYTES: u64 = 16;
const ANIMATION: u8 = 0b10;

/// Measures from the first part on.
pub(super) fn measure(file: &mut (impl Read + Seek)) -> Option<Measured> {
    file.seek(SeekFrom::Start(HEADER_BYTES)).ok()?;
    let (name, length) = part(file)?;
    let begins = file.stream_position().ok()?;
    let ((width, height), unpacked_bytes) = match &name {
        b"VP8 " => priced(lossy(file)?, LOSSY_BYTES_PER_PIXEL),
        b"VP8L" => priced(lossless(file)?, LOSSLESS_BYTES_PER_PIXEL),
        b"VP8X" => {
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = take(file)?;
            let side = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1;
            let canvas = (side([w0, w1, w2]), side([h0, h1, h2]));
            file.seek(SeekFrom::Start(begins + padded(length))).ok()?;
            // A picture larger than its canvas is refused only after it was unpacked.
            let inside = pixels_inside(file, flags & ANIMATION != 0);
            let drawn = inside.map_or(u64::MAX, |inside| inside.max(pixels(canvas.0, canvas.1)));
            (canvas, drawn.saturating_mul(EXTENDED_BYTES_PER_PIXEL))
        }
        _ => return None,
    };
    Measured::new(width, height, unpacked_bytes.saturating_add(file_bytes(file)?))
}

fn priced(size: (u32, u32), bytes_per_pixel: u64) -> ((u32, u32), u64) {
    (size, pixels(size.0, size.1).saturating_mul(bytes_per_pixel))
}

/// The pixels of the largest picture inside; of a moving one, the first frame's. `None` where there is no end to the parts.
fn pixels_inside(file: &mut (impl Read + Seek), is_moving: bool) -> Option<u64> {
    let (mut most, mut in_frame) = (0, false);
    for _ in 0..PARTS_MAX {
        let Some((name, length)) = part(file) else { return Some(most) };
        let begins = file.stream_position().ok()?;
        let size = match &name {
            // Its parts follow inside.
            b"ANMF" if is_moving => {
                skip(file, FRAME_HEADER_BYTES)?;
                in_frame = true;
                continue;
            }
            b"VP8 " => lossy(file),
            b"VP8L" => lossless(file),
            _ => None,
        };
        most = most.max(size.map_or(0, |(width, height)| pixels(width, height)));
        if in_frame && size.is_some() {
            return Some(most);
        }
        file.seek(SeekFrom::Start(begins + padded(length))).ok()?;
    }
    None
}

fn part(file: &mut impl Read) -> Option<([u8; 4], u32)> {
    Some((take(file)?, u32::from_le_bytes(take(file)?)))
}

fn padded(length: u32) -> u64 {
    u64::from(length) + u64::from(length % 2)
}

/// RFC 6386, 9.1: the header of a key frame.
fn lossy(file: &mut impl Read) -> Option<(u32, u32)> {
    let [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = take(file)? else { return None };
    let is_key_frame = tag & 1 == 0;
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    is_key_frame.then(|| (side([w0, w1]), side([h0, h1])))
}

/// RFC 9649, 3.4: 14 bits for each side, less one.
fn lossless(file: &mut impl Read) -> Option<(u32, u32)> {
    let [0x2f, bits @ ..] = take::<5>(file)? else { return None };
    let bits = u32::from_le_bytes(bits);
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}
