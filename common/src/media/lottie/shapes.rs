//! The shapes of a layer: groups of outlines, brushes and what changes outlines.
//!
//! A brush paints every outline that stands before it in its group, and what stands first lies on top. What changes outlines (a cut, a
//! repetition) reaches those before it, even where a brush has taken them already. So all is gathered first and painted at the end.

use std::{ops::Range, rc::Rc};

use serde_json::Value;
use tiny_skia::{Paint, Path, PathBuilder, Pixmap, Rect, Transform};

use super::{
    DEPTH_MAX, LottieError, Work,
    brush::{Brush, brush},
    is_hidden,
    layers::Place,
    outline::{POINT_WORK, cut, outline},
    value::{float, list, matrix, number, pair},
};

/// What each shape costs beside the pixels that it touches and the points that it has.
const SHAPE_WORK: u64 = 64;

/// So many times a group is repeated at most.
const COPIES_MAX: f32 = 64.0;

/// So many outlines and strokes a layer has at most, repetitions counted.
const PARTS_MAX: usize = 8_192;

/// What reaches further out from the canvas, in pixels, is not drawn: the library counts in ways that end there.
const REACH_MAX: f32 = 30_000.0;

/// A layer on its way onto the canvas.
pub(super) struct Shapes<'a> {
    frame: f32,
    work: &'a mut Work,
    outlines: Vec<Outline>,
    strokes: Vec<Painted>,
}

/// An outline, and the way from its group to the canvas.
#[derive(Clone)]
struct Outline {
    /// None when all of it was cut away.
    path: Option<Rc<Path>>,
    matrix: Transform,
}

/// A brush that paints some of the outlines.
#[derive(Clone)]
struct Painted {
    brush: Brush,
    outlines: Range<usize>,
    matrix: Transform,
}

/// Where a group stands.
#[derive(Clone, Copy)]
struct Group {
    matrix: Transform,
    opacity: f32,
    depth: usize,
}

/// Paints the shapes of a layer.
pub(super) fn paint(
    canvas: &mut Pixmap,
    shapes: &Value,
    Place { matrix, frame, depth }: Place,
    work: &mut Work,
) -> Result<(), LottieError> {
    let mut all = Shapes { frame, work, outlines: Vec::new(), strokes: Vec::new() };
    all.gather(list(shapes), Group { matrix, opacity: 1.0, depth })?;
    for stroke in std::mem::take(&mut all.strokes).iter().rev() {
        all.stroke(canvas, stroke)?;
    }
    Ok(())
}

