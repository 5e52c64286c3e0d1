//! How a picture looks: its size, a blurred impression, a small copy. What cannot be found out is left out.
//!
//! Pictures are hostile: they lie about their size and unpack into gigabytes. So the size is read from the head alone, and nothing beyond a
//! fixed number of pixels is unpacked at all. Blocking: runs on a thread of its own.

use std::{
    fs::File,
    io::{BufReader, Cursor, Seek},
};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::ImageType;

/// A picture with more pixels is not unpacked; three bytes each, it would take 36 MiB.
const PIXELS_MAX: u64 = 12 * 1024 * 1024;

/// So much may be allocated while a picture is unpacked.
const ALLOCATED_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// A larger picture gets a small copy of at most this size, as clients show it in a conversation.
const SMALL: (u32, u32) = (800, 600);

/// The blurred impression is made from so few pixels.
const BLURRED_SIDE: u32 = 32;

/// How many waves the blurred impression has, across and down.
const BLURRED_WAVES: (u32, u32) = (4, 3);

/// What is known of a picture.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Width and height in pixels; none for a file that is no picture after all.
    pub(super) size: Option<(u32, u32)>,
    /// A blurred impression.
    pub(super) blurhash: Option<String>,
    /// A small copy, where the picture is large.
    pub(super) small: Option<Small>,
}

/// A small copy of a picture.
#[derive(Debug, PartialEq)]
pub(super) struct Small {
    pub(super) bytes: Vec<u8>,
    pub(super) mime: &'static str,
    pub(super) size: (u32, u32),
}

/// Looks at a picture.
pub(super) fn look(file: File, image_type: ImageType) -> Look {
    let format = match image_type {
        ImageType::Png => ImageFormat::Png,
        ImageType::Jpeg => ImageFormat::Jpeg,
        ImageType::Gif => ImageFormat::Gif,
        ImageType::WebP => ImageFormat::WebP,
    };
    let mut reader = BufReader::new(file);
    let Ok(size) = ImageReader::with_format(&mut reader, format).into_dimensions() else {
        return Look::default();
    };
    let mut look = Look { size: Some(size), ..Look::default() };
    if u64::from(size.0) * u64::from(size.1) > PIXELS_MAX || reader.rewind().is_err() {
        return look;
    }
    let Some(picture) = unpack(ImageReader::with_format(reader, format)) else { return look };
    look.blurhash = blurred(&picture);
    if size.0 > SMALL.0 || size.1 > SMALL.1 {
        look.small = shrink(&picture);
    }
    look
}

fn unpack(mut reader: ImageReader<BufReader<File>>) -> Option<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOCATED_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let turned = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    if let Some(turned) = turned {
        picture.apply_orientation(turned);
    }
    Some(picture)
}

fn blurred(picture: &DynamicImage) -> Option<String> {
    let tiny = picture.thumbnail(BLURRED_SIDE, BLURRED_SIDE).into_rgba8();
    let (width, height) = tiny.dimensions();
    blurhash::encode(BLURRED_WAVES.0, BLURRED_WAVES.1, width, height, tiny.as_raw()).ok()
}

fn shrink(picture: &DynamicImage) -> Option<Small> {
    let small = picture.thumbnail(SMALL.0, SMALL.1);
    let size = (small.width(), small.height());
    let is_opaque = !small.color().has_alpha();
    let (format, mime) = match is_opaque {
        true => (ImageFormat::Jpeg, "image/jpeg"),
        false => (ImageFormat::Png, "image/png"),
    };
    let small = if is_opaque {
        DynamicImage::from(small.into_rgb8())
    } else {
        DynamicImage::from(small.into_rgba8())
    };
    let mut bytes = Cursor::new(Vec::new());
    small.write_to(&mut bytes, format).ok()?;
    Some(Small { bytes: bytes.into_inner(), mime, size })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_picture_has_a_size_an_impression_and_a_small_copy_if_it_is_large() {
        let small = look(file(&png(40, 30)), ImageType::Png);
        assert_eq!((small.size, small.small.is_some()), (Some((40, 30)), false));
        assert!(small.blurhash.is_some_and(|hash| hash.len() > 6));
        let large = look(file(&png(1_600, 900)), ImageType::Png);
        let copy = large.small.expect("a large picture gets a small copy");
        assert_eq!((copy.size, copy.mime), ((800, 450), "image/jpeg"));
        assert!(ImageType::sniff(&copy.bytes) == Some(ImageType::Jpeg));
    }

    #[test]
    fn broken_and_lying_pictures_do_no_harm() {
        let whole = png(64, 64);
        for length in [0, 8, 20, 33, 40, whole.len() / 2, whole.len() - 1] {
            look(file(&whole[..length]), ImageType::Png);
        }
        assert_eq!(look(file(b"\x89PNG\r\n\x1a\nand so on"), ImageType::Png), Look::default());
        assert_eq!(look(file(&whole), ImageType::Jpeg), Look::default());
    }

    #[test]
    fn a_bomb_is_measured_and_not_unpacked() {
        // The head of a PNG that claims 50,000 times 50,000 pixels, with its right sum.
        let mut bomb = png(1, 1);
        bomb[16..20].copy_from_slice(&50_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&50_000_u32.to_be_bytes());
        let sum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        let bomb = look(file(&bomb), ImageType::Png);
        assert_eq!(bomb, Look { size: Some((50_000, 50_000)), ..Look::default() });
    }

    /// CRC-32 as PNG has it (its specification, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
            })
        })
    }
}
