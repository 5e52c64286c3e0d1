//! Heads of pictures: real ones, ones made by hand, and broken ones.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader};
use proptest::prelude::*;

use super::*;

/// A picture as the library packs it.
fn packed(image_type: ImageType, picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image_type.format()).unwrap();
    bytes.into_inner()
}

fn measure(image_type: ImageType, bytes: &[u8]) -> Option<Measured> {
    image_type.measure(&mut Cursor::new(bytes))
}

fn size(image_type: ImageType, bytes: &[u8]) -> Option<(u32, u32)> {
    measure(image_type, bytes).map(|measured| (measured.width, measured.height))
}

fn be16(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap().to_be_bytes()
}

/// A segment of a JPEG: its marker, its length, what is in it.
fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &be16(content.len() + 2), content].concat()
}

/// The head of a JPEG: what precedes its frame, the marker of its frame, the sampling of its components, how many of them its first scan has.
fn jpeg(before: &[u8], frame: u8, sampling: &[u8], scanned: u8) -> Vec<u8> {
    let mut header = vec![8, 0, 30, 0, 40, u8::try_from(sampling.len()).unwrap()];
    for (id, sampling) in (1..).zip(sampling) {
        header.extend([id, *sampling, 0]);
    }
    [&[0xff, 0xd8], before, &segment(frame, &header), &segment(0xda, &[scanned])].concat()
}

fn exif(is_little: bool, kind: u16, orientation: u16) -> Vec<u8> {
    let short = |it: u16| if is_little { it.to_le_bytes() } else { it.to_be_bytes() };
    let long = |it: u32| if is_little { it.to_le_bytes() } else { it.to_be_bytes() };
    let mark: &[u8] = if is_little { b"II*\0" } else { b"MM\0*" };
    let mut content = [b"Exif\0\0", mark, &long(8), &short(2)].concat();
    for (tag, kind, value) in [(0x010f, 2, 7), (ORIENTATION, kind, orientation)] {
        content.extend([&short(tag)[..], &short(kind), &long(1), &short(value), &short(0)].concat());
    }
    segment(0xe1, &content)
}

const ORIENTATION: u16 = 0x0112;

fn part(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let padding = vec![0; content.len() % 2];
    [name, &u32::try_from(content.len()).unwrap().to_le_bytes()[..], content, &padding].concat()
}

fn webp(parts: &[Vec<u8>]) -> Vec<u8> {
    let parts = parts.concat();
    [b"RIFF", &u32::try_from(parts.len() + 4).unwrap().to_le_bytes()[..], b"WEBP", &parts].concat()
}

fn lossy(width: u16, height: u16) -> Vec<u8> {
    let ([w0, w1], [h0, h1]) = (width.to_le_bytes(), height.to_le_bytes());
    part(b"VP8 ", &[0x10, 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1])
}

fn extended(flags: u8, width: u16, height: u16) -> Vec<u8> {
    let ([w0, w1], [h0, h1]) = ((width - 1).to_le_bytes(), (height - 1).to_le_bytes());
    part(b"VP8X", &[flags, 0, 0, 0, w0, w1, 0, h0, h1, 0])
}

#[test]
fn every_type_has_its_size() {
    for image_type in [ImageType::Png, ImageType::Jpeg, ImageType::Gif, ImageType::WebP] {
        for picture in [DynamicImage::new_rgb8(40, 30), DynamicImage::new_rgb8(1, 3_000)] {
            let bytes = packed(image_type, &picture);
            let wanted = Some((picture.width(), picture.height()));
            assert_eq!(size(image_type, &bytes), wanted, "{image_type:?}");
            for other in [ImageType::Png, ImageType::Jpeg, ImageType::Gif, ImageType::WebP] {
                assert!(
                    other == image_type || size(other, &bytes).is_none(),
                    "{image_type:?} is no {other:?}"
                );
            }
        }
    }
}

