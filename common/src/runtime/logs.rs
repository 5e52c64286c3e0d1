//! How log lines look. `RUST_LOG` refines the configured level for single rooms of the code.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{About, LogFormat, Logging};

/// Begins to write log lines to standard error.
pub(super) fn begin(about: &About, logging: Logging) {
    // Libraries speak up only when something is wrong with them.
    let (level, bridge) = (logging.level.as_str(), about.program().replace('-', "_"));
    let default = format!("warn,magpie_common={level},{bridge}={level}");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first one's lines.
    let _ = match logging.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).try_init(),
        LogFormat::Json => {
            // One span is enough: work on an event never stands inside other work.
            let json = fmt::layer().json().with_span_list(false);
            registry.with(json.with_writer(std::io::stderr)).try_init()
        }
    };
}
