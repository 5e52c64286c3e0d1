//! A QR code as a picture (ISO/IEC 18004): large enough for a phone to read it from a screen.

use bytes::Bytes;
use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

use super::tell::Picture;

/// The width of one module, in pixels.
const MODULE: u32 = 8;

/// The quiet zone around the code, in modules.
const QUIET: u32 = 4;

/// The picture of a code; none when the text is longer than any code.
pub(super) fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let modules = u32::try_from(code.width()).ok()?;
    let side = (modules + 2 * QUIET) * MODULE;
    let colors = code.to_colors();
    let is_dark = |x: u32, y: u32| {
        let (x, y) = (x.checked_sub(QUIET)?, y.checked_sub(QUIET)?);
        let inside = (x < modules && y < modules).then(|| (y * modules + x) as usize)?;
        colors.get(inside).map(|color| *color == Color::Dark)
    };
    let picture = GrayImage::from_fn(side, side, |x, y| match is_dark(x / MODULE, y / MODULE) {
        Some(true) => Luma([0]),
        _ => Luma([255]),
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(Picture { name: "qr.png", png: Bytes::from(png.into_inner()), side })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corners_and_a_quiet_zone() {
        let picture = picture("https://example.org/pair/abc").unwrap();
        let read = image::load_from_memory(&picture.png).unwrap().into_luma8();
        assert_eq!((read.width(), read.height()), (picture.side, picture.side));
        let module = |x: u32, y: u32| read.get_pixel(x * MODULE + 3, y * MODULE + 3)[0];
        assert_eq!(module(0, 0), 255);
        // A finder pattern: a dark ring, a light one, a dark middle.
        assert_eq!(
            [module(QUIET, QUIET), module(QUIET + 1, QUIET + 1), module(QUIET + 3, QUIET + 3)],
            [0, 255, 0]
        );
        assert!(super::picture(&"x".repeat(5_000)).is_none());
    }
}
