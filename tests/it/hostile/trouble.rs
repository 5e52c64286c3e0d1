//! A network that behaves badly: events twice, late or never, storms of refusals, rights withdrawn, a server away. Each ends in a clear state,
//! and nothing else is lost.

use magpie_tests::discord::{Fault, GatewayFault, RateLimitScope, World, staged::Staged, trouble::Resumable};
use serde_json::json;

/// How a webhook is spoken through.
const EXECUTE: &str = "POST /webhooks/*/*";

/// Everybody's right to manage webhooks.
const MANAGE_WEBHOOKS: u64 = 1 << 29;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_come_twice_late_or_never_lose_nothing_else() -> anyhow::Result<()> {
    let scene = Staged::set(World::small(), "").await?;
    let (sim, general, alice) = (&scene.sim, scene.small.general, scene.small.alice);
    sim.gateway_fault("MESSAGE_CREATE", GatewayFault::Duplicate);
    sim.person_sends(general, alice, "twice");
    sim.gateway_fault("MESSAGE_CREATE", GatewayFault::SwapWithNext);
    let late = sim.person_sends(general, alice, "late");
    // The edit comes before the message that it changes.
    sim.person_edits(general, late, "late, and better");
    sim.person_sends(general, alice, "in between");
    scene.fake.wait_for_body(&scene.room, "in between").await;
    // Nobody can know of an event that never came, until a new connection looks for it.
    sim.gateway_fault("MESSAGE_CREATE", GatewayFault::Drop);
    sim.person_sends(general, alice, "never");
    let starts = sim.gateway_starts();
    sim.gateway_invalidate(Resumable::No);
    sim.wait_for_gateway_start(starts).await?;
    sim.person_sends(general, alice, "the last word");
    scene.fake.wait_for_body(&scene.room, "the last word").await;
    let shown = scene.shown();
    for words in ["twice", "in between", "never", "the last word"] {
        assert_eq!(shown.iter().filter(|it| *it == words).count(), 1, "{words}: {shown:?}");
    }
    assert!(shown.iter().any(|it| it.contains("late")), "{shown:?}");
    scene.ends().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_refusals_is_waited_out_in_order() -> anyhow::Result<()> {
    let scene = Staged::set(World::small(), "").await?;
    for scope in [RateLimitScope::User, RateLimitScope::Shared, RateLimitScope::Global].repeat(4) {
        scene.sim.fault(EXECUTE, Fault::RateLimited { scope, retry_after_ms: 30 });
    }
    let words: Vec<String> = (0..12).map(|nth| format!("storm {nth}")).collect();
    for words in &words {
        scene.alice.sends(&scene.room, words);
    }
    assert_eq!(scene.relayed_until("storm 11").await?, words);
    scene.ends().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_withdrawn_in_mid_air_are_named_and_another_try_helps() -> anyhow::Result<()> {
    let scene = Staged::set(World::small(), "").await?;
    let (sim, guild) = (&scene.sim, scene.small.guild);
    scene.alice.sends(&scene.room, "before");
    scene.relayed_until("before").await?;
    sim.admin_edits_guild(guild, |it| {
        it.roles.values_mut().for_each(|role| role.permissions &= !MANAGE_WEBHOOKS)
    });
    for hook in sim.webhooks() {
        sim.person_deletes_webhook(hook.id);
    }
    let refused = scene.alice.sends(&scene.room, "refused");
    let notice = scene
        .fake
        .wait_for(&scene.room, |event| {
            event.content()["m.relates_to"]["m.in_reply_to"]["event_id"] == refused.as_str()
        })
        .await;
    assert!(notice.body().starts_with('⚠') && notice.body().contains("Manage Webhooks"), "{}", notice.body());
    // What needs no webhook goes on.
    sim.person_sends(scene.small.general, scene.small.alice, "still heard");
    scene.fake.wait_for_body(&scene.room, "still heard").await;
    sim.admin_edits_guild(guild, |it| {
        it.roles.values_mut().for_each(|role| role.permissions |= MANAGE_WEBHOOKS)
    });
    scene.alice.reacts(&scene.room, &notice.event_id, "🔁");
    assert_eq!(scene.relayed_until("refused").await?, ["before", "refused"]);
    scene.ends().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_for_a_while_keeps_its_rooms() -> anyhow::Result<()> {
    let scene = Staged::set(World::small(), "").await?;
    let (sim, small) = (&scene.sim, scene.small);
    scene.alice.sends(&scene.room, "before");
    scene.relayed_until("before").await?;
    sim.gateway_event("GUILD_DELETE", &json!({"id": small.guild, "unavailable": true}));
    let busy = Fault::Answer { status: 503, body: json!({"message": "away", "code": 0}) };
    sim.fault(EXECUTE, busy);
    scene.alice.sends(&scene.room, "while it is away");
    sim.person_sends(small.general, small.alice, "it is back");
    scene.fake.wait_for_body(&scene.room, "it is back").await;
    assert_eq!(scene.relayed_until("while it is away").await?, ["before", "while it is away"]);
    scene.ends().await
}
