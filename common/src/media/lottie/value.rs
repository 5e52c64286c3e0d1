//! Values of a document: numbers, places and colors, which may move from one key frame to the next.
//!
//! What is not there or has the wrong form is what the caller gives instead; there are no errors.

use serde_json::Value;
use tiny_skia::{Color, Point, Transform};

/// So often an easing curve is halved; the rest is below what a pixel shows.
const HALVINGS: usize = 16;

/// A number that stands still; 0 where there is none.
pub(super) fn float(value: &Value) -> f32 {
    value.as_f64().map_or(0.0, |number| number as f32)
}

/// Lottie writes yes as `1` or `true`.
pub(super) fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| float(value) != 0.0)
}

/// The elements of an array, or none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number that may move.
pub(super) fn number(property: &Value, frame: f32, otherwise: f32) -> f32 {
    numbers(property, frame, 1).first().copied().unwrap_or(otherwise)
}

/// Two numbers that may move, also where each moves for itself.
pub(super) fn pair(property: &Value, frame: f32, otherwise: f32) -> Point {
    if property["x"].is_object() {
        let (x, y) = (&property["x"], &property["y"]);
        return Point::from_xy(number(x, frame, otherwise), number(y, frame, otherwise));
    }
    let both = numbers(property, frame, 2);
    let part = |nth: usize| both.get(nth).copied().unwrap_or(otherwise);
    Point::from_xy(part(0), part(1))
}

/// A color that may move, at an opacity from 0 to 1.
pub(super) fn color(property: &Value, frame: f32, opacity: f32) -> Option<Color> {
    rgb(&numbers(property, frame, 3), opacity)
}

/// A color from its parts. Old documents count to 255, all others to 1.
pub(super) fn rgb(parts: &[f32], opacity: f32) -> Option<Color> {
    let [red, green, blue, ..] = *parts else { return None };
    let top = if parts[..3].iter().any(|part| *part > 1.0) { 255.0 } else { 1.0 };
    let part = |part: f32| (part / top).clamp(0.0, 1.0);
    Color::from_rgba(part(red), part(green), part(blue), opacity.clamp(0.0, 1.0))
}

/// The first numbers of a property. Nobody is asked for more than they need, as a property may have any number of them.
pub(super) fn numbers(property: &Value, frame: f32, count_max: usize) -> Vec<f32> {
    let value = if property.is_object() { &property["k"] } else { property };
    match between(list(value), frame) {
        Some(between) => between.numbers(count_max),
        None => plain(value, count_max),
    }
}

fn plain(value: &Value, count_max: usize) -> Vec<f32> {
    match value {
        Value::Array(parts) => parts.iter().take(count_max).map(float).collect(),
        Value::Number(_) => vec![float(value)],
        _ => Vec::new(),
    }
}

/// Where a part stands, how it is turned, and how large it is.
pub(super) fn matrix(property: &Value, frame: f32) -> Transform {
    let (anchor, place) = (pair(&property["a"], frame, 0.0), pair(&property["p"], frame, 0.0));
    let scale = pair(&property["s"], frame, 100.0);
    // A turn in space is shown as the turn around the eye's own line.
    let turn = if property["r"].is_null() { &property["rz"] } else { &property["r"] };
    let (turn, skew) = (number(turn, frame, 0.0), number(&property["sk"], frame, 0.0));
    let mut matrix = Transform::from_translate(place.x, place.y).pre_rotate(turn);
    if skew != 0.0 {
        let axis = number(&property["sa"], frame, 0.0);
        let lean = Transform::from_skew(skew.to_radians().tan(), 0.0);
        matrix = matrix.pre_rotate(-axis).pre_concat(lean).pre_rotate(axis);
    }
    matrix.pre_scale(scale.x / 100.0, scale.y / 100.0).pre_translate(-anchor.x, -anchor.y)
}

/// A moment between two key frames.
pub(super) struct Between<'a> {
    key: &'a Value,
    pub(super) from: &'a Value,
    pub(super) to: &'a Value,
    /// The time from one to the other, from 0 to 1.
    progress: f32,
}

/// Finds the two key frames around a moment; `None` where there are none and the value stands still.
pub(super) fn between(keys: &[Value], frame: f32) -> Option<Between<'_>> {
    let first = keys.first().filter(|first| first.is_object())?;
    let still = |value| Some(Between { key: &Value::Null, from: value, to: value, progress: 0.0 });
    let next = keys.partition_point(|key| float(&key["t"]) <= frame);
    let Some(key) = next.checked_sub(1).and_then(|nth| keys.get(nth)) else { return still(&first["s"]) };
    let Some(following) = keys.get(next) else {
        // Old documents leave the last one empty: the one before says where it ends.
        let before = next.checked_sub(2).and_then(|nth| keys.get(nth)).unwrap_or(&Value::Null);
        let said = [&key["s"], &before["e"], &before["s"]].into_iter().find(|value| !value.is_null());
        return still(said.unwrap_or(&Value::Null));
    };
    let to = [&key["e"], &following["s"]].into_iter().find(|value| !value.is_null());
    let (Some(to), false) = (to, is_true(&key["h"])) else { return still(&key["s"]) };
    let (start, end) = (float(&key["t"]), float(&following["t"]));
    let progress = ((frame - start) / (end - start)).clamp(0.0, 1.0);
    Some(Between { key, from: &key["s"], to, progress })
}

impl Between<'_> {
    fn numbers(&self, count_max: usize) -> Vec<f32> {
        let plain = |value: &Value| plain(value, count_max);
        let (from, to) = (plain(self.from), plain(self.to));
        let (leaving, coming) = (plain(&self.key["to"]), plain(&self.key["ti"]));
        let part = |(nth, (from, to)): (usize, (&f32, &f32))| {
            let progress = self.eased(nth);
            match (leaving.get(nth), coming.get(nth)) {
                // Along a curve.
                (Some(leaving), Some(coming)) => cubic([*from, from + leaving, to + coming, *to], progress),
                _ => mix(*from, *to, progress),
            }
        };
        from.iter().zip(&to).enumerate().map(part).collect()
    }

    /// How far one of the numbers has come, from 0 to 1, or beyond where it swings.
    pub(super) fn eased(&self, nth: usize) -> f32 {
        let handle = |name: &str, axis: &str| {
            let value = &self.key[name][axis];
            let own = value.as_array().map_or(Some(value), |all| all.get(nth).or_else(|| all.first()));
            own.and_then(Value::as_f64).map(|number| number as f32)
        };
        let (x, y) = ((handle("o", "x"), handle("i", "x")), (handle("o", "y"), handle("i", "y")));
        let ((Some(x1), Some(x2)), (Some(y1), Some(y2))) = (x, y) else { return self.progress };
        let across = [0.0, x1.clamp(0.0, 1.0), x2.clamp(0.0, 1.0), 1.0];
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if cubic(across, middle) < self.progress { low = middle } else { high = middle }
        }
        cubic([0.0, y1, y2, 1.0], (low + high) / 2.0)
    }
}

/// A place on the way from one number to another.
pub(super) fn mix(from: f32, to: f32, progress: f32) -> f32 {
    from + (to - from) * progress
}

/// A place on a Bézier curve.
pub(super) fn cubic([start, leaving, coming, end]: [f32; 4], progress: f32) -> f32 {
    let rest = 1.0 - progress;
    let ends = start * rest * rest * rest + end * progress * progress * progress;
    ends + 3.0 * rest * progress * (leaving * rest + coming * progress)
}
