//! A Lottie sticker goes all the way: from Discord's CDN through the bridge into the homeserver's media store, as a picture.

use std::io::Cursor;

use anyhow::Context;
use magpie_tests::discord::{
    World,
    cdn::{self, DRAWING_SIDE},
    staged::Staged,
};

/// Discord's number for stickers that are drawings.
const LOTTIE: u8 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drawn_sticker_arrives_as_the_picture_that_it_draws() -> anyhow::Result<()> {
    let staged = Staged::set(World::small(), "").await?;
    let Staged { sim, small, fake, room, .. } = &staged;
    let sent = sim.person_sends_sticker(small.general, small.alice, "dance", LOTTIE);
    let event = fake.wait_for(room, |event| event.event_type == "m.sticker").await;
    let (content, info) = (event.content(), &event.content()["info"]);
    assert_eq!(content["body"], "dance");
    assert_eq!(
        (&info["mimetype"], &info["w"], &info["h"]),
        (&"image/png".into(), &DRAWING_SIDE.into(), &DRAWING_SIDE.into())
    );
    let mxc = ruma::OwnedMxcUri::from(content["url"].as_str().context("it has an address")?);
    let stored = fake.media(&mxc).context("it is in the media store")?;
    assert_eq!((stored.mime.as_str(), &info["size"]), ("image/png", &stored.bytes.len().into()));

    let sticker = sim.message(small.general, sent).context("it stands")?.stickers.remove(0);
    let [red, green, blue] = cdn::color(&format!("stickers/{}.json", sticker.id));
    let picture = Picture::read(&stored.bytes)?;
    assert!(picture.moves, "it moves on Discord");
    assert_eq!(picture.pixel(DRAWING_SIDE / 2, DRAWING_SIDE / 2), [red, green, blue, 255]);
    assert_eq!(picture.pixel(1, 1), [0; 4], "what is not drawn is seen through");
    staged.ends().await
}

/// A PNG as somebody sees it who does not let it move.
struct Picture {
    pixels: Vec<u8>,
    moves: bool,
}

impl Picture {
    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info()?;
        let moves = reader.info().animation_control.is_some();
        let mut pixels = vec![0; reader.output_buffer_size().context("it fits into memory")?];
        reader.next_frame(&mut pixels)?;
        Ok(Self { pixels, moves })
    }

    fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let at = (y * DRAWING_SIDE + x) as usize * 4;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2], self.pixels[at + 3]]
    }
}
