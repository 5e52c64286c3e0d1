//! What a picture is, from its first bytes alone.

use image::ImageFormat;

/// The pictures that we pass on. SVG is not one of them: it can carry a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageType {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
}

impl ImageType {
    /// How many bytes [`ImageType::sniff`] needs.
    pub const SNIFF_BYTES: usize = 12;

    /// Reads the type from the first bytes.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            return Some(Self::Gif);
        }
        let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        webp.then_some(Self::WebP)
    }

    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }

    /// What the library that unpacks it calls it.
    pub(super) fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Gif => ImageFormat::Gif,
            Self::WebP => ImageFormat::WebP,
        }
    }

    /// A file name that tells nothing but the type.
    pub fn filename(self) -> &'static str {
        match self {
            Self::Png => "avatar.png",
            Self::Jpeg => "avatar.jpg",
            Self::Gif => "avatar.gif",
            Self::WebP => "avatar.webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_bytes_decide() {
        let table: [(&[u8], Option<ImageType>); 8] = [
            (b"\x89PNG\r\n\x1a\nrest", Some(ImageType::Png)),
            (b"\xff\xd8\xff\xe0", Some(ImageType::Jpeg)),
            (b"GIF89a...", Some(ImageType::Gif)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(ImageType::WebP)),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"<svg xmlns=", None),
            (b"<html>", None),
            (b"", None),
        ];
        for (bytes, expected) in table {
            assert_eq!(ImageType::sniff(bytes), expected, "{bytes:?}");
        }
    }
}
