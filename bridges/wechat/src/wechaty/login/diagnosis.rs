//! The doctor's look at a gateway. Changes nothing there, and does not listen: a gateway has one listener.

use magpie_common::{config::Secret, platform::Finding};
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

const REMEDY: &str = "Check `platform.wechaty_endpoint`, `platform.wechaty_token` and `platform.wechaty_certificate`, and that the gateway runs.";

const CERTIFICATE: &str = "Wechaty gateway's certificate";

const STOCK: &str = "it is the one that comes with Wechaty, of which everybody has the key: whoever is on the way can read the token, and with it take \
    the account";

const OWN: &str = "Make a certificate for the gateway, start it with that (WECHATY_PUPPET_SERVICE_TLS_SERVER_CERT, \
    WECHATY_PUPPET_SERVICE_TLS_SERVER_KEY), and name it in `platform.wechaty_certificate`. Wechaty's own is for this machine, or the inside of a VPN.";

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
    let place = match Where::read(endpoint, token, config) {
        Ok(place) => place,
        Err(words) => return vec![Finding::fault(CHECK, words, REMEDY)],
    };
    let mut findings: Vec<Finding> =
        place.is_anybodys().then(|| Finding::fault(CERTIFICATE, STOCK, OWN)).into_iter().collect();
    findings.push(reach(&place, token).await);
    findings
}

async fn reach(place: &Where, token: &Secret) -> Finding {
    let gateway = match Gateway::connect(place, token).await {
        Ok(gateway) => gateway,
        Err(error) => return Finding::fault(CHECK, error.to_string(), REMEDY),
    };
    match gateway.ask::<_, Version>(call::VERSION, Nothing {}).await {
        Ok(_) => Finding::good(CHECK, format!("reached at {}, and takes the token", place.origin())),
        Err(status) => Finding::fault(CHECK, connect_verdict(&status).to_string(), REMEDY),
    }
}
