//! The doctor's look at Discord: one question after the other, each with its remedy. Changes nothing there.

use magpie_common::{config::Secret, platform::Finding};
use serde_json::Value;

use crate::{
    config::DiscordConfig,
    json::text,
    session::{
        BAD_TOKEN, MESSAGE_CONTENT_FLAGS, MISSING_INTENT,
        api::{Api, ApiError},
        permissions::{ADMINISTRATOR, NEEDED, NEEDED_BITS},
    },
};

/// More servers than this are not looked at one by one.
const GUILDS_MAX: usize = 20;

/// How to come by a token.
const TOKEN_REMEDY: &str = "Open https://discord.com/developers/applications, choose your application, then Bot, then Reset \
    Token, and put the new token into `platform.token`.";

/// Runs every check that the ones before it leave possible.
pub(crate) async fn run(config: &DiscordConfig) -> Vec<Finding> {
    let Some(token) = &config.token else {
        let problem = "`platform.token` is not set, so nothing connects";
        return vec![Finding::fault("token", problem, TOKEN_REMEDY)];
    };
    let mut findings = Vec::new();
    let api = match Api::new(&config.api_url, Secret::new(token.expose())) {
        Ok(api) => api,
        Err(error) => {
            findings.push(Finding::fault("API", error.to_string(), "Check `platform.api_url`."));
            return findings;
        }
    };
    let user = match api.get("/users/@me").await {
        Ok(user) => user,
        Err(error) => {
            findings.push(account_fault(&error, config));
            return findings;
        }
    };
    findings.push(Finding::good("API", format!("reached at {}", config.api_url)));
    findings
        .push(Finding::good("token", format!("belongs to {}", user["username"].as_str().unwrap_or("a bot"))));
    findings.push(intents(&api).await);
    findings.push(gateway(&api, config).await);
    findings.extend(guilds(&api, config, &text(&user["id"])).await);
    findings
}

fn account_fault(error: &ApiError, config: &DiscordConfig) -> Finding {
    if error.is_bad_token() {
        return Finding::fault("token", BAD_TOKEN, TOKEN_REMEDY);
    }
    let remedy = format!("Check that this machine reaches {} (network, proxy, firewall).", config.api_url);
    Finding::fault("API", error.to_string(), remedy)
}

async fn intents(api: &Api) -> Finding {
    match api.get("/applications/@me").await {
        Ok(application) if application["flags"].as_u64().unwrap_or_default() & MESSAGE_CONTENT_FLAGS != 0 => {
            Finding::good("intents", "the bot may read messages")
        }
        Ok(_) => {
            let remedy = "Open the developer portal, choose your application, then Bot, and switch on Message Content Intent.";
            Finding::fault("intents", MISSING_INTENT, remedy)
        }
        Err(error) => unanswered("intents", &error),
    }
}

async fn gateway(api: &Api, config: &DiscordConfig) -> Finding {
    match api.get("/gateway/bot").await {
        Ok(answer) => {
            let url = answer["url"].as_str().unwrap_or_default();
            if config.allows_gateway(url) {
                return Finding::good("gateway", format!("at {url}"));
            }
            let problem = format!("the gateway is said to be at `{url}`, which is not allowed");
            Finding::fault(
                "gateway",
                problem,
                "Check `platform.api_url`, and `platform.gateway_hosts` for another server.",
            )
        }
        Err(error) => unanswered("gateway", &error),
    }
}

async fn guilds(api: &Api, config: &DiscordConfig, me: &str) -> Vec<Finding> {
    let all = match api.get("/users/@me/guilds").await {
        Ok(Value::Array(all)) => all,
        Ok(_) => Vec::new(),
        Err(error) => return vec![unanswered("servers", &error)],
    };
    let (wanted, _): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|guild| config.wants_guild(&text(&guild["id"])));
    if wanted.is_empty() {
        let remedy = format!(
            "Open https://discord.com/oauth2/authorize?client_id={me}&scope=bot&permissions={NEEDED_BITS} and add the bot to a \
             server; check `platform.guilds`."
        );
        return vec![Finding::fault("servers", "the bot is in no server that is to be bridged", remedy)];
    }
    let mut findings: Vec<Finding> = wanted.iter().take(GUILDS_MAX).map(|guild| permissions(guild)).collect();
    for id in &config.guilds {
        if !all.iter().any(|guild| text(&guild["id"]) == *id) {
            let remedy = "Add the bot to it, or take it out of `platform.guilds`.";
            findings.push(Finding::fault("servers", format!("the bot is not in server {id}"), remedy));
        }
    }
    findings
}

fn permissions(guild: &Value) -> Finding {
    let name = guild["name"].as_str().unwrap_or("a server");
    let check = format!("permissions in {name}");
    let held: u64 = text(&guild["permissions"]).parse().unwrap_or_default();
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(bit, _)| held & (bit | ADMINISTRATOR) == 0).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Finding::good(check, "all that is needed");
    }
    let remedy = format!("In Discord's server settings, Roles, give the bot's role: {}.", missing.join(", "));
    Finding::fault(check, format!("the bot lacks {}", missing.join(", ")), remedy)
}

fn unanswered(check: &str, error: &ApiError) -> Finding {
    Finding::fault(check, error.to_string(), "Try again; if it stays, see https://discordstatus.com.")
}