#[test]
fn unpacking_never_takes_less_than_the_library_says() {
    let pictures = [
        DynamicImage::new_luma8(64, 48),
        DynamicImage::new_luma_a8(64, 48),
        DynamicImage::new_rgb8(64, 48),
        DynamicImage::new_rgba8(64, 48),
        DynamicImage::new_luma16(64, 48),
        DynamicImage::new_rgb16(64, 48),
        DynamicImage::new_rgba16(64, 48),
    ];
    for picture in &pictures {
        let bytes = packed(ImageType::Png, picture);
        let decoder = ImageReader::with_format(Cursor::new(&bytes), ImageType::Png.format());
        let wanted = decoder.into_decoder().unwrap().total_bytes();
        let measured = measure(ImageType::Png, &bytes).unwrap().unpacking_bytes;
        let at_most = if picture.color().channel_count() == 1 { 2 * wanted } else { wanted };
        assert!((wanted..=at_most).contains(&measured), "{:?}: {measured} for {wanted}", picture.color());
    }
}

#[test]
fn a_jpeg_in_several_scans_costs_all_its_coefficients() {
    // 40 by 30 pixels; with halved colors that is 3 by 2 units of 6 blocks.
    let (shown, rows) = (40 * 30 * 3, 40 * 32 * 3 * 6);
    for (name, frame, sampling, scanned, kept) in [
        ("baseline", 0xc0, &[0x22, 0x11, 0x11][..], 3, 0),
        ("extended", 0xc1, &[0x22, 0x11, 0x11], 3, 0),
        ("progressive", 0xc2, &[0x22, 0x11, 0x11], 3, 3 * 2 * 6 * 64 * 2),
        ("a scan for each component", 0xc0, &[0x22, 0x11, 0x11], 1, 3 * 2 * 6 * 64 * 2),
        ("whole colors", 0xc2, &[0x11, 0x11, 0x11], 3, 5 * 4 * 3 * 64 * 2),
    ] {
        let bytes = jpeg(&[], frame, sampling, scanned);
        let head_and_file = 2 * bytes.len() as u64;
        let measured = measure(ImageType::Jpeg, &bytes).unwrap();
        assert_eq!((measured.width, measured.height), (40, 30), "{name}");
        assert_eq!(measured.unpacking_bytes, shown + rows + kept + head_and_file, "{name}");
    }
    let packed = packed(ImageType::Jpeg, &DynamicImage::new_rgb8(40, 30));
    let large = [&packed[..], &vec![0; 1_000_000]].concat();
    assert!(measure(ImageType::Jpeg, &large).unwrap().unpacking_bytes > 1_000_000, "the file is taken in");
}

