//! What is Alice's own: with a token of hers, what she does on her phone is done in Matrix by herself; and who is who to her.

use std::time::Duration;

use magpie_common::testkit::fake_homeserver::{FakeEvent, FakeHomeserver};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{content::text, phone::Mark},
};
use ruma::user_id;

use super::{
    BOT,
    chat::{Chat, PIXEL},
};

/// So often Bob speaks until he is called by another name.
const SPEAKS_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn real_what_alice_keeps_for_herself_is_kept_for_her() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let (homeserver, admin, alice) = (chat.homeserver(), &chat.admin, &chat.linked.on.alice);
    let desk = admin.creates_direct_chat(user_id!("@whatsappbot:example.org"));
    let answered = async |beginning: &str| {
        let said = |event: &FakeEvent| event.sender == BOT && event.body().starts_with(beginning);
        homeserver.wait_for(&desk, said).await;
    };
    answered("This is the WhatsApp bridge.").await;
    admin.sends(&desk, &format!("login-matrix {}", admin.access_token()));
    answered("From now on what you say on WhatsApp yourself shows as yours here.").await;

    alice.send(chat.bob(), text("By thumb.")).await?;
    assert_eq!(chat.hears("By thumb.").await.sender, *admin.user_id());
    alice.mark(Mark::Read, chat.bob(), None, &chat.hello).await?;
    let hello = chat.hello_event.event_id.as_str();
    let is_read = |homeserver: &FakeHomeserver| {
        (homeserver.read_up_to(&chat.room, admin.user_id())? == hello).then_some(())
    };
    homeserver.wait_until(is_read).await;

    let kept = |path: String, is_kept: bool| {
        let look = move |_: &FakeHomeserver| (admin.kept(&path).is_some() == is_kept).then_some(());
        homeserver.wait_until(look)
    };
    let room = &chat.room;
    for is_on in [true, false] {
        alice.mute(chat.bob(), is_on.then_some(-1)).await?;
        kept(format!("pushrules/room/{room}"), is_on).await;
        alice.pin(chat.bob(), is_on).await?;
        kept(format!("rooms/{room}/tags/m.favourite"), is_on).await;
        alice.archive(chat.bob(), is_on).await?;
        kept(format!("rooms/{room}/tags/m.lowpriority"), is_on).await;
    }
    alice.mark_chat(chat.bob(), false).await?;
    let unread = format!("rooms/{room}/account_data/m.marked_unread");
    homeserver.wait_until(|_| admin.kept(&unread)).await;
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_people_are_called_as_the_address_book_has_them() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let bob = &chat.linked.on.bob;
    let shows = async |name: &str| {
        let is_so = |homeserver: &FakeHomeserver| {
            let shown = homeserver.profile(&chat.ghost)?.display_name?;
            (shown == name).then_some(())
        };
        chat.homeserver().wait_until(is_so).await;
    };
    shows("Bob").await;
    // The whole book, of which people are called by their name when they speak; then a change of it.
    chat.linked.on.alice.name_contact(bob, "Bob B.").await?;
    for nth in 0..SPEAKS_MAX {
        let words = format!("Who am I? {nth}");
        chat.bobs.say(chat.alice(), &words).await?;
        chat.hears(&words).await;
        let shown = chat.homeserver().profile(&chat.ghost).and_then(|profile| profile.display_name);
        if shown.as_deref() == Some("Bob B.") {
            break;
        }
        // It is fetched beside the messages.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    shows("Bob B.").await;
    chat.linked.on.alice.name_contact(bob, "Bob the Builder").await?;
    shows("Bob the Builder").await;
    bob.set_picture(Some(PIXEL)).await?;
    let url = chat.homeserver().wait_until(|homeserver| homeserver.profile(&chat.ghost)?.avatar_url).await;
    let picture = chat.homeserver().media(&url).expect("it is there");
    assert_eq!(&*picture.bytes, PIXEL);
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_new_number_keeps_the_room() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    let bob = chat.linked.on.bob.clone().renumber(Some("12025550122"), None).await?;
    chat.bobs.say(chat.alice(), "From the new number.").await?;
    assert_eq!(chat.hears("From the new number.").await.sender, chat.ghost);
    chat.says("To the new number.").await?;
    assert_eq!(bob.lid, chat.bob());
    chat.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_somebody_without_an_account_is_introduced_by_name() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let chat = Chat::begin().await?;
    chat.admin.sends(&chat.room, "!whatsapp set-relay");
    chat.event(|event| event.sender == BOT && event.event_type == "m.room.message").await;
    let dora = chat.homeserver().person("dora");
    dora.sets_display_name("Dora");
    dora.joins_as_invited_by(&chat.room, &chat.admin);
    dora.sends(&chat.room, "May I join?");
    let heard = chat
        .bob_gets(|event| event["text"].as_str().is_some_and(|text| text.contains("May I join?")))
        .await?;
    assert!(heard["text"].as_str().is_some_and(|text| text.contains("Dora")), "{heard}");
    chat.end().await
}
