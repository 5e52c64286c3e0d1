//! Finding people on Discord, and opening conversations with them.

use magpie_common::{ids::RemoteUserId, message::UserInfo};
use magpie_tests::discord::World;

use super::{Stage, key, said_by};

fn names(found: &[UserInfo]) -> Vec<&str> {
    found.iter().filter_map(|user| user.name.as_deref()).collect()
}

#[tokio::test]
async fn members_of_all_servers_are_found_once_by_user_name_or_nickname() {
    let (mut world, small) = World::small();
    let other = world.guild("Fish");
    let birgit = world.member(other, "Birgit");
    world.edit_guild(other).members.insert(small.bob, Default::default());
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let directory = session.directory().expect("Discord has a directory");
    let search =
        async |words: &str, count_max| directory.search(words, count_max).await.expect("it can be asked");
    assert_eq!(names(&search("b", 10).await), ["Bob", "Birgit"]);
    assert_eq!(names(&search("bobby", 10).await), ["Bob"], "by the nickname");
    assert_eq!(names(&search("B", 1).await), ["Bob"]);
    assert_eq!(search("magpie", 10).await, [], "the bot itself");
    let found = directory.resolve("birgit").await.expect("it can be asked").expect("it names somebody");
    assert_eq!(found.ids.primary, RemoteUserId::new(birgit.to_string()));
    assert_eq!(directory.resolve("birgi").await, Ok(None), "the beginning of a user name is not one");
    session.close().await;
    stage.should_be_honest("members_of_all_servers_are_found_once_by_user_name_or_nickname");
}

#[tokio::test]
async fn a_conversation_is_opened_and_both_speak_there() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let directory = session.directory().expect("Discord has a directory");
    let bob = RemoteUserId::new(stage.small.bob.to_string());
    let chat = directory.direct_chat(&bob).await.expect("it is opened");
    let channel = chat.as_str().parse().expect("it is one of the simulator's ids");
    session.deliver(&chat, &said_by("Ada", "hi"), &key(1)).await.expect("it is delivered");
    assert_eq!(stage.contents(channel), ["**Ada:** hi"]);
    stage.sim.person_sends(channel, stage.small.bob, "hello");
    stage.arrived("hello").await;
    let info = session.chat(&chat).await.expect("it answers").expect("it is a chat");
    assert_eq!((info.with, info.name.as_deref()), (Some(bob), Some("Bob")));
    session.close().await;
    stage.should_be_honest("a_conversation_is_opened_and_both_speak_there");
}

#[tokio::test]
async fn programs_and_strangers_have_no_conversation() {
    let (mut world, small) = World::small();
    let robot = world.member(small.guild, "Robot");
    world.edit_user(robot).is_bot = true;
    let stage = Stage::of(world, small).await;
    let session = stage.connect().await;
    let directory = session.directory().expect("Discord has a directory");
    for (user, words) in [
        (robot.to_string(), "Cannot send messages to this user"),
        ("1234567890123456789".to_owned(), "Discord knows no such person"),
        ("webhook:1:ab".to_owned(), "nobody there has such an id"),
    ] {
        let refused = directory.direct_chat(&RemoteUserId::new(user)).await.expect_err("there is none");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    session.close().await;
    stage.should_be_honest("programs_and_strangers_have_no_conversation");
}