impl Shapes<'_> {
    fn gather(&mut self, items: &[Value], group: Group) -> Result<(), LottieError> {
        if group.depth > DEPTH_MAX {
            return Err(LottieError::TooIntricate);
        }
        let start = (self.outlines.len(), self.strokes.len());
        for item in items {
            self.work.spend(SHAPE_WORK)?;
            if is_hidden(item) {
                continue;
            }
            match item["ty"].as_str() {
                Some("gr") => self.group(&item["it"], group)?,
                Some("tm") => self.cut(item, start.0)?,
                Some("rp") => self.repeat(item, group, start)?,
                Some("fl" | "st" | "gf" | "gs") => self.brush(item, group, start.0)?,
                _ => self.outline(item, group)?,
            }
        }
        Ok(())
    }

    fn group(&mut self, items: &Value, group: Group) -> Result<(), LottieError> {
        let items = list(items);
        let own = items.iter().find(|item| item["ty"] == "tr").unwrap_or(&Value::Null);
        let matrix = group.matrix.pre_concat(matrix(own, self.frame));
        let opacity = group.opacity * number(&own["o"], self.frame, 100.0) / 100.0;
        self.gather(items, Group { matrix, opacity, depth: group.depth + 1 })
    }

    fn outline(&mut self, item: &Value, group: Group) -> Result<(), LottieError> {
        let Some(path) = outline(item, self.frame, self.work)? else { return Ok(()) };
        self.outlines.push(Outline { path: Some(Rc::new(path)), matrix: group.matrix });
        self.is_within_bounds()
    }

    fn brush(&mut self, item: &Value, group: Group, start: usize) -> Result<(), LottieError> {
        let Some(brush) = brush(item, (self.frame, group.opacity), self.work)? else { return Ok(()) };
        let outlines = start..self.outlines.len();
        self.strokes.push(Painted { brush, outlines, matrix: group.matrix });
        self.is_within_bounds()
    }

    fn is_within_bounds(&self) -> Result<(), LottieError> {
        let parts = self.outlines.len() + self.strokes.len();
        if parts > PARTS_MAX { Err(LottieError::TooIntricate) } else { Ok(()) }
    }

    /// Pays for a walk along outlines, before it is walked.
    fn pay_for(&mut self, outlines: Range<usize>) -> Result<(), LottieError> {
        let walked = self.outlines.get(outlines).unwrap_or_default();
        let points: usize =
            walked.iter().filter_map(|outline| outline.path.as_ref()).map(|path| path.len()).sum();
        self.work.spend(walked.len() as u64 * SHAPE_WORK + points as u64 * POINT_WORK)
    }

    /// Leaves only a part of the length of every outline so far.
    fn cut(&mut self, item: &Value, start: usize) -> Result<(), LottieError> {
        let share = |name: &str, otherwise: f32| number(&item[name], self.frame, otherwise) / 100.0;
        let (from, to) = (share("s", 0.0).clamp(0.0, 1.0), share("e", 100.0).clamp(0.0, 1.0));
        let (from, to) = (from.min(to), from.max(to));
        if to - from >= 1.0 {
            return Ok(());
        }
        let shifted = (from + number(&item["o"], self.frame, 0.0) / 360.0).rem_euclid(1.0);
        self.pay_for(start..self.outlines.len())?;
        let paths: Vec<Option<Rc<Path>>> = self.outlines[start..].iter().map(|it| it.path.clone()).collect();
        let cut = cut(&paths, (shifted, shifted + to - from), float(&item["m"]) == 2.0);
        for (outline, left) in self.outlines[start..].iter_mut().zip(cut) {
            outline.path = left.map(Rc::new);
        }
        Ok(())
    }

    /// Puts copies of all so far in its place.
    fn repeat(
        &mut self,
        item: &Value,
        group: Group,
        (outlines, strokes): (usize, usize),
    ) -> Result<(), LottieError> {
        let Some(back) = group.matrix.invert() else { return Ok(()) };
        let copies = number(&item["c"], self.frame, 0.0).round().clamp(0.0, COPIES_MAX);
        let offset = number(&item["o"], self.frame, 0.0);
        let own_outlines = self.outlines.split_off(outlines);
        let own_strokes = self.strokes.split_off(strokes);
        let mut order: Vec<u8> = (0..copies as u8).collect();
        if float(&item["m"]) == 2.0 {
            order.reverse();
        }
        for copy in order {
            let (step, opacity) = repeated(&item["tr"], self.frame, (f32::from(copy), offset, copies));
            let moved = group.matrix.pre_concat(step).pre_concat(back);
            let shift = self.outlines.len() - outlines;
            self.work.spend(SHAPE_WORK * (own_outlines.len() + own_strokes.len()) as u64)?;
            self.outlines.extend(own_outlines.iter().map(|outline| Outline {
                matrix: moved.pre_concat(outline.matrix),
                path: outline.path.clone(),
            }));
            self.strokes.extend(own_strokes.iter().map(|stroke| {
                let mut brush = stroke.brush.clone();
                brush.shader.apply_opacity(opacity.clamp(0.0, 1.0));
                let outlines = stroke.outlines.start + shift..stroke.outlines.end + shift;
                Painted { brush, outlines, matrix: moved.pre_concat(stroke.matrix) }
            }));
            self.is_within_bounds()?;
        }
        Ok(())
    }

    /// Paints with one brush.
    fn stroke(&mut self, canvas: &mut Pixmap, stroke: &Painted) -> Result<(), LottieError> {
        self.pay_for(stroke.outlines.clone())?;
        let Some(path) = self.joined(stroke) else { return Ok(()) };
        let width = stroke.brush.stroke.as_ref().map_or(0.0, |line| line.width);
        let Some(touched) = touched(canvas, &path, (stroke.matrix, width)) else { return Ok(()) };
        self.work.spend(touched)?;
        let paint = Paint { shader: stroke.brush.shader.clone(), ..Paint::default() };
        match &stroke.brush.stroke {
            Some(line) => canvas.stroke_path(&path, &paint, line, stroke.matrix, None),
            None => canvas.fill_path(&path, &paint, stroke.brush.rule, stroke.matrix, None),
        }
        Ok(())
    }

    /// All outlines of a brush as one path, as seen from the group of the brush.
    fn joined(&self, stroke: &Painted) -> Option<Path> {
        let back = stroke.matrix.invert()?;
        let mut joined = PathBuilder::new();
        for outline in self.outlines.get(stroke.outlines.clone())? {
            let Some(path) = &outline.path else { continue };
            if outline.matrix == stroke.matrix {
                joined.push_path(path);
            } else if let Some(path) = Path::clone(path).transform(back.pre_concat(outline.matrix)) {
                joined.push_path(&path);
            }
        }
        joined.finish()
    }
}

/// How the copy with a number is moved, and how opaque it is.
fn repeated(step: &Value, frame: f32, (copy, offset, copies): (f32, f32, f32)) -> (Transform, f32) {
    let (anchor, place) = (pair(&step["a"], frame, 0.0), pair(&step["p"], frame, 0.0));
    let (scale, turn) = (pair(&step["s"], frame, 100.0), number(&step["r"], frame, 0.0));
    let times = copy + offset;
    let matrix = Transform::from_translate(place.x * times + anchor.x, place.y * times + anchor.y)
        .pre_rotate(turn * times)
        .pre_scale((scale.x / 100.0).powf(times), (scale.y / 100.0).powf(times))
        .pre_translate(-anchor.x, -anchor.y);
    let (first, last) = (number(&step["so"], frame, 100.0), number(&step["eo"], frame, 100.0));
    let share = if copies > 1.0 { copy / (copies - 1.0) } else { 0.0 };
    (matrix, (first + (last - first) * share) / 100.0)
}

/// What painting a path costs: the pixels that it can touch, and for each of its edges the rows that it can cross. `None` where it reaches too
/// far out to be drawn.
fn touched(canvas: &Pixmap, path: &Path, (matrix, width): (Transform, f32)) -> Option<u64> {
    let bounds = path.bounds().outset(width, width)?.transform(matrix)?;
    let sides = [bounds.left(), bounds.top(), bounds.right(), bounds.bottom()];
    if !sides.iter().all(|side| side.abs() < REACH_MAX) {
        return None;
    }
    let edge = Rect::from_xywh(0.0, 0.0, canvas.width() as f32, canvas.height() as f32)?;
    let seen = bounds.intersect(&edge).map_or((0.0, 0.0), |seen| (seen.width(), seen.height()));
    Some((seen.0 * seen.1) as u64 + path.len() as u64 * seen.1 as u64)
}
