//! Lottie drawings become pictures: a moving PNG where it moves, a still one where it does not or where moving would cost too much.
//!
//! Lottie (<https://lottie.github.io/lottie-spec/>) is a drawing program in JSON, and here it comes from strangers. So it is read without
//! believing any of it: what is missing or of the wrong form counts as not said, what is not known (words, photographs, expressions, effects)
//! is left out, and every step is paid from a purse of [`Work`]. The purse counts what is drawn and not time, so that the same document has
//! the same end everywhere. Blocking: runs on a thread of its own. Next: `layers`, then `shapes`, `outline`, `brush`, `value`; `picture`
//! writes what was drawn.

use serde_json::Value;
use tiny_skia::{Pixmap, Transform};

use self::{
    layers::{Place, Stage},
    picture::{moving, still},
    value::{float, is_true},
};

mod brush;
mod layers;
mod outline;
mod picture;
mod shapes;
#[cfg(test)]
mod tests;
mod value;

/// The largest document: Discord's own cap for a sticker.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 512 * 1024;

/// So many objects may be in a document: each takes up to 700 bytes of memory once it is read.
const OBJECTS_MAX: usize = 20_000;

/// The longer side of a picture in pixels. Discord draws stickers at 160, Telegram at 512; larger ones are made smaller.
const SIDE_MAX: f32 = 320.0;

/// A canvas of more than this is no sticker.
const CANVAS_MAX: f32 = 10_000.0;

/// Compositions in each other, masks of masks and groups in groups, all together.
const DEPTH_MAX: usize = 24;

/// Work for one frame, in pixels touched: two hundred times the whole canvas.
const FRAME_WORK_MAX: u64 = 24_000_000;

/// Work for all frames together: one to two seconds.
const WORK_MAX: u64 = 400_000_000;

/// A moving picture shows at most so many frames a second,
const FRAMES_A_SECOND_MAX: f32 = 20.0;

/// and at most so many in all; a longer one moves less smoothly.
const FRAMES_MAX: u16 = 90;

/// A moving picture that is larger is shown still.
const MOVING_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Why a drawing did not become a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LottieError {
    /// It is larger than [`DOCUMENT_BYTES_MAX`] or has too many parts.
    #[error("the drawing is too large")]
    TooLarge,
    /// It is no Lottie document.
    #[error("the file is no drawing")]
    NotADrawing,
    /// It is too costly to draw, or nested too deeply.
    #[error("the drawing is too intricate")]
    TooIntricate,
    /// Nothing in it that we can draw can be seen.
    #[error("nothing of the drawing can be shown")]
    Blank,
    /// The drawing ended in a fault of ours.
    #[error("the drawing ended in a fault")]
    Fault,
}

/// What may still be spent on drawing.
struct Work {
    frame: u64,
    all: u64,
}

impl Work {
    /// Pays for a step, in pixels touched.
    fn spend(&mut self, pixels: u64) -> Result<(), LottieError> {
        self.frame = self.frame.checked_sub(pixels).ok_or(LottieError::TooIntricate)?;
        self.all = self.all.checked_sub(pixels).ok_or(LottieError::TooIntricate)?;
        Ok(())
    }
}

/// Draws a document; the answer is a PNG, which moves if the document does.
///
/// Whoever does not let it move shows the first frame, or the middle one where the first is blank, as it is when things fly in.
pub(super) fn draw(document: &[u8]) -> Result<Vec<u8>, LottieError> {
    if document.len() as u64 > DOCUMENT_BYTES_MAX || objects(document) > OBJECTS_MAX {
        return Err(LottieError::TooLarge);
    }
    let document: Value = serde_json::from_slice(document).map_err(|_| LottieError::NotADrawing)?;
    let mut drawing = Drawing::new(&document).ok_or(LottieError::NotADrawing)?;
    let first = drawing.frame(0.0)?;
    let shown = if is_blank(&first) { drawing.frame(0.5)? } else { first };
    if is_blank(&shown) {
        return Err(LottieError::Blank);
    }
    match drawing.moving(&shown) {
        Some(moving) => Ok(moving),
        None => still(&shown).ok_or(LottieError::Fault),
    }
}

/// Counted before anything is read, inside of strings, too: it is a cap and no measure.
fn objects(document: &[u8]) -> usize {
    document.iter().filter(|byte| **byte == b'{').count()
}

/// A document and what it says of itself.
struct Drawing<'a> {
    document: &'a Value,
    /// Width and height of the picture.
    size: (u32, u32),
    /// From the document's canvas to the picture.
    scale: Transform,
    /// First and last frame, in the document's own count.
    frames: (f32, f32),
    /// In seconds.
    length: f32,
    work: Work,
}

impl<'a> Drawing<'a> {
    fn new(document: &'a Value) -> Option<Self> {
        let (width, height) = (float(&document["w"]), float(&document["h"]));
        let is_canvas = |side: f32| (1.0..=CANVAS_MAX).contains(&side);
        if !is_canvas(width) || !is_canvas(height) || !document["layers"].is_array() {
            return None;
        }
        let frames = (float(&document["ip"]), float(&document["op"]));
        let length = (frames.1 - frames.0) / float(&document["fr"]).max(1.0);
        let scale = (SIDE_MAX / width.max(height)).min(1.0);
        let pixels = |side: f32| (side * scale).round().max(1.0) as u32;
        let size = (pixels(width), pixels(height));
        let scale = Transform::from_scale(size.0 as f32 / width, size.1 as f32 / height);
        let work = Work { frame: 0, all: WORK_MAX };
        Some(Self { document, size, scale, frames, length, work })
    }

    /// Draws the frame at a place between the start, 0, and the end, 1.
    fn frame(&mut self, at: f32) -> Result<Pixmap, LottieError> {
        self.work.frame = FRAME_WORK_MAX;
        let (width, height) = self.size;
        let mut canvas = Pixmap::new(width, height).ok_or(LottieError::Fault)?;
        let frame = self.frames.0 + (self.frames.1 - self.frames.0) * at;
        let place = Place { matrix: self.scale, frame, depth: 0 };
        let layers = self.document["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        Stage::new(self.document, &mut self.work).composition(&mut canvas, layers, place)?;
        Ok(canvas)
    }

    /// The picture that moves; `None` when nothing does, or when it would cost too much.
    fn moving(&mut self, shown: &Pixmap) -> Option<Vec<u8>> {
        let is_length = self.length.is_finite() && self.length > 0.0;
        let count = if is_length { (self.length * FRAMES_A_SECOND_MAX).ceil() } else { 1.0 };
        let count = (count as u16).clamp(1, FRAMES_MAX);
        let last = FRAME_WORK_MAX - self.work.frame;
        if count == 1 || last * u64::from(count) > self.work.all {
            return None;
        }
        let delay_ms = (self.length * 1_000.0 / f32::from(count)).clamp(1.0, f32::from(u16::MAX)) as u16;
        moving(shown, (count, delay_ms), |nth| self.frame(f32::from(nth) / f32::from(count)).ok())
    }
}

/// Whether nothing can be seen.
fn is_blank(picture: &Pixmap) -> bool {
    picture.pixels().iter().all(|pixel| pixel.alpha() == 0)
}

/// Whether a part says that it is hidden.
fn is_hidden(part: &Value) -> bool {
    is_true(&part["hd"])
}
