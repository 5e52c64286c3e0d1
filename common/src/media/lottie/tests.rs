//! Small drawings and what stands where in their pictures; hostile ones and what becomes of them.

use image::{DynamicImage, Rgba};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const RED: [u8; 4] = [255, 0, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];
const NONE: [u8; 4] = [0, 0, 0, 0];

/// What is expected at a place.
type Spot = ((u32, u32), [u8; 4]);

/// A canvas of 32 times 32 for one second.
fn document(layers: Value) -> Vec<u8> {
    let mut whole = json!({"v": "5.5.7", "w": 32, "h": 32, "ip": 0, "op": 30, "fr": 30});
    whole["layers"] = layers;
    whole.to_string().into_bytes()
}

/// A layer of shapes that is there all the time.
fn layer(shapes: Value, more: Value) -> Value {
    let mut layer = json!({"ty": 4, "ip": 0, "op": 30, "ks": {}, "shapes": shapes});
    layer.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    layer
}

fn area(center: (i32, i32), size: (i32, i32)) -> Value {
    json!({"ty": "rc", "p": {"k": [center.0, center.1]}, "s": {"k": [size.0, size.1]}, "r": {"k": 0}})
}

fn fill(color: [u8; 4]) -> Value {
    json!({"ty": "fl", "c": {"k": [color[0] / 255, color[1] / 255, color[2] / 255, 1]}, "o": {"k": 100}})
}

fn line(color: [u8; 4], width: i32) -> Value {
    let mut line = fill(color);
    line["ty"] = json!("st");
    line["w"] = json!({"k": width});
    line["lc"] = json!(1);
    line
}

fn picture(document: &[u8]) -> DynamicImage {
    image::load_from_memory(&draw(document).expect("it is drawn")).expect("it is a picture")
}

fn check(name: &str, layers: Value, spots: &[Spot]) {
    check_whole(name, &document(layers), spots);
}

fn check_whole(name: &str, document: &[u8], spots: &[Spot]) {
    let picture = picture(document).into_rgba8();
    for ((x, y), expected) in spots {
        let Rgba(found) = *picture.get_pixel(*x, *y);
        let is_near = found.iter().zip(expected).all(|(found, expected)| found.abs_diff(*expected) <= 2);
        assert!(is_near, "{name} at {x}, {y}: {found:?} and not {expected:?}");
    }
}

#[test]
fn outlines_are_where_they_belong() {
    let all = || area((16, 16), (16, 16));
    let square = json!({"k": {"c": true, "v": [[8, 8], [24, 8], [24, 24], [8, 24]],
        "i": [[0, 0], [0, 0], [0, 0], [0, 0]], "o": [[0, 0], [0, 0], [0, 0], [0, 0]]}});
    let inside: &[Spot] = &[((16, 16), RED), ((9, 9), RED), ((6, 16), NONE), ((26, 26), NONE)];
    let round: &[Spot] = &[((16, 16), RED), ((9, 16), RED), ((9, 9), NONE), ((22, 22), NONE)];
    check("a rectangle", json!([layer(json!([all(), fill(RED)]), json!({}))]), inside);
    let mut rounded = all();
    rounded["r"] = json!({"k": 8});
    check("a rounded one", json!([layer(json!([rounded, fill(RED)]), json!({}))]), round);
    let mut ellipse = all();
    ellipse["ty"] = json!("el");
    check("an ellipse", json!([layer(json!([ellipse, fill(RED)]), json!({}))]), round);
    let curve = json!({"ty": "sh", "ks": square});
    check("a free curve", json!([layer(json!([curve, fill(RED)]), json!({}))]), inside);
    let star =
        json!({"ty": "sr", "sy": 1, "pt": {"k": 4}, "p": {"k": [16, 16]}, "or": {"k": 14}, "ir": {"k": 4}});
    let rays: &[Spot] = &[((16, 16), RED), ((16, 8), RED), ((8, 16), RED), ((9, 9), NONE)];
    check("a star", json!([layer(json!([star, fill(RED)]), json!({}))]), rays);
    let polygon = json!({"ty": "sr", "sy": 2, "pt": {"k": 4}, "p": {"k": [16, 16]}, "or": {"k": 14}});
    check(
        "a polygon",
        json!([layer(json!([polygon, fill(RED)]), json!({}))]),
        &[((12, 12), RED), ((8, 8), NONE)],
    );
}

