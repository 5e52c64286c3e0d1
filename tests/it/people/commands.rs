//! Every command in a real room at a real Synapse, and its words.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use magpie_tests::harness::{
    person::{Event, PATIENCE, Person},
    tools::{Component, need},
};

use super::{ALLY_TOKEN, BOT, Story, signs_in};

/// The users' page, which is generated from the bridges' own table.
const MANUAL: &str = include_str!("../../../docs/user/commands.md");

/// Where a command is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In the direct chat with the bot.
    Desk,
    /// In the room of a chat.
    Portal,
}

use Where::{Desk, Portal};

/// What is said, in an order in which each leads to the next, and how the answer begins.
const CONVERSATION: &[(Where, &str, &str)] = &[
    (Desk, "help", "Commands of the Example bridge:"),
    (Portal, "help retry", "`!example retry <number>`"),
    (Desk, "version", "magpie-example "),
    (Desk, "ping", "The Example bridge is here"),
    (Portal, "status", "Running for "),
    (Portal, "doctor", "✔ homeserver: knows us as @examplebot:magpie.test"),
    (Desk, "cancel", "No sign-in is under way."),
    (Desk, "login by-post", "There is no such way to sign in."),
    (Portal, "login", "“login” is for a room that nobody else is in."),
    (Desk, "relogin nobody token", "You have no account with that id here."),
    (Desk, "reconnect", "Nothing waits to be connected."),
    (Portal, "set-preferred-login ally", "`ally` speaks for you in this room from now on."),
    (Desk, "list-logins", "Ally of the line (`ally`): connected"),
    (Desk, "set-management-room", "I tell you news in this room from now on"),
    (Desk, "login-matrix made-up", "The homeserver does not take that token."),
    (Desk, "logout-matrix", "You have given me no access token."),
    (Desk, "ping-matrix", "I can act for you in Matrix."),
    (Portal, "mute", "This room is muted for you."),
    (Portal, "unmute", "This room rings for you again."),
    (Portal, "id", "Chat lobby on Example, by way of account "),
    (Portal, "sync", "The room will look like its chat in a moment."),
    (Portal, "capabilities", "From this room to Example:"),
    (Portal, "relay-template text <{name}> {message}", "From now on in this room:"),
    (Portal, "set-relay ally", "`ally` speaks in this room for people without an account"),
    (Portal, "unset-relay", "Nobody speaks in this room any more for people without an account."),
    (Desk, "failed", "Nothing has failed."),
    (Desk, "retry 999", "Nothing is parked under 999."),
    (Desk, "drop 999", "Nothing is parked under 999."),
    (Desk, "trace $unknown", "This bridge never accepted a message with that id."),
    (Portal, "unbridge", "This room and its chat on Example go separate ways now."),
    (Portal, "bridge", "The room of “The lobby” is being made."),
    (Desk, "search ada", "On Example people cannot be looked up."),
    (Desk, "resolve ada", "On Example people cannot be looked up."),
    (Desk, "start-chat ada", "On Example people cannot be looked up."),
    (Desk, "create-portal cellar", "No connected account sees a chat cellar on Example."),
    (Portal, "delete-portal", "This takes everybody out of this room"),
    (Desk, "delete-all-portals", "This takes everybody out of all 1 rooms of this bridge."),
    (Desk, "logout ally", "Signed out of ally on Example. Your rooms stay."),
];

#[tokio::test]
async fn real_rooms_hear_every_command_answered() -> anyhow::Result<()> {
    let Some(_) = need(Component::Synapse) else { return Ok(()) };
    let story = Story::begin().await?;
    let alice = &story.alice;
    let desk = signs_in(alice, ALLY_TOKEN, "Ally of the line").await?;
    story.network.person_says("lobby", "ada", "welcome");
    let said = |event: &Event| event.body() == "welcome";
    let portal = alice.wait_within(PATIENCE, said).await?.room;
    alice.join(&portal).await?;
    for (place, words, answer) in CONVERSATION {
        match place {
            Desk => asks(alice, &desk, words, answer).await?,
            Portal => asks(alice, &portal, &format!("!example {words}"), answer).await?,
        }
    }
    story.end().await
}

/// Says something, and waits for the bot's answer to it.
async fn asks(person: &Person, room: &str, words: &str, answer: &str) -> anyhow::Result<()> {
    let asked = person.send_text(room, words).await?;
    let is_answer = |event: &Event| {
        event.sender() == BOT
            && event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == asked.as_str()
    };
    let heard = person.wait_for(room, is_answer).await.with_context(|| format!("no answer to {words:?}"))?;
    ensure!(heard.body().starts_with(answer), "{words:?} is answered by {:?}", heard.body());
    Ok(())
}

#[test]
fn every_command_of_the_page_is_said_in_a_real_room() {
    let name = |words: &str| words.split_whitespace().next().unwrap_or_default().to_owned();
    let said: BTreeSet<String> = CONVERSATION.iter().map(|(_, words, _)| name(words)).collect();
    let rows = MANUAL.lines().filter_map(|line| line.strip_prefix("| `"));
    let known: BTreeSet<String> = rows.map(|row| name(row.split('`').next().unwrap_or_default())).collect();
    assert!(known.len() > 20, "the page has hardly any commands: {known:?}");
    assert_eq!(said, known);
}
