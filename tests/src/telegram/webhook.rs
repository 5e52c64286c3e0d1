//! Webhooks: updates are sent to an address of the bot. <https://core.telegram.org/bots/api#setwebhook>
//!
//! As many requests as the bot allows are open at once; with one, the order is kept. What is not answered with 2xx is repeated after a
//! pause that doubles. Unlike Telegram, plain HTTP is taken, since everything here is on loopback.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    answer::{ApiError, Outcome},
    call::Call,
    model::{UserId, Webhook},
    polling,
    state::{Inner, State},
    updates,
};

const CONNECTIONS_MAX: i64 = 100;
const CONNECTIONS_DEFAULT: i64 = 40;
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// What faults call the bringing of an update.
const METHOD: &str = "webhook";
const SECRET_CHARACTERS_MAX: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(60);

/// `setWebhook`. An empty address takes it away.
pub(crate) fn set(inner: &Arc<Inner>, call: &Call) -> Outcome {
    let url = call.text("url").unwrap_or_default().to_owned();
    if url.is_empty() {
        return inner.change(|state| delete(state, call));
    }
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(ApiError::bad("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    let secret = call.text("secret_token").map(str::to_owned);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_good =
        |secret: &String| (1..=SECRET_CHARACTERS_MAX).contains(&secret.len()) && secret.chars().all(is_plain);
    if secret.as_ref().is_some_and(|secret| !is_good(secret)) {
        return Err(ApiError::bad("secret token contains unallowed characters"));
    }
    let connections = call.number("max_connections").unwrap_or(CONNECTIONS_DEFAULT).clamp(1, CONNECTIONS_MAX);
    let generation = inner.change(|state| {
        polling::remember_kinds(state, call);
        drop_pending(state, call);
        let generation = u64::try_from(state.next_id()).unwrap_or_default();
        let connections_max = usize::try_from(connections).unwrap_or(1);
        let webhook = Webhook { url, secret, connections_max, last_error: None, generation };
        state.bot_mut(call.bot).webhook = Some(webhook);
        generation
    });
    tokio::spawn(deliver(Arc::clone(inner), (call.bot, generation)));
    Ok(json!(true))
}

/// `deleteWebhook`
pub(crate) fn delete(state: &mut State, call: &Call) -> Outcome {
    drop_pending(state, call);
    state.bot_mut(call.bot).webhook = None;
    Ok(json!(true))
}

/// `getWebhookInfo`
pub(crate) fn info(state: &mut State, call: &Call) -> Outcome {
    let bot = state.bot_mut(call.bot);
    let pending = bot.updates.len();
    let Some(webhook) = &bot.webhook else {
        return Ok(json!({"url": "", "has_custom_certificate": false, "pending_update_count": pending}));
    };
    let mut it = json!({
        "url": webhook.url,
        "has_custom_certificate": false,
        "pending_update_count": pending,
        "max_connections": webhook.connections_max,
        "ip_address": "127.0.0.1",
    });
    if let Some((date, message)) = &webhook.last_error {
        (it["last_error_date"], it["last_error_message"]) = (json!(date), json!(message));
    }
    if let Some(kinds) = &bot.allowed {
        it["allowed_updates"] = json!(kinds);
    }
    Ok(it)
}

fn drop_pending(state: &mut State, call: &Call) {
    if call.flag("drop_pending_updates") {
        state.bot_mut(call.bot).updates.clear();
    }
}

/// Sends updates until the webhook is set anew or taken away.
async fn deliver(inner: Arc<Inner>, whose: (UserId, u64)) {
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build();
    let client = client.expect("the client's settings are good");
    let mut failures = 0;
    loop {
        let changed = inner.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some((webhook, batch)) = next(&inner.lock(), whose) else { return };
        if batch.is_empty() {
            tokio::select! {
                () = changed => continue,
                () = inner.stop.cancelled() => return,
            }
        }
        let sent = batch.iter().map(|(id, update)| send(&client, &webhook, (*id, update)));
        let mut failure = None;
        for (id, outcome) in join_all(sent).await {
            match outcome {
                Ok(()) if lost_answer(&inner, whose.0) => failure = Some("Read timeout expired".to_owned()),
                Ok(()) => inner.change(|state| {
                    state.bot_mut(whose.0).updates.retain(|(waiting, _, _)| *waiting != id);
                }),
                Err(problem) => failure = Some(problem),
            }
        }
        let Some(problem) = failure else {
            failures = 0;
            continue;
        };
        let pause = inner.change(|state| note_failure(state, whose, problem)) * 2u32.saturating_pow(failures);
        failures += 1;
        tokio::select! {
            () = tokio::time::sleep(pause.min(PAUSE_MAX)) => {}
            () = inner.stop.cancelled() => return,
        }
    }
}

/// Whether a fault keeps an answer from arriving.
fn lost_answer(inner: &Inner, bot: UserId) -> bool {
    inner.change(|state| state.faults.take(METHOD, Some(bot))).is_some()
}

fn next(state: &State, (bot, generation): (UserId, u64)) -> Option<(Webhook, Vec<(i64, Value)>)> {
    let bot = &state.records.bots[&bot];
    let webhook = bot.webhook.clone().filter(|it| it.generation == generation && bot.token.is_some())?;
    let waiting = bot.updates.iter().take(webhook.connections_max);
    let batch = waiting.map(|(id, _, update)| (*id, update.clone())).collect();
    Some((webhook, batch))
}

fn note_failure(state: &mut State, (bot, _): (UserId, u64), problem: String) -> Duration {
    let now = state.now();
    updates::confirm(state, bot, 0);
    if let Some(webhook) = &mut state.bot_mut(bot).webhook {
        webhook.last_error = Some((now, problem));
    }
    Duration::from_millis(state.settings.webhook_pause_ms)
}

async fn send(
    client: &reqwest::Client,
    webhook: &Webhook,
    (id, update): (i64, &Value),
) -> (i64, Result<(), String>) {
    let mut request = client.post(&webhook.url).json(update);
    if let Some(secret) = &webhook.secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let outcome = match request.send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("Wrong response from the webhook: {}", response.status())),
        Err(_) => Err("Connection refused".to_owned()),
    };
    (id, outcome)
}
