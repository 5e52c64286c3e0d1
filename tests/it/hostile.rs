//! What wants to do harm: a thousand hostile inputs, from both sides, in one life of the bridge, and in `trouble` a network that behaves
//! badly. The bridge goes on, and says afterwards what it said before.
//!
//! Everything is made from a seed, which is printed: `MAGPIE_TEST_SEED` repeats a run.

mod inputs;
mod trouble;

use std::time::Duration;

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, Membership};
use magpie_tests::discord::{DiscordSim, SmallWorld, World, staged::Staged};
use rand::{SeedableRng as _, rngs::StdRng};
use ruma::user_id;

/// From each side.
const INPUTS: usize = 500;

/// Between two looks at both sides.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the bridge may take to get over all of them.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hostile_inputs_leave_the_bridge_running_and_its_state_right() -> anyhow::Result<()> {
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::small();
    world.0.edit_user(world.1.bob).global_name = Some(inputs::name(&mut random));
    let mut staged = Staged::set(world, "").await?;
    let Staged { sim, small, fake, alice, bridge, room, .. } = &mut staged;
    let known = alice.sends(room, "known to both");
    sim.wait_for_message(small.general, |message| message.content == "known to both").await?;
    let theirs = sim.person_sends(small.general, small.alice, "known, too");
    fake.wait_for_body(room, "known, too").await;

    for _ in 0..INPUTS {
        let (event_type, content) = inputs::event(&mut random, known.as_str());
        alice.sends_content(room, event_type, &content);
        inputs::deed(&mut random, sim, small, theirs);
    }
    fake.push_raw("5");
    fake.push_raw("{\"event_id\": \"$odd\", \"room_id\": 7}");

    // What comes after all of it is heard on both sides, in order, and everything before it has come to an end.
    alice.sends(room, "the last word");
    sim.person_sends(small.general, small.alice, "the very last word");
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let heard = tokio::time::timeout(PATIENCE, async {
        while is_last_missing(sim, fake, small, room) {
            looks.tick().await;
        }
    });
    heard.await.map_err(|_| anyhow::anyhow!("the bridge does not get over it; {}", bridge.tail()))?;
    let desk = alice.creates_direct_chat(user_id!("@discordbot:example.org"));
    let bot = user_id!("@discordbot:example.org");
    fake.wait_until(|fake| (fake.membership(&desk, bot) == Some(Membership::Joined)).then_some(())).await;
    alice.sends(&desk, "status");
    let status =
        fake.wait_for(&desk, |event| event.sender == bot && event.body().contains("To Discord")).await;
    // The one that waits is the question itself.
    assert!(status.body().contains("To Discord: 1 waiting"), "{}", status.body());
    assert!(status.body().contains("From Discord: nothing waits"), "{}", status.body());
    nobody_was_pinged(sim, small);
    assert!(bridge.stop().await?.success());
    Ok(())
}

fn is_last_missing(sim: &DiscordSim, fake: &FakeHomeserver, small: &SmallWorld, room: &ruma::RoomId) -> bool {
    let on_discord = sim.messages(small.general).iter().any(|message| message.content == "the last word");
    let on_matrix = fake.messages(room).iter().any(|(_, body)| body == "the very last word");
    !(on_discord && on_matrix)
}

/// Nobody in Matrix named anybody by id, so nobody may have been pinged on Discord.
fn nobody_was_pinged(sim: &DiscordSim, small: &SmallWorld) {
    let relayed = sim.messages(small.general);
    let relayed = relayed.iter().filter(|it| {
        matches!(it.author, magpie_tests::discord::Author::Webhook { application: Some(_), .. })
    });
    for message in relayed {
        let mentions = &message.mentions;
        assert!(!mentions.everyone && mentions.users.is_empty() && mentions.roles.is_empty(), "{message:?}");
    }
}
