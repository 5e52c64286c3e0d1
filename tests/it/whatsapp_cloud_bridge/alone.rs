//! Where only the number of a business is wanted, nobody links a phone.

use magpie_common::{
    config::Secret,
    ids::LoginId,
    platform::{ConnectError, Platform, SavedLogin},
};
use magpie_whatsapp::WhatsAppConfig;

use super::{Stage, config, platform};

fn flows(bridge: &impl Platform) -> Vec<&'static str> {
    bridge.login_flows().iter().map(|flow| flow.id).collect()
}

#[tokio::test]
async fn without_linked_devices_only_the_cloud_is_left() {
    let stage = Stage::new().await;
    let bridge = stage.platform();
    assert_eq!(flows(&bridge), ["cloud"]);
    let refused = bridge.begin_login("qr").await.err().expect("there is no such flow");
    assert!(refused.to_string().contains("there is `cloud`"), "{refused}");
    let checks: Vec<_> = bridge.diagnose().await.into_iter().map(|finding| finding.check).collect();
    assert!(!checks.iter().any(|check| check.contains("linked")), "{checks:?}");

    let phone = SavedLogin {
        id: LoginId::new("linked-16505551234"),
        name: "a phone".to_owned(),
        secret: Secret::new("{}"),
    };
    match bridge.connect(&phone, stage.sink()).await {
        Err(ConnectError::BadCredentials(words)) => {
            assert!(words.contains("`platform.linked_devices`"), "{words}")
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was connected all the same"),
    }
    // Everybody else has all ways.
    let both =
        platform(WhatsAppConfig { linked_devices: true, ..config(&stage.sim, &stage.small) }, &stage.clock);
    let all = flows(&both);
    assert!(all.contains(&"cloud") && all.len() > 1, "{all:?}");
}
