//! The homeserver: a pinned Synapse from the Python package index in its own virtual environment.

use super::{Tools, is_complete, mark_complete, python};

/// The version that is tested against; the folder's name carries it.
const VERSION: &str = "1.163.2";

/// The driver for PostgreSQL comes as a finished wheel, because the one that Synapse's own `[postgres]` extra names must be
/// compiled against the headers of libpq, which few machines have. The module inside is the same.
const DRIVER: &str = "psycopg2-binary==2.9.13";

/// Installs Synapse unless it is there.
pub fn set_up(tools: &Tools) -> anyhow::Result<()> {
    let folder = tools.folder.join(format!("synapse-{VERSION}"));
    let wanted = format!("matrix-synapse=={VERSION} {DRIVER}\n");
    if is_complete(&folder, &wanted) && python::interpreter(&folder).exists() {
        return Ok(());
    }
    let packages: Vec<&str> = wanted.split_whitespace().collect();
    python::install(tools, &format!("Synapse {VERSION}"), &folder, &packages)?;
    mark_complete(&folder, &wanted)
}
