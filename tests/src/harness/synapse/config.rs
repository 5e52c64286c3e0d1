//! The files Synapse starts from. JSON is YAML, so nothing needs quoting rules.

use std::{fs, path::Path};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use magpie_common::clock::Clock;
use serde_json::{Map, Value, json};

use super::{Database, SynapseOptions};
use crate::harness::person::SHARED_SECRET;

/// Limits for clients, raised so that no test waits for one.
const LIMITS: &[&str] = &[
    "rc_message",
    "rc_registration",
    "rc_joins_per_room",
    "rc_admin_redaction",
    "rc_room_creation",
    "rc_media_create",
    "rc_user_directory",
    "rc_profile",
    "rc_key_requests",
];
const LIMITS_BY_KIND: &[(&str, &[&str])] = &[
    ("rc_login", &["address", "account", "failed_attempts"]),
    ("rc_joins", &["local", "remote"]),
    ("rc_invites", &["per_room", "per_user", "per_issuer"]),
    ("rc_presence", &["per_user"]),
];

/// The `database` section; on PostgreSQL this makes the database, in the only collation that Synapse accepts.
pub async fn database(database: Database<'_>, folder: &Path) -> anyhow::Result<Value> {
    let Database::Postgres(server) = database else {
        return Ok(json!({"name": "sqlite3", "args": {"database": folder.join("homeserver.db")}}));
    };
    let name = format!("synapse_{}", hex(&Clock::system().random_bytes::<6>()));
    let dsn = server.create_database(&name).await?;
    Ok(json!({"name": "psycopg2", "args": {"dsn": dsn, "cp_min": 2, "cp_max": 10}}))
}

/// Writes all files; the signing key only once, since a server keeps its identity.
pub fn write(folder: &Path, port: u16, options: &SynapseOptions<'_>, database: &Value) -> anyhow::Result<()> {
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("homeserver.yaml", format!("{:#}", homeserver(folder, port, options, database)))?;
    put("log.yaml", format!("{:#}", log()))?;
    if folder.join("signing.key").exists() {
        return Ok(());
    }
    let seed = STANDARD_NO_PAD.encode(Clock::system().random_bytes::<32>());
    put("signing.key", format!("ed25519 a_magpie {seed}\n"))
}

fn homeserver(folder: &Path, port: u16, options: &SynapseOptions<'_>, database: &Value) -> Value {
    let mut config = json!({
        "server_name": options.server_name,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "pid_file": folder.join("synapse.pid"),
        "signing_key_path": folder.join("signing.key"),
        "media_store_path": folder.join("media"),
        "log_config": folder.join("log.yaml"),
        "report_stats": false,
        "registration_shared_secret": SHARED_SECRET,
        "macaroon_secret_key": "only for tests",
        "form_secret": "only for tests",
        "enable_registration": false,
        "presence": {"enabled": true},
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "url_preview_enabled": false,
        "max_upload_size": "100M",
        "app_service_config_files": options.registrations,
        "listeners": [{
            "port": port,
            "type": "http",
            "tls": false,
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client", "media", "openid"], "compress": false}],
        }],
        "database": database,
        "experimental_features": {
            "msc2409_to_device_messages_enabled": true,
            "msc3202_transaction_extensions": true,
        },
    });
    let limit = json!({"per_second": 100_000, "burst_count": 100_000});
    for name in LIMITS {
        config[name] = limit.clone();
    }
    for (name, kinds) in LIMITS_BY_KIND {
        config[name] =
            kinds.iter().map(|kind| ((*kind).to_owned(), limit.clone())).collect::<Map<_, _>>().into();
    }
    config
}

fn log() -> Value {
    json!({
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"output": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "INFO", "handlers": ["output"]},
        "loggers": {"synapse.access": {"level": "WARNING"}, "synapse.storage": {"level": "WARNING"}},
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
