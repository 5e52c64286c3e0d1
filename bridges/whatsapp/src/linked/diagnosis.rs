//! What the `doctor` command says of linked devices: whether WhatsApp's server is reached. How each phone's link is, the running bridge says.

use std::time::Duration;

use magpie_common::platform::Finding;
use tokio::time::timeout;
use whatsapp_rust::transport::TransportFactory;

use super::proxy::Road;
use crate::config::WhatsAppConfig;

const CHECK: &str = "WhatsApp's server for linked devices";
/// A server that does not answer for so long is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Opens a connection and closes it.
pub(super) async fn run(config: &WhatsAppConfig) -> Vec<Finding> {
    let remedy = match config.linked_proxy {
        None => "Let this machine reach web.whatsapp.com on port 443, and check its clock.",
        Some(_) => "Look whether `linked_proxy` is right and lets you reach web.whatsapp.com on port 443.",
    };
    let road = match Road::of(config) {
        Ok(road) => road,
        Err(error) => return vec![Finding::fault(CHECK, format!("{error:#}."), remedy)],
    };
    vec![match timeout(ANSWER_WITHIN, road.create_transport()).await {
        Ok(Ok((transport, _events))) => {
            transport.disconnect().await;
            Finding::good(CHECK, "reached")
        }
        Ok(Err(error)) => Finding::fault(CHECK, format!("It cannot be reached: {error:#}."), remedy),
        Err(_) => Finding::fault(CHECK, "It does not answer.", remedy),
    }]
}
