//! The written picture: PNG, and PNG that moves (<https://www.w3.org/TR/png-3/#apng-frame-based-animation>).
//!
//! Chosen over GIF, which knows no half transparency, and over WebP, which no library here can write moving. Whoever does not let it
//! move sees one good frame. Frames are written as they come, each only where it differs from the one before, so that few are ever in memory.

use std::io::{self, Write};

use png::{BitDepth, BlendOp, ColorType, Compression, DisposeOp, Encoder, Writer};
use tiny_skia::{IntRect, Pixmap};

use super::MOVING_BYTES_MAX;

/// A picture that does not move.
pub(super) fn still(picture: &Pixmap) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = encoder(&mut bytes, picture).write_header().ok()?;
    writer.write_image_data(&picture.clone().take_demultiplied()).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn encoder<W: Write>(into: W, picture: &Pixmap) -> Encoder<'static, W> {
    let mut encoder = Encoder::new(into, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder
}

/// A picture that moves through `count` frames; `None` when nothing moves in them, one is missing, or it becomes too large.
///
/// `shown` stands for all of them and is none of them itself.
pub(super) fn moving(
    shown: &Pixmap,
    (count, delay_ms): (u16, u16),
    mut frame: impl FnMut(u16) -> Option<Pixmap>,
) -> Option<Vec<u8>> {
    let mut bytes = Capped(Vec::new());
    let mut encoder = encoder(&mut bytes, shown);
    encoder.set_animated(count.into(), 0).ok()?;
    encoder.set_sep_def_img(true).ok()?;
    encoder.set_frame_delay(delay_ms, 1_000).ok()?;
    encoder.set_blend_op(BlendOp::Source).ok()?;
    encoder.set_dispose_op(DisposeOp::None).ok()?;
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&shown.clone().take_demultiplied()).ok()?;
    let mut before: Option<Pixmap> = None;
    let mut does_move = false;
    for nth in 0..count {
        let new = frame(nth)?;
        let area = before.as_ref().map_or_else(|| whole(&new), |before| changed(before, &new));
        does_move |= before.is_some() && area.is_some();
        // A frame that changes nothing is one point of the frame before.
        add(&mut writer, &new, area.or(IntRect::from_xywh(0, 0, 1, 1))?)?;
        before = Some(new);
    }
    writer.finish().ok()?;
    does_move.then_some(bytes.0)
}

fn add<W: Write>(writer: &mut Writer<W>, frame: &Pixmap, area: IntRect) -> Option<()> {
    let part = frame.clone_rect(area)?;
    writer.reset_frame_position().ok()?;
    writer.set_frame_dimension(area.width(), area.height()).ok()?;
    writer.set_frame_position(area.left().try_into().ok()?, area.top().try_into().ok()?).ok()?;
    writer.write_image_data(&part.take_demultiplied()).ok()
}

fn whole(frame: &Pixmap) -> Option<IntRect> {
    IntRect::from_xywh(0, 0, frame.width(), frame.height())
}

/// The smallest area that holds all points in which two frames differ.
fn changed(before: &Pixmap, after: &Pixmap) -> Option<IntRect> {
    let width = after.width() as usize;
    let (mut rows, mut columns) = (None::<(usize, usize)>, None::<(usize, usize)>);
    let pairs = before.pixels().chunks_exact(width).zip(after.pixels().chunks_exact(width));
    for (row, (old, new)) in pairs.enumerate() {
        let Some(left) = old.iter().zip(new).position(|(old, new)| old != new) else { continue };
        let right = old.iter().zip(new).rposition(|(old, new)| old != new).unwrap_or(left);
        rows = Some((rows.map_or(row, |(top, _)| top), row));
        columns = Some(columns.map_or((left, right), |(most, least)| (most.min(left), least.max(right))));
    }
    let ((top, bottom), (left, right)) = (rows?, columns?);
    let length = |from: usize, to: usize| u32::try_from(to - from + 1).ok();
    let (x, y) = (i32::try_from(left).ok()?, i32::try_from(top).ok()?);
    IntRect::from_xywh(x, y, length(left, right)?, length(top, bottom)?)
}

/// Bytes up to [`MOVING_BYTES_MAX`].
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOVING_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
