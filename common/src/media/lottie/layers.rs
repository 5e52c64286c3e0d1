//! Layers upon each other: which of them show at a frame, where they stand, and what hides a part of them.

use std::collections::HashMap;

use serde_json::Value;
use tiny_skia::{
    BlendMode, FillRule, Mask, MaskType, Paint, PathBuilder, Pixmap, PixmapPaint, Point, Rect, Transform,
};

use super::{
    DEPTH_MAX, LottieError, Work, brush, is_hidden,
    outline::curve,
    shapes,
    value::{float, is_true, list, matrix, number},
};

/// What each layer costs beside the pixels that it touches.
const LAYER_WORK: u64 = 256;

/// Kinds of layers: another composition, a plain area, shapes.
const COMPOSITION: u64 = 0;
const PLAIN: u64 = 1;
const SHAPES: u64 = 4;

/// A document while a frame is drawn.
pub(super) struct Stage<'a> {
    document: &'a Value,
    assets: HashMap<&'a str, &'a [Value]>,
    work: &'a mut Work,
}

/// Layers of one composition.
struct Set<'a> {
    layers: &'a [Value],
    /// The layers by the numbers that they call each other.
    numbers: HashMap<i64, usize>,
}

/// Where a composition stands, when, and how deep.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) matrix: Transform,
    pub(super) frame: f32,
    pub(super) depth: usize,
}

impl<'a> Stage<'a> {
    /// Makes the document ready.
    pub(super) fn new(document: &'a Value, work: &'a mut Work) -> Self {
        let composition = |asset: &'a Value| Some((asset["id"].as_str()?, list(&asset["layers"])));
        let assets = list(&document["assets"]).iter().filter_map(composition).collect();
        Self { document, assets, work }
    }

    /// Draws layers, the last one first.
    pub(super) fn composition(
        &mut self,
        canvas: &mut Pixmap,
        layers: &'a [Value],
        place: Place,
    ) -> Result<(), LottieError> {
        let numbered = |(nth, layer): (usize, &Value)| Some((layer["ind"].as_i64()?, nth));
        let set = Set { layers, numbers: layers.iter().enumerate().filter_map(numbered).collect() };
        for nth in (0..layers.len()).rev() {
            self.work.spend(LAYER_WORK)?;
            // What masks another layer is not shown itself.
            if !is_true(&layers[nth]["td"]) {
                self.layer(canvas, &set, nth, place)?;
            }
        }
        Ok(())
    }

    fn layer(
        &mut self,
        canvas: &mut Pixmap,
        set: &Set<'a>,
        nth: usize,
        place: Place,
    ) -> Result<(), LottieError> {
        if place.depth > DEPTH_MAX {
            return Err(LottieError::TooIntricate);
        }
        let (layer, frame) = (&set.layers[nth], place.frame);
        let is_there = float(&layer["ip"]) <= frame && frame < float(&layer["op"]);
        let opacity = number(&layer["ks"]["o"], frame, 100.0) / 100.0;
        if !is_there || is_hidden(layer) || opacity <= 0.0 {
            return Ok(());
        }
        let own = Place { matrix: self.matrix(set, nth, place)?, ..place };
        let masks = list(&layer["masksProperties"]);
        let blend_mode = blend_mode(&layer["bm"]);
        let is_plain = opacity >= 1.0 && masks.is_empty() && blend_mode == BlendMode::SourceOver;
        if is_plain && float(&layer["tt"]) == 0.0 {
            return self.content(canvas, layer, own);
        }
        let mut sheet = self.sheet(canvas)?;
        self.content(&mut sheet, layer, own)?;
        if let Some(mask) = self.masks(canvas, masks, own)? {
            leave(&mut sheet, &mask);
        }
        if let Some(mask) = self.matte(canvas, set, nth, place)? {
            leave(&mut sheet, &mask);
        }
        lay(canvas, &sheet, (blend_mode, opacity.min(1.0)));
        Ok(())
    }

    /// The place of a layer, which may hang on others.
    fn matrix(&mut self, set: &Set<'a>, nth: usize, place: Place) -> Result<Transform, LottieError> {
        let mut layer = &set.layers[nth];
        let mut whole = matrix(&layer["ks"], place.frame);
        for _ in 0..DEPTH_MAX {
            let parent = layer["parent"].as_i64().and_then(|parent| set.numbers.get(&parent));
            let Some(parent) = parent else { return Ok(place.matrix.pre_concat(whole)) };
            self.work.spend(LAYER_WORK)?;
            layer = &set.layers[*parent];
            whole = matrix(&layer["ks"], place.frame).pre_concat(whole);
        }
        Err(LottieError::TooIntricate)
    }

