//! Outlines: rectangles, ellipses, stars and free curves as paths, and the cutting of paths to a part of their length.

use std::rc::Rc;

use serde_json::Value;
use tiny_skia::{Path, PathBuilder, PathSegment, Point};

use super::{
    LottieError, Work,
    value::{between, cubic, float, is_true, list, number, pair},
};

/// What each point of a path costs, paid before the path is made: one that ends as none has cost the same.
pub(super) const POINT_WORK: u64 = 64;

/// So many points a rectangle or an ellipse has at most.
const SIMPLE_POINTS: usize = 10;

/// How far the handles of a quarter circle reach, in radii.
const QUARTER: f32 = 0.552_284_8;

/// A star has at most so many points.
const POINTS_MAX: f32 = 128.0;

/// A curve that is cut is first made of so many lines.
const LINES_OF_A_CURVE: u8 = 16;

/// Whatever reaches further out can be no part of a picture.
const REACH_MAX: f32 = 1_000_000.0;

/// The outline of a shape; `None` for what is no outline, or cannot be drawn.
pub(super) fn outline(shape: &Value, frame: f32, work: &mut Work) -> Result<Option<Path>, LottieError> {
    let path = match shape["ty"].as_str() {
        Some("rc") => rectangle(shape, frame, work)?,
        Some("el") => ellipse(shape, frame, work)?,
        Some("sr") => star(shape, frame, work)?,
        Some("sh") => curve(&shape["ks"], frame, work)?,
        _ => None,
    };
    let is_within_reach = |path: &Path| {
        let bounds = path.bounds();
        let sides = [bounds.left(), bounds.top(), bounds.right(), bounds.bottom()];
        sides.iter().all(|side| side.abs() < REACH_MAX)
    };
    Ok(path.filter(is_within_reach))
}

fn pay(points: usize, work: &mut Work) -> Result<(), LottieError> {
    work.spend(points as u64 * POINT_WORK)
}

fn rectangle(shape: &Value, frame: f32, work: &mut Work) -> Result<Option<Path>, LottieError> {
    pay(SIMPLE_POINTS, work)?;
    let (center, size) = (pair(&shape["p"], frame, 0.0), pair(&shape["s"], frame, 0.0));
    let (x, y) = (size.x.abs() / 2.0, size.y.abs() / 2.0);
    let radius = number(&shape["r"], frame, 0.0).clamp(0.0, x.min(y));
    let (left, top, right, bottom) = (center.x - x, center.y - y, center.x + x, center.y + y);
    let mut path = PathBuilder::new();
    if radius == 0.0 {
        path.move_to(right, top);
        path.line_to(right, bottom);
        path.line_to(left, bottom);
        path.line_to(left, top);
    } else {
        let handle = radius * (1.0 - QUARTER);
        path.move_to(right, top + radius);
        path.line_to(right, bottom - radius);
        path.cubic_to(right, bottom - handle, right - handle, bottom, right - radius, bottom);
        path.line_to(left + radius, bottom);
        path.cubic_to(left + handle, bottom, left, bottom - handle, left, bottom - radius);
        path.line_to(left, top + radius);
        path.cubic_to(left, top + handle, left + handle, top, left + radius, top);
        path.line_to(right - radius, top);
        path.cubic_to(right - handle, top, right, top + handle, right, top + radius);
    }
    path.close();
    Ok(path.finish())
}

fn ellipse(shape: &Value, frame: f32, work: &mut Work) -> Result<Option<Path>, LottieError> {
    pay(SIMPLE_POINTS, work)?;
    let (center, size) = (pair(&shape["p"], frame, 0.0), pair(&shape["s"], frame, 0.0));
    let (x, y) = (size.x / 2.0, size.y / 2.0);
    // From the top, clockwise; the handles lie along the direction of travel.
    let corner = |(across, down): (f32, f32)| {
        let handle = (-down * x * QUARTER, across * y * QUARTER);
        let at = (center.x + across * x, center.y + down * y);
        Corner { at, coming: (-handle.0, -handle.1), leaving: handle }
    };
    Ok(joined([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)].map(corner), true))
}