#[test]
fn brushes_paint_what_stands_before_them() {
    let (all, inner) = (area((16, 16), (24, 24)), area((16, 16), (8, 8)));
    let one = |shapes: Value| json!([layer(shapes, json!({}))]);
    let framed: &[Spot] = &[((16, 4), BLUE), ((16, 16), NONE), ((10, 10), NONE)];
    check("a line", one(json!([all, line(BLUE, 4)])), framed);
    check(
        "the first is on top",
        one(json!([inner, fill(RED), all, fill(BLUE)])),
        &[((16, 16), RED), ((6, 6), BLUE)],
    );
    let mut hollow = fill(RED);
    hollow["r"] = json!(2);
    check("even and odd", one(json!([inner, all, hollow])), &[((16, 16), NONE), ((6, 6), RED)]);
    let group = json!({"ty": "gr", "it": [
        area((0, 0), (8, 8)), fill(RED), {"ty": "tr", "p": {"k": [8, 8]}, "s": {"k": [150, 150]}, "o": {"k": 50}},
    ]});
    check(
        "a group",
        one(json!([group])),
        &[((8, 8), [255, 0, 0, 128]), ((13, 13), [255, 0, 0, 128]), ((16, 16), NONE)],
    );
    let gradient = json!({"ty": "gf", "t": 1, "s": {"k": [4, 0]}, "e": {"k": [28, 0]}, "o": {"k": 100},
        "g": {"p": 2, "k": {"k": [0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0]}}});
    check(
        "a gradient",
        one(json!([all, gradient])),
        &[((4, 16), [250, 0, 5, 250]), ((16, 16), [123, 0, 133, 122])],
    );
    let cut = json!({"ty": "tm", "s": {"k": 0}, "e": {"k": 25}, "o": {"k": 0}});
    let right: &[Spot] = &[((28, 16), BLUE), ((4, 16), NONE), ((16, 28), NONE), ((16, 4), NONE)];
    check("a cut line", one(json!([all, cut, line(BLUE, 4)])), right);
    check("cut after the brush", one(json!([all, line(BLUE, 4), cut])), right);
    let copies = json!({"ty": "rp", "c": {"k": 3}, "o": {"k": 0}, "tr": {"p": {"k": [12, 0]}}});
    let small = area((4, 4), (6, 6));
    let three: &[Spot] = &[((4, 4), RED), ((16, 4), RED), ((28, 4), RED), ((10, 4), NONE)];
    check("copies", one(json!([small, fill(RED), copies])), three);
    check("copies before the brush", one(json!([small, copies, fill(RED)])), three);
}

#[test]
fn layers_hide_and_move_each_other() {
    let red = || json!([area((16, 16), (24, 24)), fill(RED)]);
    let blue = || json!([area((16, 16), (8, 8)), fill(BLUE)]);
    check(
        "the first is on top",
        json!([layer(blue(), json!({})), layer(red(), json!({}))]),
        &[((16, 16), BLUE), ((6, 6), RED)],
    );
    check(
        "half seen",
        json!([layer(red(), json!({"ks": {"o": {"k": 50}}}))]),
        &[((16, 16), [255, 0, 0, 128])],
    );
    let hidden = json!([layer(blue(), json!({"hd": true})), layer(red(), json!({}))]);
    check("hidden", hidden, &[((16, 16), RED)]);
    let early = json!([layer(blue(), json!({"ip": 20})), layer(red(), json!({}))]);
    check("not there yet", early, &[((16, 16), RED)]);
    let parent = json!({"ty": 3, "ind": 7, "ip": 0, "op": 30, "ks": {"p": {"k": [8, 0]}}});
    check(
        "on another",
        json!([parent, layer(blue(), json!({"parent": 7}))]),
        &[((24, 16), BLUE), ((14, 16), NONE)],
    );
    let apart = json!({"ks": {"p": {"s": true, "x": {"k": 8}, "y": {"k": 0}}}});
    check("each way for itself", json!([layer(blue(), apart)]), &[((24, 16), BLUE), ((14, 16), NONE)]);
    let mask = |mode: &str| {
        let corners = json!([[0, 0], [16, 0], [16, 32], [0, 32]]);
        let still = json!([[0, 0], [0, 0], [0, 0], [0, 0]]);
        let half = json!({"k": {"c": true, "v": corners, "i": still, "o": still}});
        json!({"masksProperties": [{"mode": mode, "pt": half, "o": {"k": 100}}]})
    };
    check("a mask", json!([layer(red(), mask("a"))]), &[((8, 16), RED), ((24, 16), NONE)]);
    check("a mask that takes away", json!([layer(red(), mask("s"))]), &[((8, 16), NONE), ((24, 16), RED)]);
    let matte = |kind: u8| json!([layer(blue(), json!({"td": 1})), layer(red(), json!({"tt": kind}))]);
    check("a matte", matte(1), &[((16, 16), RED), ((6, 6), NONE)]);
    check("a matte turned over", matte(2), &[((16, 16), NONE), ((6, 6), RED)]);
    let plain = json!({"ty": 1, "ip": 0, "op": 30, "ks": {}, "sw": 16, "sh": 32, "sc": "#0000ff"});
    check("a plain area", json!([plain]), &[((8, 16), BLUE), ((24, 16), NONE)]);
    let inner = json!({"ty": 0, "refId": "a", "ip": 0, "op": 30, "w": 16, "h": 32, "st": 0, "ks": {"p": {"k": [4, 0]}}});
    let mut whole: Value = serde_json::from_slice(&document(json!([inner]))).unwrap();
    whole["assets"] = json!([{"id": "a", "layers": [layer(red(), json!({}))]}]);
    let spots: &[Spot] = &[((12, 16), RED), ((19, 16), RED), ((21, 16), NONE)];
    check_whole("a composition with its edge", whole.to_string().as_bytes(), spots);
}

