//! The doctor's look at a gateway. Changes nothing there, and does not listen: a gateway has one listener.

use magpie_common::platform::Finding;
use prost::Message;

use crate::{
    config::WeChatConfig,
    wechaty::{
        gateway::{Gateway, Where, call},
        verdict::connect_verdict,
        wire::Nothing,
    },
};

const CHECK: &str = "Wechaty gateway";

/// What a gateway says of itself (`VersionResponse`).
#[derive(Clone, PartialEq, Eq, Message)]
struct Version {
    #[prost(string, tag = "1")]
    version: String,
}

/// Runs every check that the ones before it leave possible.
pub(in crate::wechaty) async fn run(config: &WeChatConfig) -> Vec<Finding> {
    let Some((endpoint, token)) = config.wechaty_endpoint.as_ref().zip(config.wechaty_token.as_ref()) else {
        return vec![Finding::good(
            CHECK,
            "none in the configuration; people sign in with the command `login wechaty`",
        )];
    };
    let remedy = "Check `platform.wechaty_endpoint`, `platform.wechaty_token` and `platform.wechaty_certificate`, and that the gateway runs.";
    let place = match Where::read(endpoint, token, config) {
        Ok(place) => place,
        Err(words) => return vec![Finding::fault(CHECK, words, remedy)],
    };
    let gateway = match Gateway::connect(&place, token).await {
        Ok(gateway) => gateway,
        Err(error) => return vec![Finding::fault(CHECK, error.to_string(), remedy)],
    };
    vec![match gateway.ask::<_, Version>(call::VERSION, Nothing {}).await {
        Ok(_) => Finding::good(CHECK, format!("reached at {}, and takes the token", place.origin())),
        Err(status) => Finding::fault(CHECK, connect_verdict(&status).to_string(), remedy),
    }]
}
