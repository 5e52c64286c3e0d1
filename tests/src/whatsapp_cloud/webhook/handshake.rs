//! The question that an address must answer before webhooks go there: `GET …?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`.

use serde_json::Value;

use super::delivery;
use crate::whatsapp_cloud::{WhatsAppCloudSim, errors::GraphError, graph::call::Call, state::Inner};

/// Asks an address. The error says what was wrong with the answer.
async fn ask(address: &str, token: &str, challenge: &str) -> Result<(), String> {
    let query = [("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", challenge)];
    let response =
        delivery::client().get(address).query(&query).send().await.map_err(|_| "nobody answers there")?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(format!("HTTP Status Code = {status}; HTTP Message = not OK"));
    }
    match response.text().await {
        Ok(text) if text == challenge => Ok(()),
        _ => Err("The answer is not the challenge".to_owned()),
    }
}

/// Makes the handshake that a request asks for; none where it asks for none.
pub(crate) async fn for_call(inner: &Inner, call: &Call) -> Option<Result<(), String>> {
    if call.method != "POST" {
        return None;
    }
    let (address, token) = match call.path.ends_with("/subscribed_apps") {
        true => (call.field("override_callback_uri"), call.field("verify_token")),
        false => {
            let configuration = call.field("webhook_configuration");
            (&configuration["override_callback_uri"], &configuration["verify_token"])
        }
    };
    let address = address.as_str().filter(|address| !address.is_empty())?;
    let challenge = challenge(inner);
    Some(ask(address, token.as_str().unwrap_or_default(), &challenge).await)
}

/// The outcome for the route: no handshake is a good one.
pub(crate) fn passed(call: &Call) -> Result<(), GraphError> {
    match &call.handshake {
        Some(Err(why)) => Err(GraphError::new(2200)
            .details(format!("Callback verification failed with the following errors: {why}"))),
        _ => Ok(()),
    }
}

fn challenge(inner: &Inner) -> String {
    let bytes = inner.lock().clock.random_bytes::<4>();
    u32::from_be_bytes(bytes).to_string()
}

impl WhatsAppCloudSim {
    /// The app's owner writes an address into the dashboard, with the verify token beside it. The error says why it was not accepted.
    pub async fn subscribe(&self, address: &str) -> Result<(), String> {
        let token = self.secrets().verify_token;
        let challenge = challenge(&self.inner);
        self.subscribe_with(address, (&token, &challenge)).await
    }

    /// The same with another verify token or challenge.
    pub async fn subscribe_with(
        &self,
        address: &str,
        (token, challenge): (&str, &str),
    ) -> Result<(), String> {
        ask(address, token, challenge).await?;
        self.inner.change(|state| state.records.callback = Some(address.to_owned()));
        Ok(())
    }

    /// The app's owner wrote this address into the dashboard long ago, and it was accepted.
    pub fn was_subscribed(&self, address: &str) {
        self.inner.change(|state| state.records.callback = Some(address.to_owned()));
    }

    /// Where webhooks of the app go now.
    pub fn callback(&self) -> Value {
        self.inner.lock().records.callback.clone().map_or(Value::Null, Value::from)
    }
}
