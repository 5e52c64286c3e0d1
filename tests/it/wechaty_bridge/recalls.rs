//! What is taken back on one side is gone on the other.

use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{Fault, FaultKind, JUDGE, content::text},
};

use super::{BIRDS, HAN, LI, ME, chat::Chat, ghost};

#[tokio::test(flavor = "multi_thread")]
async fn real_what_is_recalled_is_gone_on_the_other_side() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    for chat in [Chat::begin().await?, Chat::begin_in_group().await?] {
        let to = if chat.conversation == LI { ME } else { chat.conversation };
        let hello = chat.hello_event.event_id.clone();
        chat.gateway().recalls(LI, to, &chat.hello).await?;
        let gone = chat.event(|event| event.redacts.as_ref() == Some(&hello)).await;
        assert_eq!(gone.sender, ghost(LI));

        let (said, event) = chat.says("I did not mean that.").await?;
        chat.admin.redacts(&chat.room, &event);
        let done = chat.gateway().expect_done("recall", |event| event["id"] == said.as_str()).await?;
        assert_eq!(done["id"], said.as_str());
        // What was said on the phone is taken back there.
        let thumb = chat.gateway().says(ME, chat.conversation, text("By thumb.")).await?;
        let event = chat.hears("By thumb.").await.event_id.clone();
        chat.gateway().recalls(ME, chat.conversation, &thumb).await?;
        chat.event(|found| found.redacts.as_ref() == Some(&event)).await;
        chat.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_recall_that_does_not_work_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let chat = Chat::begin_in_group().await?;
    let (_, event) = chat.says("Too old to be taken back.").await?;
    chat.gateway().fault(Fault { call: "recall", kind: FaultKind::Refuse }).await?;
    chat.admin.redacts(&chat.room, &event);
    let told = chat.homeserver().wait_for(&chat.room, |event| {
        event.event_type == "m.room.message" && event.sender == super::BOT && event.body().contains("WeChat")
    });
    let told = told.await;
    assert_eq!(told.content()["msgtype"], "m.notice", "{}", told.body());
    // What is taken back of a message that nobody here has seen leads nowhere, and does no harm.
    chat.gateway().recalls(HAN, BIRDS, "404").await?;
    chat.gateway().says(HAN, BIRDS, text("Go on.")).await?;
    chat.hears("Go on.").await;
    chat.end().await
}
