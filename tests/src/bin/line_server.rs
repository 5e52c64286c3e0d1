//! The line network as a program of its own, so that it outlives a bridge that is killed.
//!
//! Prints `listening on <address>` and runs until it is stopped. People use it by logging in themselves, with any tool that sends
//! lines; the protocol is in `magpie_tests::line_server`.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use magpie_common::clock::Clock;
use magpie_tests::line_server::LineServer;

/// A small chat network over plain TCP, one JSON object a line.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// An account as `name=token`; several may be given.
    #[arg(long)]
    account: Vec<String>,
    /// A chat's name; several may be given.
    #[arg(long, default_value = "lobby")]
    chat: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let server = LineServer::start_at(arguments.listen, Clock::system())
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    for account in &arguments.account {
        let (name, token) =
            account.split_once('=').with_context(|| format!("`{account}` is not `name=token`"))?;
        server.add_account(name, name, token);
    }
    for chat in &arguments.chat {
        server.add_chat(chat, chat);
    }
    println!("listening on {}", server.address());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
