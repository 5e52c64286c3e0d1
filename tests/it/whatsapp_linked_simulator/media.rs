//! Files: sealed by one side, opened by the other; expired and uploaded again; refused.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::FileKind,
        faults::{Fault, FaultKind, MediaRetries},
        person::bytes,
    },
};
use serde_json::json;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_all_kinds_are_opened() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let kinds = [
        (json!({"image": bytes(b"jpeg"), "caption": "Look."}), FileKind::Image, &b"jpeg"[..]),
        (json!({"video": bytes(b"mp4"), "gifPlayback": true, "seconds": 1}), FileKind::Video, b"mp4"),
        (json!({"audio": bytes(b"mp3"), "seconds": 2, "mimetype": "audio/mpeg"}), FileKind::Audio, b"mp3"),
        (
            json!({"audio": bytes(b"opus"), "ptt": true, "seconds": 3, "waveform": bytes(&[7; 64])}),
            FileKind::Audio,
            b"opus",
        ),
        (
            json!({"document": bytes(b"pdf"), "fileName": "a.pdf", "mimetype": "application/pdf"}),
            FileKind::Document,
            b"pdf",
        ),
        (json!({"sticker": bytes(b"webp")}), FileKind::Sticker, b"webp"),
    ];
    for (mut content, kind, data) in kinds {
        content["jpegThumbnail"] = json!("");
        let id = scene.alices.send(&scene.bob.lid, content).await?;
        let heard = scene.bobs.expect_message(&id).await?;
        assert_eq!(heard["kind"], kind.part());
        assert_eq!(scene.bobs.download(&id).await?, data, "{heard}");
        let read = scene.bob.expect(&id).await?;
        assert_eq!(scene.bob.open_file(kind, &read["message"]).await?, data);
    }
    let fields = json!({"mimetype": "text/plain", "fileName": "notes.txt", "caption": "Mine."});
    let id = scene.bob.send_file(&scene.alice.lid, FileKind::Document, b"notes", fields).await?;
    assert_eq!(scene.alices.expect_message(&id).await?["text"], "Mine.");
    assert_eq!(scene.alices.download(&id).await?, b"notes");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_expired_files_come_back_from_the_phone() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let content = || json!({"document": bytes(b"long ago"), "mimetype": "text/plain", "fileName": "a.txt"});
    let id = scene.alices.send(&scene.bob.lid, content()).await?;
    scene.bobs.expect_message(&id).await?;
    scene.bob.expect(&id).await?;
    scene.sim.expire_media().await?;
    assert_eq!(scene.bobs.download(&id).await?, b"long ago");

    scene.bob.set_media_retries(MediaRetries::Refuse).await?;
    scene.sim.expire_media().await?;
    let refused = scene.bobs.download(&id).await.expect_err("the phone has it no more");
    assert!(refused.to_string().contains("re-upload"), "{refused:#}");

    scene.sim.inject(Fault::once(FaultKind::RefuseUpload(500))).await?;
    let failed = scene.alices.send(&scene.bob.lid, content()).await.expect_err("the host takes nothing");
    assert!(failed.to_string().contains("upload"), "{failed:#}");
    scene.alices.send(&scene.bob.lid, content()).await?;
    scene.end().await
}
