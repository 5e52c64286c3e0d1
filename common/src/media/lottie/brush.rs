//! What outlines are painted with: plain colors and gradients, filled or drawn along.

use serde_json::Value;
use tiny_skia::{
    FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Point, RadialGradient, Shader, SpreadMode,
    Stroke, Transform,
};

use super::{
    LottieError, Work,
    value::{color, float, number, numbers, pair, rgb},
};

/// A gradient has at most so many colors.
const STOPS_MAX: usize = 64;

/// Each has a place, red, green, blue; and a place and an opacity of its own.
const NUMBERS_A_STOP: usize = 6;

/// What each number of a gradient costs: one that moves is found by halving.
const NUMBER_WORK: u64 = 64;

/// How paths are painted.
#[derive(Clone)]
pub(super) struct Brush {
    pub(super) shader: Shader<'static>,
    /// The line that follows the path; none where it is filled.
    pub(super) stroke: Option<Stroke>,
    pub(super) rule: FillRule,
}

/// The brush that a shape is; `None` for what is no brush, or leaves no trace.
pub(super) fn brush(
    shape: &Value,
    (frame, opacity): (f32, f32),
    work: &mut Work,
) -> Result<Option<Brush>, LottieError> {
    let kind = shape["ty"].as_str().unwrap_or_default();
    let opacity = opacity * number(&shape["o"], frame, 100.0) / 100.0;
    let shader = match kind {
        "fl" | "st" => color(&shape["c"], frame, opacity).map(Shader::SolidColor),
        "gf" | "gs" => gradient(shape, (frame, opacity), work)?,
        _ => None,
    };
    let Some(shader) = shader else { return Ok(None) };
    let is_line = matches!(kind, "st" | "gs");
    let stroke = is_line.then(|| stroke(shape, frame));
    let rule = if float(&shape["r"]) == 2.0 { FillRule::EvenOdd } else { FillRule::Winding };
    let is_seen = opacity > 0.0 && stroke.as_ref().is_none_or(|stroke| stroke.width > 0.0);
    Ok(is_seen.then_some(Brush { shader, stroke, rule }))
}

fn stroke(shape: &Value, frame: f32) -> Stroke {
    let kind = |name: &str| shape[name].as_u64().unwrap_or(2);
    Stroke {
        width: number(&shape["w"], frame, 0.0),
        miter_limit: shape["ml"].as_f64().map_or(4.0, |limit| limit.clamp(1.0, 100.0) as f32),
        line_cap: match kind("lc") {
            1 => LineCap::Butt,
            3 => LineCap::Square,
            _ => LineCap::Round,
        },
        line_join: match kind("lj") {
            1 => LineJoin::Miter,
            3 => LineJoin::Bevel,
            _ => LineJoin::Round,
        },
        // Dashes are drawn as whole lines.
        dash: None,
    }
}

fn gradient(
    shape: &Value,
    (frame, opacity): (f32, f32),
    work: &mut Work,
) -> Result<Option<Shader<'static>>, LottieError> {
    let count = shape["g"]["p"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let count = count.min(STOPS_MAX);
    work.spend((count * NUMBERS_A_STOP) as u64 * NUMBER_WORK)?;
    let numbers = numbers(&shape["g"]["k"], frame, count * NUMBERS_A_STOP);
    Ok(between(shape, frame, stops(&numbers, count, opacity)))
}

/// A gradient with colors, from one place to another or around one.
fn between(shape: &Value, frame: f32, stops: Vec<GradientStop>) -> Option<Shader<'static>> {
    let (start, end) = (pair(&shape["s"], frame, 0.0), pair(&shape["e"], frame, 0.0));
    let spread = SpreadMode::Pad;
    if float(&shape["t"]) != 2.0 {
        return LinearGradient::new(start, end, stops, spread, Transform::identity());
    }
    let radius = (end - start).length();
    let share = (number(&shape["h"], frame, 0.0) / 100.0).clamp(-0.99, 0.99);
    let angle = (end - start).y.atan2((end - start).x) + number(&shape["a"], frame, 0.0).to_radians();
    let (sin, cos) = angle.sin_cos();
    let bright = Point::from_xy(start.x + cos * share * radius, start.y + sin * share * radius);
    RadialGradient::new(bright, 0.0, start, radius, stops, spread, Transform::identity())
}

/// Colors come as a list of place, red, green, blue; then, if they are not all opaque, a list of place, opacity.
fn stops(numbers: &[f32], count: usize, opacity: f32) -> Vec<GradientStop> {
    let (colors, rest) = numbers.split_at(count.min(numbers.len() / 4) * 4);
    let alphas: Vec<(f32, f32)> = rest.chunks_exact(2).map(|both| (both[0], both[1])).collect();
    let stop = |color: &[f32]| {
        let alpha = alpha_at(&alphas, color[0]);
        rgb(&color[1..], opacity * alpha).map(|shown| GradientStop::new(color[0].clamp(0.0, 1.0), shown))
    };
    colors.chunks_exact(4).filter_map(stop).collect()
}

fn alpha_at(alphas: &[(f32, f32)], place: f32) -> f32 {
    let next = alphas.partition_point(|(at, _)| *at <= place);
    let before = next.checked_sub(1).and_then(|nth| alphas.get(nth));
    match (before, alphas.get(next)) {
        (Some((at, alpha)), Some((next_at, next_alpha))) => {
            alpha + (next_alpha - alpha) * (place - at) / (next_at - at)
        }
        (Some((_, alpha)), None) | (None, Some((_, alpha))) => *alpha,
        (None, None) => 1.0,
    }
}

/// The color of a plain area, written as in HTML.
pub(super) fn plain(written: &Value) -> Option<Shader<'static>> {
    let digits = u32::from_str_radix(written.as_str()?.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = digits.to_be_bytes();
    Some(Shader::SolidColor(tiny_skia::Color::from_rgba8(red, green, blue, 255)))
}