    fn content(&mut self, canvas: &mut Pixmap, layer: &'a Value, place: Place) -> Result<(), LottieError> {
        match layer["ty"].as_u64() {
            Some(COMPOSITION) => self.inner(canvas, layer, place),
            Some(PLAIN) => self.plain(canvas, layer, place),
            Some(SHAPES) => shapes::paint(canvas, &layer["shapes"], place, self.work),
            // Words, pictures and cameras are not drawn.
            _ => Ok(()),
        }
    }

    /// A composition within another one, which has a time and an edge of its own.
    fn inner(&mut self, canvas: &mut Pixmap, layer: &'a Value, place: Place) -> Result<(), LottieError> {
        let Some(layers) = layer["refId"].as_str().and_then(|id| self.assets.get(id).copied()) else {
            return Ok(());
        };
        let stretch = Some(float(&layer["sr"])).filter(|stretch| *stretch != 0.0).unwrap_or(1.0);
        let frame = match &layer["tm"] {
            Value::Null => (place.frame - float(&layer["st"])) / stretch,
            seconds => number(seconds, place.frame, 0.0) * float(&self.document["fr"]),
        };
        let inner = Place { frame, depth: place.depth + 1, ..place };
        let edge = Rect::from_xywh(0.0, 0.0, float(&layer["w"]), float(&layer["h"]));
        let is_edge = |edge: &Rect| !edge.is_empty() && !holds(edge, canvas, place.matrix);
        let Some(edge) = edge.filter(is_edge) else {
            return self.composition(canvas, layers, inner);
        };
        let mut own = self.sheet(canvas)?;
        self.composition(&mut own, layers, inner)?;
        let mut mask = self.mask(canvas)?;
        mask.fill_path(&PathBuilder::from_rect(edge), FillRule::Winding, true, place.matrix);
        leave(&mut own, &mask);
        lay(canvas, &own, (BlendMode::SourceOver, 1.0));
        Ok(())
    }

    fn plain(&mut self, canvas: &mut Pixmap, layer: &Value, place: Place) -> Result<(), LottieError> {
        let area = Rect::from_xywh(0.0, 0.0, float(&layer["sw"]), float(&layer["sh"]));
        let (Some(area), Some(shader)) = (area, brush::plain(&layer["sc"])) else { return Ok(()) };
        self.work.spend(pixels(canvas))?;
        let paint = Paint { shader, ..Paint::default() };
        canvas.fill_rect(area, &paint, place.matrix, None);
        Ok(())
    }

    /// What the masks of a layer leave of it; `None` where there are none.
    fn masks(&mut self, canvas: &Pixmap, masks: &[Value], place: Place) -> Result<Option<Mask>, LottieError> {
        self.work.spend(masks.len() as u64 * LAYER_WORK)?;
        let mut masks = masks.iter().filter(|mask| mode(mask) != "n").peekable();
        let Some(first) = masks.peek() else { return Ok(None) };
        let mut whole = self.mask(canvas)?;
        // What adds begins with nothing, what takes away begins with everything.
        if mode(first) != "a" {
            whole.invert();
        }
        for mask in masks {
            let mut one = self.mask(canvas)?;
            if let Some(path) = curve(&mask["pt"], place.frame, self.work)? {
                self.work.spend(path.len() as u64 * LAYER_WORK)?;
                one.fill_path(&path, FillRule::Winding, true, place.matrix);
            }
            if is_true(&mask["inv"]) {
                one.invert();
            }
            let opacity = (number(&mask["o"], place.frame, 100.0) / 100.0).clamp(0.0, 1.0);
            combine(&mut whole, &one, (mode(mask), opacity));
        }
        Ok(Some(whole))
    }

    /// What another layer leaves of this one; `None` where there is no such.
    fn matte(
        &mut self,
        canvas: &Pixmap,
        set: &Set<'a>,
        nth: usize,
        place: Place,
    ) -> Result<Option<Mask>, LottieError> {
        let kind = float(&set.layers[nth]["tt"]) as u8;
        let named = set.layers[nth]["tp"].as_i64().and_then(|other| set.numbers.get(&other).copied());
        let Some(other) = named.or(nth.checked_sub(1)).filter(|_| (1..=4).contains(&kind)) else {
            return Ok(None);
        };
        let mut sheet = self.sheet(canvas)?;
        self.layer(&mut sheet, set, other, Place { depth: place.depth + 1, ..place })?;
        let mask_type = if kind > 2 { MaskType::Luminance } else { MaskType::Alpha };
        let mut mask = Mask::from_pixmap(sheet.as_ref(), mask_type);
        if kind.is_multiple_of(2) {
            mask.invert();
        }
        Ok(Some(mask))
    }