#[test]
fn a_photo_on_its_side_is_measured_as_it_is_shown() {
    for (name, before, wanted) in [
        ("none", Vec::new(), (40, 30)),
        ("upright", exif(true, 3, 1), (40, 30)),
        ("upside down", exif(true, 3, 3), (40, 30)),
        ("on its side", exif(true, 3, 6), (30, 40)),
        ("on its other side, from a Canon", exif(false, 3, 8), (30, 40)),
        ("turned and mirrored", exif(false, 3, 5), (30, 40)),
        ("no such orientation", exif(true, 3, 9), (40, 30)),
        ("a long one", exif(true, 4, 6), (40, 30)),
        ("cut", segment(0xe1, b"Exif\0\0II*\0"), (40, 30)),
        ("a directory far away", segment(0xe1, b"Exif\0\0II*\0\xff\xff\xff\xff"), (40, 30)),
        ("another APP1", segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0"), (40, 30)),
        ("fill bytes", [vec![0xff; 9], exif(true, 3, 6)].concat(), (30, 40)),
    ] {
        assert_eq!(size(ImageType::Jpeg, &jpeg(&before, 0xc0, &[0x11; 3], 3)), Some(wanted), "{name}");
    }
}

#[test]
fn broken_jpegs_have_no_size() {
    let whole = jpeg(&[], 0xc0, &[0x11; 3], 3);
    for (name, bytes) in [
        ("only a start", vec![0xff, 0xd8, 0xff]),
        ("zeros without an end", [&[0xff, 0xd8, 0xff][..], &[0; 4_096]].concat()),
        ("no components", jpeg(&[], 0xc0, &[], 0)),
        ("five components", jpeg(&[], 0xc0, &[0x11; 5], 5)),
        ("sampled never", jpeg(&[], 0xc0, &[0x01; 3], 3)),
        ("sampled fifteen times", jpeg(&[], 0xc0, &[0xff; 3], 3)),
        ("a length that goes back", [&whole[..2], &[0xff, 0xe0, 0, 0], &whole[2..]].concat()),
        ("a scan first", [&whole[..2], &segment(0xda, &[3]), &whole[2..]].concat()),
        ("an end first", [&whole[..2], &[0xff, 0xd9], &whole[2..]].concat()),
        ("too many segments", [&whole[..2], &segment(0xfe, b"").repeat(PARTS_MAX), &whole[2..]].concat()),
    ] {
        assert_eq!(measure(ImageType::Jpeg, &bytes), None, "{name}");
    }
}

#[test]
fn a_png_that_breaks_its_own_rules_has_no_size() {
    let whole = packed(ImageType::Png, &DynamicImage::new_rgb8(40, 30));
    for (name, at, byte) in [
        ("a header of another length", 11, 14),
        ("another first part", 12, b'X'),
        ("three bits a sample", 24, 3),
        ("an unknown color type", 25, 5),
        ("unknown compression", 26, 1),
        ("unknown interlacing", 28, 2),
    ] {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        assert_eq!(measure(ImageType::Png, &bytes), None, "{name}");
    }
    let mut flat = whole.clone();
    flat[16..20].fill(0);
    assert_eq!(measure(ImageType::Png, &flat), None);
}

#[test]
fn a_webp_is_as_expensive_as_the_largest_picture_inside() {
    let small = measure(ImageType::WebP, &webp(&[extended(0, 8, 8), lossy(8, 8)])).unwrap();
    assert_eq!((small.width, small.height), (8, 8));
    assert!(small.unpacking_bytes < 2_000);
    let frame = |picture| part(b"ANMF", &[vec![0; 16], picture].concat());
    for (name, parts) in [
        ("larger than its canvas", vec![extended(0, 8, 8), lossy(16_000, 16_000)]),
        ("after something else", vec![extended(0, 8, 8), part(b"EXIF", b"odd"), lossy(16_000, 16_000)]),
        ("the second", vec![extended(0, 8, 8), lossy(8, 8), lossy(16_000, 16_000)]),
        ("in a frame", vec![extended(2, 8, 8), frame(lossy(16_000, 16_000))]),
        ("in a frame behind another", vec![extended(2, 8, 8), lossy(8, 8), frame(lossy(16_000, 16_000))]),
        ("without an end", vec![extended(0, 8, 8), part(b"EXIF", b"").repeat(PARTS_MAX)]),
    ] {
        let measured = measure(ImageType::WebP, &webp(&parts)).unwrap();
        assert_eq!((measured.width, measured.height), (8, 8), "{name}");
        assert!(measured.unpacking_bytes >= 16_000 * 16_000, "{name}: {measured:?}");
    }
    let many = vec![frame(lossy(8, 8)).repeat(5_000)];
    let moving = measure(ImageType::WebP, &webp(&[vec![extended(2, 8, 8)], many].concat())).unwrap();
    assert!(moving.unpacking_bytes < 1_000_000, "only the first frame is looked at");
}

proptest! {
    #[test]
    fn no_head_does_harm(
        nth in 0..7_usize,
        broken in prop::collection::vec((0..400_usize, any::<u8>()), 0..8),
        length in 0..400_usize,
    ) {
        let moving = part(b"ANMF", &[vec![0; 16], lossy(8, 8)].concat());
        let heads = [
            (ImageType::Png, packed(ImageType::Png, &DynamicImage::new_rgba16(40, 30))),
            (ImageType::Jpeg, packed(ImageType::Jpeg, &DynamicImage::new_rgb8(40, 30))),
            (ImageType::Jpeg, jpeg(&exif(true, 3, 6), 0xc2, &[0x22, 0x11, 0x11], 3)),
            (ImageType::Gif, packed(ImageType::Gif, &DynamicImage::new_rgb8(40, 30))),
            (ImageType::WebP, packed(ImageType::WebP, &DynamicImage::new_rgb8(40, 30))),
            (ImageType::WebP, webp(&[extended(0x10, 40, 30), lossy(40, 30)])),
            (ImageType::WebP, webp(&[extended(2, 40, 30), moving])),
        ];
        let (image_type, mut bytes) = heads[nth].clone();
        for (at, byte) in broken {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(length);
        if let Some(measured) = measure(image_type, &bytes) {
            prop_assert!(measured.width > 0 && measured.height > 0);
            prop_assert!(measured.unpacking_bytes >= pixels(measured.width, measured.height));
        }
    }
}
