//! Chats change as on Telegram: numbers, senders, migration, topics, channels.

use magpie_tests::telegram::{ChatKind, TelegramSim, World, model};
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn a_group_becomes_a_supergroup_with_new_numbers() {
    let mut scene = Scene::new().await;
    let (group, alice) = (scene.small.group, scene.small.alice);
    scene.sim.person_sends(group, alice, "before");
    scene.updates().await;
    let new = scene.sim.person_upgrades(group, alice);
    let got = scene.updates().await;
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(got[0]["message"]["migrate_to_chat_id"], json!(new));
    assert_eq!(got[1]["message"]["migrate_from_chat_id"], json!(group));
    assert_eq!(got[1]["message"]["message_id"], 1);
    scene.call("sendMessage", json!({"chat_id": new, "text": "after"})).await;
    assert_eq!(scene.sim.texts(new), ["", "after"]);
    scene.should_be_honest("a_group_becomes_a_supergroup_with_new_numbers");
}

#[tokio::test]
async fn basic_groups_are_counted_by_each_bot_for_itself() {
    let mut world = World::new();
    let (one, two) = (world.bot("One", "one_bot"), world.bot("Two", "two_bot"));
    let alice = world.person("Alice");
    let private = world.private(alice, two);
    let group = world.chat(ChatKind::Group, "Nest", alice);
    let supergroup = world.chat(ChatKind::Supergroup, "Birds", alice);
    for bot in [one, two] {
        world.member(group, bot);
        world.member(supergroup, bot);
    }
    let sim = TelegramSim::start(world).await.expect("a port is free");
    sim.person_sends(private, alice, "only for two");
    let said = sim.person_sends(group, alice, "for both");
    let id =
        |chat, message, bot| sim.message_json(chat, message, bot).expect("it is there")["message_id"].clone();
    assert_eq!((id(group, said, one), id(group, said, two)), (json!(1), json!(2)));
    let said = sim.person_sends(supergroup, alice, "for both");
    assert_eq!(id(supergroup, said, one), id(supergroup, said, two));
    assert_eq!((sim.updates_waiting(one), sim.updates_waiting(two)), (2, 3));
}

#[tokio::test]
async fn topics_are_where_messages_are() {
    let mut scene = Scene::new().await;
    let (forum, alice) = (scene.small.forum, scene.small.alice);
    let elms = scene.sim.person_opens_topic(forum, alice, "Elms");
    let opened = scene.update("message").await;
    assert_eq!(
        (&opened["message_id"], &opened["forum_topic_created"]["name"]),
        (&json!(elms), &json!("Elms"))
    );
    scene.sim.person_sends_in_topic((forum, elms), alice, "leaf");
    let heard = scene.update("message").await;
    assert_eq!((&heard["message_thread_id"], &heard["is_topic_message"]), (&json!(elms), &json!(true)));
    scene.sim.person_sends(forum, alice, "in General");
    assert_eq!(scene.update("message").await.get("message_thread_id"), None);
    scene.sim.person_renames_topic((forum, elms), alice, "Ashes");
    assert_eq!(scene.update("message").await["forum_topic_edited"]["name"], "Ashes");
    scene.sim.person_closes_topic((forum, elms), alice);
    scene.sim.person_demotes(forum, (alice, scene.small.bot));
    let send = |topic: i64| json!({"chat_id": forum, "message_thread_id": topic, "text": "hi"});
    assert_eq!(scene.refused("sendMessage", send(elms)).await, "Bad Request: TOPIC_CLOSED");
    assert_eq!(scene.refused("sendMessage", send(1)).await, "Bad Request: message thread not found");
    scene.sim.person_reopens_topic((forum, elms), alice);
    assert_eq!(scene.call("sendMessage", send(elms)).await["message_thread_id"], json!(elms));
    scene.should_be_honest("topics_are_where_messages_are");
}

#[tokio::test]
async fn anonymous_admins_and_channels_write_as_chats() {
    let mut scene = Scene::new().await;
    let (small, group) = (scene.small, scene.small.supergroup);
    scene.sim.person_hides(group, small.bob, Some("Warden"));
    scene.sim.person_sends(group, small.bob, "who am I");
    let heard = scene.update("message").await;
    assert_eq!(heard["from"]["id"], json!(model::GROUP_ANONYMOUS_BOT));
    assert_eq!((&heard["sender_chat"]["id"], &heard["author_signature"]), (&json!(group), &json!("Warden")));
    scene.sim.channel_sends(group, (small.channel, small.alice), "as the channel");
    let heard = scene.update("message").await;
    assert_eq!(
        (&heard["from"]["id"], &heard["sender_chat"]["id"]),
        (&json!(model::CHANNEL_BOT), &json!(small.channel))
    );
    scene.sim.edit_chat(small.channel, |chat| chat.signs = true);
    let post = scene.sim.person_sends(small.channel, small.alice, "signed");
    let got = scene.updates().await;
    assert_eq!(got.len(), 2, "{got:?}");
    let (told, copy) = (&got[0]["channel_post"], &got[1]["message"]);
    assert_eq!((told.get("from"), &told["author_signature"]), (None, &json!("Alice")));
    assert_eq!((&copy["from"]["id"], &copy["is_automatic_forward"]), (&json!(model::TELEGRAM), &json!(true)));
    assert_eq!(copy["forward_origin"]["message_id"], json!(post));
    scene.sim.person_edits((small.channel, post), "changed");
    let got = scene.updates().await;
    let texts: Vec<_> = got.iter().map(|it| &it["edited_channel_post"]["text"]).collect();
    assert_eq!(texts, [&json!("changed"), &json!(null)]);
    assert_eq!(got[1]["edited_message"]["text"], "changed");
    scene.should_be_honest("anonymous_admins_and_channels_write_as_chats");
}

#[tokio::test]
async fn a_bot_hears_of_its_own_pins_and_titles_but_not_of_its_texts() {
    let mut scene = Scene::new().await;
    let chat = scene.small.supergroup;
    let sent = scene.call("sendMessage", json!({"chat_id": chat, "text": "hi"})).await;
    assert!(scene.updates().await.is_empty());
    scene.call("pinChatMessage", json!({"chat_id": chat, "message_id": sent["message_id"]})).await;
    assert_eq!(scene.update("message").await["pinned_message"]["text"], "hi");
    scene.call("setChatTitle", json!({"chat_id": chat, "title": "Owls"})).await;
    assert_eq!(scene.update("message").await["new_chat_title"], "Owls");
    scene.should_be_honest("a_bot_hears_of_its_own_pins_and_titles_but_not_of_its_texts");
}

#[tokio::test]
async fn people_come_and_go() {
    let mut scene = Scene::new().await;
    let (chat, alice) = (scene.small.group, scene.small.alice);
    let carol = scene.sim.person("Carol");
    scene.sim.person_adds(chat, (alice, carol));
    let got = scene.updates().await;
    assert_eq!(got[0]["chat_member"]["new_chat_member"]["status"], "member");
    assert_eq!(got[1]["message"]["new_chat_members"][0]["first_name"], "Carol");
    scene.sim.person_bans(chat, (alice, scene.small.bot));
    let got = scene.updates().await;
    assert_eq!(got[0]["my_chat_member"]["new_chat_member"]["status"], "kicked");
    assert_eq!(got[1]["message"]["left_chat_member"]["id"], json!(scene.small.bot));
    scene.sim.person_sends(chat, alice, "unheard");
    assert!(scene.updates().await.is_empty());
    scene.should_be_honest("people_come_and_go");
}
