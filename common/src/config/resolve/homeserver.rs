//! The `homeserver:` section, and the other servers that it names.

use std::{collections::BTreeMap, path::Path};

use ruma::{OwnedServerName, ServerName};
use url::Url;

use crate::config::{
    Homeserver, Problems,
    address::{self, Paths},
    file,
};

/// Checks the section.
pub(super) fn resolve_homeserver(
    file: &file::Homeserver,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Homeserver> {
    let url = address::required_http(
        problems,
        "url",
        &file.url,
        "Give the address of the client API, such as `http://127.0.0.1:8008`.",
    );
    let server_name = address::server_name(problems, &file.server_name);
    let double_puppets = file.double_puppets.as_ref().map(|file| folder.join(file));
    let double_puppet_servers = other_servers(problems, &file.double_puppet_servers);
    let mut endpoint = |key, text: &Option<String>| address::optional_http(problems, key, text.as_deref());
    let status_endpoint = endpoint("status_endpoint", &file.status_endpoint);
    let checkpoints = endpoint("message_send_checkpoint_endpoint", &file.message_send_checkpoint_endpoint);
    Some(Homeserver {
        url: url?,
        server_name: server_name?,
        double_puppets,
        double_puppet_servers,
        status_endpoint: status_endpoint?,
        message_send_checkpoint_endpoint: checkpoints?,
    })
}

/// Where other homeservers are. Access tokens go there, so that only loopback may do without encryption.
fn other_servers(problems: &mut Problems, file: &BTreeMap<String, String>) -> BTreeMap<OwnedServerName, Url> {
    let mut servers = BTreeMap::new();
    for (name, text) in file {
        let key = format!("double_puppet_servers.{name}");
        let Ok(server_name) = ServerName::parse(name) else {
            let help = "Name the server as in its people's ids: `example.org`.";
            problems.add_key("double_puppet_servers", name, format!("`{name}` is not a server name"), help);
            continue;
        };
        let Some(url) = address::http(problems, &key, text, Paths::Allowed) else { continue };
        if url.scheme() == "http" && !address::is_loopback(&url) {
            let what = format!("access tokens would travel to {name} for everybody to read");
            problems.add_key("double_puppet_servers", name, what, "Give an `https://` address.");
            continue;
        }
        servers.insert(server_name, url);
    }
    servers
}
