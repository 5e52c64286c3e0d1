//! A PostgreSQL for as long as somebody holds our standard input: the address on the first line, the end when the input ends. `cargo xtask
//! test` starts it for tests of crates that have no harness.

use std::io::{self, Write, stdout};

use magpie_tests::harness::postgres::{Durability, Postgres};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let postgres = Postgres::start_with(Durability::None).await?;
    let url = postgres.create_database("magpie").await?;
    let mut out = stdout();
    writeln!(out, "{url}")?;
    out.flush()?;
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    postgres.stop().await
}