    /// An empty sheet of the size of the canvas, paid for with its way back onto it.
    fn sheet(&mut self, canvas: &Pixmap) -> Result<Pixmap, LottieError> {
        self.work.spend(2 * pixels(canvas))?;
        Pixmap::new(canvas.width(), canvas.height()).ok_or(LottieError::Fault)
    }

    fn mask(&mut self, canvas: &Pixmap) -> Result<Mask, LottieError> {
        self.work.spend(2 * pixels(canvas))?;
        Mask::new(canvas.width(), canvas.height()).ok_or(LottieError::Fault)
    }
}

/// How a mask is joined to those before it.
fn mode(mask: &Value) -> &str {
    mask["mode"].as_str().unwrap_or("a")
}

/// The product of two shares of 255.
fn times(one: u8, other: u8) -> u8 {
    (u16::from(one) * u16::from(other) / 255) as u8
}

/// Adds a mask to those before it.
fn combine(whole: &mut Mask, one: &Mask, (mode, opacity): (&str, f32)) {
    for (before, new) in whole.data_mut().iter_mut().zip(one.data()) {
        let new = (f32::from(*new) * opacity) as u8;
        *before = match mode {
            "s" => times(*before, 255 - new),
            "i" => times(*before, new),
            "l" => new.max(*before),
            "d" => new.min(*before),
            "f" => new.abs_diff(*before),
            _ => 255 - times(255 - *before, 255 - new),
        };
    }
}

/// Leaves of a sheet what a mask lets through.
fn leave(sheet: &mut Pixmap, mask: &Mask) {
    for (pixel, left) in sheet.data_mut().chunks_exact_mut(4).zip(mask.data()) {
        pixel.iter_mut().for_each(|part| *part = times(*part, *left));
    }
}

/// Lays a sheet onto the canvas. The usual way is done here, several times as fast as the library's way through floating points.
fn lay(canvas: &mut Pixmap, sheet: &Pixmap, (blend_mode, opacity): (BlendMode, f32)) {
    if blend_mode != BlendMode::SourceOver {
        let paint = PixmapPaint { opacity, blend_mode, ..PixmapPaint::default() };
        return canvas.draw_pixmap(0, 0, sheet.as_ref(), &paint, Transform::identity(), None);
    }
    let opacity = (opacity * 255.0).round() as u8;
    let pixels = canvas.data_mut().chunks_exact_mut(4).zip(sheet.data().chunks_exact(4));
    for (below, above) in pixels.filter(|(_, above)| above[3] != 0) {
        let seen_through = 255 - times(above[3], opacity);
        for (below, above) in below.iter_mut().zip(above) {
            *below = times(*above, opacity) + times(*below, seen_through);
        }
    }
}

/// Whether an area covers the whole canvas.
fn holds(area: &Rect, canvas: &Pixmap, matrix: Transform) -> bool {
    /// As much as rounding may make of it.
    const SLACK: f32 = 0.5;
    let Some(back) = matrix.invert() else { return false };
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let mut corners = [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)].map(Point::from);
    back.map_points(&mut corners);
    let is_across = |x: f32| (area.left() - SLACK..=area.right() + SLACK).contains(&x);
    let is_down = |y: f32| (area.top() - SLACK..=area.bottom() + SLACK).contains(&y);
    corners.iter().all(|corner| is_across(corner.x) && is_down(corner.y))
}

fn blend_mode(written: &Value) -> BlendMode {
    match written.as_u64() {
        Some(1) => BlendMode::Multiply,
        Some(2) => BlendMode::Screen,
        Some(3) => BlendMode::Overlay,
        Some(4) => BlendMode::Darken,
        Some(5) => BlendMode::Lighten,
        Some(6) => BlendMode::ColorDodge,
        Some(7) => BlendMode::ColorBurn,
        Some(8) => BlendMode::HardLight,
        Some(9) => BlendMode::SoftLight,
        Some(10) => BlendMode::Difference,
        Some(11) => BlendMode::Exclusion,
        Some(12) => BlendMode::Hue,
        Some(13) => BlendMode::Saturation,
        Some(14) => BlendMode::Color,
        Some(15) => BlendMode::Luminosity,
        Some(16) => BlendMode::Plus,
        _ => BlendMode::SourceOver,
    }
}

fn pixels(canvas: &Pixmap) -> u64 {
    u64::from(canvas.width()) * u64::from(canvas.height())
}