fn star(shape: &Value, frame: f32, work: &mut Work) -> Result<Option<Path>, LottieError> {
    let points = number(&shape["pt"], frame, 0.0).round().clamp(0.0, POINTS_MAX);
    let center = pair(&shape["p"], frame, 0.0);
    let of = |name: &str| number(&shape[name], frame, 0.0);
    let is_star = float(&shape["sy"]) != 2.0;
    let corners = if is_star { points * 2.0 } else { points };
    if corners < 3.0 {
        return Ok(None);
    }
    pay(corners as usize, work)?;
    let turn = std::f32::consts::TAU / corners;
    let start = of("r").to_radians() - std::f32::consts::FRAC_PI_2;
    // What the handles of a full roundness span; those of a polygon reach half as far.
    let reach = if is_star { turn / 2.0 } else { turn / 4.0 };
    let (outer, inner) = ((of("or"), of("os") / 100.0), (of("ir"), of("is") / 100.0));
    let corner = |nth: u16| {
        let (radius, roundness) = if is_star && !nth.is_multiple_of(2) { inner } else { outer };
        let (sin, cos) = (start + turn * f32::from(nth)).sin_cos();
        let (x, y) = (center.x + radius * cos, center.y + radius * sin);
        let handle = radius * roundness * reach;
        Corner { at: (x, y), coming: (handle * sin, -handle * cos), leaving: (-handle * sin, handle * cos) }
    };
    Ok(joined((0..corners as u16).map(corner), true))
}

/// A corner of a path, with its handles as seen from it.
#[derive(Clone, Copy)]
struct Corner {
    at: (f32, f32),
    coming: (f32, f32),
    leaving: (f32, f32),
}

/// A free curve, which may change its form.
pub(super) fn curve(property: &Value, frame: f32, work: &mut Work) -> Result<Option<Path>, LottieError> {
    let value = if property.is_object() && !property["k"].is_null() { &property["k"] } else { property };
    let Some(moment) = between(list(value), frame) else {
        let corners = corners(value);
        pay(corners.len(), work)?;
        return Ok(joined(corners, is_closed(value)));
    };
    let (from, to) = (one(moment.from), one(moment.to));
    let progress = moment.eased(0);
    let mix = |from: (f32, f32), to: (f32, f32)| {
        (super::value::mix(from.0, to.0, progress), super::value::mix(from.1, to.1, progress))
    };
    let corner = |(from, to): (Corner, Corner)| Corner {
        at: mix(from.at, to.at),
        coming: mix(from.coming, to.coming),
        leaving: mix(from.leaving, to.leaving),
    };
    let corners = corners(from).zip(corners(to));
    pay(corners.len(), work)?;
    Ok(joined(corners.map(corner), is_closed(from)))
}

/// Each key frame holds a list with one curve.
fn one(value: &Value) -> &Value {
    value.get(0).unwrap_or(value)
}

fn is_closed(curve: &Value) -> bool {
    is_true(&curve["c"])
}

/// The corners of a curve, each read when it is asked for.
fn corners(curve: &Value) -> impl ExactSizeIterator<Item = Corner> {
    let (all, coming, leaving) = (list(&curve["v"]), list(&curve["i"]), list(&curve["o"]));
    let point =
        |point: Option<&Value>| point.map_or((0.0, 0.0), |point| (float(&point[0]), float(&point[1])));
    let corner = move |(nth, at)| Corner {
        at: point(Some(at)),
        coming: point(coming.get(nth)),
        leaving: point(leaving.get(nth)),
    };
    all.iter().enumerate().map(corner)
}

