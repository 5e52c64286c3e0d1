//! A file of 500 MiB crosses each way while the bridge stays small: nothing of it is ever held whole, not even to see what picture it is.

use std::fs;

use anyhow::Context;
use bytes::Bytes;
use magpie_tests::{
    discord::{FileBytes, World, staged::Staged},
    harness::bridge::Bridge,
};
use serde_json::json;
use sha2::{Digest, Sha256};

const MEBIBYTE: usize = 1024 * 1024;

/// What crosses.
const FILE_BYTES: usize = 500 * MEBIBYTE;

/// What the whole process may have in memory at any moment, its program code included.
const RESIDENT_BYTES_MAX: usize = 64 * MEBIBYTE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_gigabyte_crosses_each_way_in_little_memory() -> anyhow::Result<()> {
    let takes = 2 * FILE_BYTES;
    let staged = Staged::set(World::small(), &format!("file_bytes_max: {takes}\n")).await?;
    let Staged { sim, small, fake, alice, bridge, room, .. } = &staged;
    sim.takes_files_of(takes as u64);

    let photo = Bytes::from(large_photo());
    let file = sim.file("large.jpg", "image/jpeg", FileBytes::Kept(photo.clone()));
    sim.person_sends_files(small.general, small.alice, "in", vec![file]);
    let content = fake.wait_for_body(room, "in").await.content();
    let mxc = ruma::OwnedMxcUri::from(content["url"].as_str().context("it has an address")?);
    let arrived = fake.media(&mxc).context("it is in the media store")?;
    assert!(arrived.bytes == photo, "the file changed on its way");
    assert_eq!((&content["msgtype"], &content["info"]["w"]), (&json!("m.image"), &json!(40)));
    small_enough("into Matrix", bridge)?;

    let bytes: Vec<u8> = (0..FILE_BYTES).map(|nth| nth.to_le_bytes()[1]).collect();
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mxc = fake.put_media("application/octet-stream", bytes);
    let content = json!({
        "msgtype": "m.file", "body": "out", "filename": "large.bin", "url": mxc, "info": {"size": FILE_BYTES},
    });
    alice.sends_content(room, "m.room.message", &content);
    let stands = sim.wait_for_message(small.general, |message| message.content == "out").await?;
    assert!(
        matches!(&stands.files[..], [one] if matches!(&one.bytes, FileBytes::Counted { sha256, .. } if *sha256 == sum)),
        "the file changed on its way"
    );
    small_enough("to Discord", bridge)?;
    staged.ends().await
}

/// A file that begins like a photo of 40 by 30 pixels: the decoder of those takes in the whole file before it looks at it.
fn large_photo() -> Vec<u8> {
    const START: &[u8] = b"\xff\xd8";
    const FRAME: &[u8] = &[0xff, 0xc0, 0, 17, 8, 0, 30, 0, 40, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
    const SCAN: &[u8] = &[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0];
    let head = [START, FRAME, SCAN].concat();
    let mut bytes = vec![7; FILE_BYTES];
    bytes[..head.len()].copy_from_slice(&head);
    bytes
}

/// The most that the process ever had in memory, as the kernel counted it.
fn small_enough(way: &str, bridge: &Bridge) -> anyhow::Result<()> {
    let status = fs::read_to_string(format!("/proc/{}/status", bridge.id().context("it runs")?))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel counts")?;
    let kibibytes: usize = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{way}: at most {} MiB resident", kibibytes / 1024);
    assert!(kibibytes * 1024 < RESIDENT_BYTES_MAX, "{way}: {} MiB were resident", kibibytes / 1024);
    Ok(())
}