#[test]
fn values_move_between_their_keys() {
    let ease = json!({"x": [0.5], "y": [0]});
    let keys = json!([{"t": 0, "s": [0], "o": ease, "i": {"x": [0.5], "y": [1]}}, {"t": 10, "s": [10]}, {"t": 20, "s": [30], "h": 1}, {"t": 30}]);
    for (frame, expected) in
        [(-5.0, 0.0), (0.0, 0.0), (5.0, 5.0), (10.0, 10.0), (15.0, 20.0), (25.0, 30.0), (40.0, 30.0)]
    {
        let found = value::number(&json!({"a": 1, "k": keys}), frame, 7.0);
        assert!((found - expected).abs() < 0.01, "{frame}: {found}");
    }
    let eased = value::number(&json!({"k": keys}), 1.0, 7.0);
    assert!(eased > 0.0 && eased < 0.5, "it begins slowly: {eased}");
    let old = json!({"k": [{"t": 0, "s": [1], "e": [5]}, {"t": 10}]});
    for (frame, expected) in [(5.0, 3.0), (10.0, 5.0), (20.0, 5.0)] {
        assert!((value::number(&old, frame, 7.0) - expected).abs() < 0.01, "{frame}");
    }
    for nothing in
        [json!(null), json!({}), json!({"k": "x"}), json!({"k": []}), json!([]), json!({"k": [{}]})]
    {
        assert_eq!(value::number(&nothing, 3.0, 7.0), 7.0, "{nothing}");
    }
}

#[test]
fn what_moves_moves_and_what_stands_still_does_not() {
    let shapes = json!([area((0, 0), (8, 8)), fill(RED)]);
    let still = document(json!([layer(shapes.clone(), json!({"ks": {"p": {"k": [8, 16]}}}))]));
    assert_eq!(frames(&draw(&still).unwrap()), None);
    let keys = json!([{"t": 0, "s": [8, 16]}, {"t": 30, "s": [24, 16]}]);
    let moving = document(json!([layer(shapes.clone(), json!({"ks": {"p": {"k": keys}}}))]));
    assert_eq!(frames(&draw(&moving).unwrap()), Some(20));
    check_whole("it shows its first frame", &moving, &[((8, 16), RED), ((24, 16), NONE)]);
    let late = json!([layer(shapes, json!({"ip": 10, "ks": {"p": {"k": keys}}}))]);
    check("or its middle, if it begins with nothing", late, &[((16, 16), RED), ((8, 16), NONE)]);
}

/// How many frames a PNG has, if it moves.
fn frames(png: &[u8]) -> Option<u32> {
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    reader.info().animation_control.map(|control| control.num_frames)
}

#[test]
fn a_large_canvas_is_made_small() {
    let mut whole: Value = serde_json::from_slice(&document(json!([layer(
        json!([area((256, 128), (512, 256)), fill(RED)]),
        json!({})
    )])))
    .unwrap();
    (whole["w"], whole["h"]) = (json!(512), json!(256));
    let picture = picture(whole.to_string().as_bytes());
    assert_eq!((picture.width(), picture.height()), (320, 160));
}