fn joined(corners: impl IntoIterator<Item = Corner>, is_closed: bool) -> Option<Path> {
    let mut corners = corners.into_iter();
    let first = corners.next()?;
    let mut path = PathBuilder::new();
    path.move_to(first.at.0, first.at.1);
    let mut before = first;
    for corner in corners.chain(is_closed.then_some(first)) {
        let (leaving, coming) = (before.leaving, corner.coming);
        if leaving == (0.0, 0.0) && coming == (0.0, 0.0) {
            path.line_to(corner.at.0, corner.at.1);
        } else {
            let leaving = (before.at.0 + leaving.0, before.at.1 + leaving.1);
            let coming = (corner.at.0 + coming.0, corner.at.1 + coming.1);
            path.cubic_to(leaving.0, leaving.1, coming.0, coming.1, corner.at.0, corner.at.1);
        }
        before = corner;
    }
    if is_closed {
        path.close();
    }
    path.finish()
}

/// A line through points, as a path is before it is cut.
type Lines = Vec<Point>;

/// The part of paths that lies between two shares of their length. `together` takes them all as one long path.
pub(super) fn cut(paths: &[Option<Rc<Path>>], (start, end): (f32, f32), together: bool) -> Vec<Option<Path>> {
    let lines: Vec<Vec<Lines>> =
        paths.iter().map(|path| path.as_deref().map(flat).unwrap_or_default()).collect();
    let lengths: Vec<f32> = lines.iter().map(|path| path.iter().map(|line| length(line)).sum()).collect();
    let whole: f32 = lengths.iter().sum();
    let mut passed = 0.0;
    let one = |(path, own): (&Vec<Lines>, f32)| {
        let (before, all) = if together { (passed, whole) } else { (0.0, own) };
        passed += own;
        // What goes beyond the end begins again at the start.
        let ranges = [(start, end.min(1.0)), (0.0, end - 1.0)];
        let mut cut = PathBuilder::new();
        for (from, to) in ranges.into_iter().filter(|(from, to)| from < to) {
            take(path, (from * all - before, to * all - before), &mut cut);
        }
        cut.finish()
    };
    lines.iter().zip(lengths).map(one).collect()
}

/// A path made of lines only.
fn flat(path: &Path) -> Vec<Lines> {
    let mut all: Vec<Lines> = Vec::new();
    let mut at = Point::zero();
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(point) => all.push(vec![point]),
            PathSegment::LineTo(point) => all.last_mut().into_iter().for_each(|line| line.push(point)),
            PathSegment::QuadTo(handle, end) => bend(&mut all, [at, handle, handle, end]),
            PathSegment::CubicTo(leaving, coming, end) => bend(&mut all, [at, leaving, coming, end]),
            PathSegment::Close => {
                if let Some(line) = all.last_mut() {
                    line.extend(line.first().copied());
                }
            }
        }
        at = all.last().and_then(|line| line.last()).copied().unwrap_or_default();
    }
    all
}

fn bend(all: &mut [Lines], [start, leaving, coming, end]: [Point; 4]) {
    let Some(line) = all.last_mut() else { return };
    for nth in 1..=LINES_OF_A_CURVE {
        let progress = f32::from(nth) / f32::from(LINES_OF_A_CURVE);
        let x = cubic([start.x, leaving.x, coming.x, end.x], progress);
        line.push(Point::from_xy(x, cubic([start.y, leaving.y, coming.y, end.y], progress)));
    }
}

fn length(line: &[Point]) -> f32 {
    line.windows(2).map(|ends| (ends[1] - ends[0]).length()).sum()
}

/// Adds what lies between two lengths.
fn take(path: &[Lines], (from, to): (f32, f32), cut: &mut PathBuilder) {
    let mut passed = 0.0;
    for line in path {
        let mut is_begun = false;
        for ends in line.windows(2) {
            let step = ends[1] - ends[0];
            let (before, after) = (passed, passed + step.length());
            passed = after;
            if after <= from || before >= to || after == before {
                continue;
            }
            let at = |length: f32| {
                let share = ((length - before) / (after - before)).clamp(0.0, 1.0);
                (ends[0].x + step.x * share, ends[0].y + step.y * share)
            };
            let (start, end) = (at(from), at(to));
            if !is_begun {
                cut.move_to(start.0, start.1);
                is_begun = true;
            }
            cut.line_to(end.0, end.1);
        }
    }
}
