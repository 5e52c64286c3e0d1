//! The WhatsApp bridge's configuration for a simulated Cloud API.

use super::{NumberId, WhatsAppCloudSim};

/// The lines of the `platform:` section with which `magpie-whatsapp` talks to `sim` instead of the real one.
pub fn platform_section(sim: &WhatsAppCloudSim, number: NumberId) -> String {
    let secrets = sim.secrets();
    format!(
        "linked_devices: false\ncloud_phone_number_id: \"{number}\"\ncloud_access_token: \"{}\"\ncloud_app_secret: \"{}\"\ncloud_verify_token: \"{}\"\n\
         cloud_graph_url: {}\n",
        secrets.token,
        secrets.app_secret,
        secrets.verify_token,
        sim.graph_url()
    )
}
