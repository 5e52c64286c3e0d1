//! How a picture looks: its size, a blurred impression, a small copy. What cannot be found out is left out.
//!
//! Pictures are hostile: they lie about their size and unpack into gigabytes, and some decoders take in the whole packed file. So the size
//! is read from the head alone, and nothing is unpacked that would take more than a fixed share of memory. Blocking: runs on a thread of its
//! own. Next: `measure`.

use std::{
    fs::File,
    io::{BufReader, Cursor, Seek},
};

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::{ImageType, Measured};

/// A picture that takes more memory while it is unpacked stays packed; a photo of 12 million pixels takes so much.
const UNPACKING_BYTES_MAX: u64 = 40 * 1024 * 1024;

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
    look_for(file, image_type, |measured| measured.width > SMALL.0 || measured.height > SMALL.1)
}

/// Looks at a picture that stands for something else: a small copy is wanted, however small it is itself.
pub(super) fn look_at_cover(file: File, image_type: ImageType) -> Look {
    look_for(file, image_type, |_| true)
}

fn look_for(file: File, image_type: ImageType, wants_copy: impl Fn(Measured) -> bool) -> Look {
    let mut reader = BufReader::new(file);
    let Some(measured) = image_type.measure(&mut reader) else { return Look::default() };
    let mut look = Look { size: Some((measured.width, measured.height)), ..Look::default() };
    if measured.unpacking_bytes > UNPACKING_BYTES_MAX || reader.rewind().is_err() {
        return look;
    }
    let Some(picture) = unpack(ImageReader::with_format(reader, image_type.format())) else { return look };
    look.blurhash = blurred(&picture, measured);
    if wants_copy(measured) {
        look.small = shrink(&picture, measured);
    }
    look
}

fn unpack(mut reader: ImageReader<BufReader<File>>) -> Option<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(UNPACKING_BYTES_MAX);
    reader.limits(limits);
    DynamicImage::from_decoder(reader.into_decoder().ok()?).ok()
}

/// A copy of at most that size, upright. Only the copy is turned: turning the whole picture would take its memory twice.
fn copy(picture: &DynamicImage, measured: Measured, (width, height): (u32, u32)) -> DynamicImage {
    let is_on_its_side = (picture.width(), picture.height()) != (measured.width, measured.height);
    let (width, height) = if is_on_its_side { (height, width) } else { (width, height) };
    // Never larger than the picture is.
    let mut copy = picture.thumbnail(width.min(picture.width()), height.min(picture.height()));
    copy.apply_orientation(measured.turn);
    copy
}

fn blurred(picture: &DynamicImage, measured: Measured) -> Option<String> {
    let tiny = copy(picture, measured, (BLURRED_SIDE, BLURRED_SIDE)).into_rgba8();
    let (width, height) = tiny.dimensions();
    blurhash::encode(BLURRED_WAVES.0, BLURRED_WAVES.1, width, height, tiny.as_raw()).ok()
}

fn shrink(picture: &DynamicImage, measured: Measured) -> Option<Small> {
    let small = copy(picture, measured, SMALL);
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

    #[test]
    fn a_photo_on_its_side_agrees_with_its_small_copy() {
        let mut photo = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(1_600, 900).write_to(&mut photo, ImageFormat::Jpeg).unwrap();
        let photo = photo.into_inner();
        // Exif: a little-endian directory with one tag, which says that the camera was held on its side.
        let exif = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let turned = [&photo[..2], exif, &photo[2..]].concat();
        let upright = look(file(&photo), ImageType::Jpeg);
        let look = look(file(&turned), ImageType::Jpeg);
        let size = |look: &Look| (look.size, look.small.as_ref().map(|small| small.size));
        assert_eq!(size(&upright), (Some((1_600, 900)), Some((800, 450))));
        assert_eq!(size(&look), (Some((900, 1_600)), Some((338, 600))));
    }

    #[test]
    fn a_large_file_with_the_head_of_a_photo_stays_packed() {
        let mut photo = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(1_600, 900).write_to(&mut photo, ImageFormat::Jpeg).unwrap();
        let large = [photo.into_inner(), vec![7; 41 * 1024 * 1024]].concat();
        assert_eq!(look(file(&large), ImageType::Jpeg), Look { size: Some((1_600, 900)), ..Look::default() });
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