#[test]
fn hostile_drawings_are_refused() {
    let red = || json!([area((16, 16), (24, 24)), fill(RED)]);
    let sized =
        |side: f64| json!({"w": side, "h": 32, "op": 1, "fr": 1, "layers": [layer(red(), json!({}))]});
    let bomb = |fan: usize| {
        let inner = |id: usize| json!({"ty": 0, "refId": id.to_string(), "ip": 0, "op": 30, "w": 32, "h": 32, "ks": {"o": {"k": 99}}});
        let asset = |id: usize| json!({"id": id.to_string(), "layers": vec![inner(id + 1); fan]});
        json!({"w": 32, "h": 32, "op": 30, "fr": 30, "layers": [inner(0)], "assets": (0..20).map(asset).collect::<Vec<_>>()})
    };
    let circle = json!({"ty": 0, "refId": "a", "ip": 0, "op": 30, "w": 32, "h": 32});
    let circles = json!({"w": 32, "h": 32, "op": 30, "layers": [circle], "assets": [{"id": "a", "layers": [circle, circle]}]});
    let group = (0..40).fold(fill(RED), |inner, _| json!({"ty": "gr", "it": [inner]}));
    let of = |layers: Value| String::from_utf8(document(layers)).unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let parents =
        json!([layer(red(), json!({"ind": 1, "parent": 2})), layer(red(), json!({"ind": 2, "parent": 1}))]);
    let copies = json!({"ty": "rp", "c": {"k": 1e9}});
    let many = json!([area((4, 4), (4, 4)), copies, copies, copies, fill(RED)]);
    let far = json!([area((16, 16), (2_000_000, 2_000_000)), line(RED, 1_000_000)]);
    for (name, document, expected) in [
        ("nothing", String::new(), LottieError::NotADrawing),
        ("no object", "7".to_owned(), LottieError::NotADrawing),
        ("no layers", r#"{"w": 32, "h": 32}"#.to_owned(), LottieError::NotADrawing),
        ("no numbers", of(json!([])).replace("32", "1e999"), LottieError::NotADrawing),
        ("a huge canvas", sized(1e30).to_string(), LottieError::NotADrawing),
        ("a canvas below zero", sized(-32.0).to_string(), LottieError::NotADrawing),
        ("deep nesting", format!(r#"{{"w": 32, "h": 32, "layers": {deep}}}"#), LottieError::NotADrawing),
        ("groups in groups", of(json!([layer(json!([group]), json!({}))])), LottieError::TooIntricate),
        (
            "a million layers",
            of(json!([])).replace("[]", &format!("[{}{{}}]", "{},".repeat(150_000))),
            LottieError::TooLarge,
        ),
        ("too many bytes", " ".repeat(600_000), LottieError::TooLarge),
        ("doubling", bomb(8).to_string(), LottieError::TooIntricate),
        ("a circle", circles.to_string(), LottieError::TooIntricate),
        ("parents of each other", of(parents), LottieError::TooIntricate),
        (
            "a mask of itself",
            of(json!([layer(red(), json!({"tt": 1, "ind": 1, "tp": 1}))])),
            LottieError::TooIntricate,
        ),
        ("copies of copies", of(json!([layer(many, json!({}))])), LottieError::TooIntricate),
        ("out of reach", of(json!([layer(far, json!({}))])), LottieError::Blank),
        (
            "nothing to see",
            of(json!([layer(json!([area((16, 16), (4, 4))]), json!({}))])),
            LottieError::Blank,
        ),
        ("words", of(json!([{"ty": 5, "ip": 0, "op": 30}])), LottieError::Blank),
    ] {
        assert_eq!(draw(document.as_bytes()).map(|_| ()), Err(expected), "{name}");
    }
}

/// Beside the layers, a composition that is drawn so many times in one frame.
fn repeated(shapes: Value, times: usize) -> Vec<u8> {
    let inner = json!({"ty": 0, "refId": "a", "ip": 0, "op": 30, "w": 32, "h": 32, "ks": {}});
    let mut whole: Value = serde_json::from_slice(&document(json!(vec![inner; times]))).unwrap();
    whole["assets"] = json!([{"id": "a", "layers": [layer(shapes, json!({}))]}]);
    whole.to_string().into_bytes()
}

/// A curve with so many points, one of them out of reach.
fn far_curve(points: usize) -> Value {
    let mut corners = vec![json!([1, 1]); points - 1];
    corners.push(json!([9_000_000, 1]));
    json!({"c": true, "v": corners, "i": [], "o": []})
}

#[test]
fn what_is_built_and_not_drawn_is_paid() {
    // Each walks over half a million points or more in one frame, and nothing of that can be seen.
    let still = json!([{"ty": "sh", "ks": {"k": far_curve(10_000)}}]);
    let curve = far_curve(10_000);
    let keys = json!([{"t": 0, "s": [curve]}, {"t": 30, "s": [curve]}]);
    let star = json!({"ty": "sr", "sy": 1, "pt": {"k": 128}, "or": {"k": 9_000_000}, "ir": {"k": 1}});
    let far = area((1_000, 1_000), (900_000, 900_000));
    let brushes = |count: usize| Value::Array([vec![far.clone(); count], vec![fill(RED); count]].concat());
    let gone = json!({"ty": "tm", "s": {"k": 0}, "e": {"k": 0}});
    let cuts = Value::Array([vec![area((4, 4), (4, 4)); 700], vec![gone; 700]].concat());
    let gradient = json!({"ty": "gf", "o": {"k": 0}, "g": {"p": 64, "k": {"k": vec![0.5; 384]}}});
    for (name, document) in [
        ("a still curve out of reach", repeated(still, 50)),
        ("a moving curve out of reach", repeated(json!([{"ty": "sh", "ks": {"k": keys}}]), 50)),
        ("stars out of reach", repeated(json!(vec![star; 100]), 20)),
        ("brushes of what is out of reach", document(json!([layer(brushes(700), json!({}))]))),
        ("cuts of what is cut away", document(json!([layer(cuts, json!({}))]))),
        ("gradients that nobody sees", repeated(json!(vec![gradient; 50]), 50)),
        ("hidden shapes", repeated(json!(vec![json!({"hd": 1}); 10_000]), 50)),
    ] {
        assert_eq!(draw(&document).map(|_| ()), Err(LottieError::TooIntricate), "{name}");
    }
}

#[test]
fn every_edge_is_paid_by_the_rows_that_it_crosses() {
    let corners: Vec<Value> = (0..12_000).map(|nth| json!([nth % 32, nth % 2 * 32])).collect();
    let flat: Vec<Value> = (0..12_000).map(|nth| json!([nth % 32, nth % 2])).collect();
    let curve =
        |corners: Vec<Value>| json!({"ty": "sh", "ks": {"k": {"c": true, "v": corners, "i": [], "o": []}}});
    let drawn = |corners| draw(&repeated(json!([curve(corners), fill(RED)]), 14)).map(|_| ());
    assert_eq!(drawn(corners), Err(LottieError::TooIntricate));
    assert_eq!(drawn(flat), Ok(()));
}

#[test]
fn no_more_numbers_are_read_than_are_needed() {
    let many = json!(vec![1; 200_000]);
    let moving = json!([{"t": 0, "s": many}, {"t": 10, "s": many}]);
    for property in [json!({"k": many}), json!({"k": moving})] {
        assert_eq!(value::numbers(&property, 5.0, 3), vec![1.0; 3]);
    }
}

/// Any JSON, with the names that a drawing uses.
fn any_json() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 32] = [
        "ty",
        "ks",
        "k",
        "p",
        "s",
        "a",
        "r",
        "o",
        "it",
        "shapes",
        "layers",
        "tt",
        "td",
        "w",
        "h",
        "ip",
        "op",
        "t",
        "i",
        "v",
        "c",
        "g",
        "e",
        "m",
        "x",
        "y",
        "tr",
        "pt",
        "or",
        "ir",
        "masksProperties",
        "refId",
    ];
    const KINDS: [&str; 14] =
        ["gr", "rc", "el", "sr", "sh", "fl", "st", "gf", "gs", "tm", "rp", "tr", "a", "s"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..300).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        prop::sample::select(&KINDS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 8, |inner| {
        let entry = (prop::sample::select(&NAMES[..]), inner.clone());
        let object = prop::collection::vec(entry, 0..10)
            .prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        prop_oneof![prop::collection::vec(inner, 0..6).prop_map(Value::Array), object.prop_map(Value::Object)]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_comes_ends(shapes in prop::collection::vec(any_json(), 0..8), more in any_json(), color in any_json()) {
        let square = json!([area((16, 16), (24, 24)), {"ty": "fl", "c": color}, shapes]);
        let whole = json!([layer(Value::Array(shapes), more.clone()), layer(square, json!({"ks": more}))]);
        let document = document(whole);
        // It is a picture, or there are words for why it is none.
        if let Ok(picture) = draw(&document) {
            prop_assert!(image::load_from_memory(&picture).is_ok());
        }
    }

    #[test]
    fn whatever_bytes_come_end(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(draw(&bytes).is_err());
    }
}
