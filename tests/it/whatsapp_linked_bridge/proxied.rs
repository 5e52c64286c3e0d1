//! Everything goes by way of a proxy, where one is set.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::content::text,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use super::{Linked, PROGRAM, Staged};

/// Lets through what asks for a tunnel with the right password; counts tunnels.
async fn serve(listener: TcpListener, tunnels: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let tunnels = Arc::clone(&tunnels);
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await?);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let goal = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
            // Of `me:secret`.
            let may = head.contains("Basic bWU6c2VjcmV0");
            let Some(goal) = goal.filter(|_| may) else {
                return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
            };
            let mut server = TcpStream::connect(goal).await?;
            tunnels.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut stream, &mut server).await.map(drop)
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_the_connection_goes_through_the_proxy() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = format!("http://me:secret@{}", listener.local_addr()?);
    let tunnels = Arc::new(AtomicUsize::new(0));
    let serving = tokio::spawn(serve(listener, Arc::clone(&tunnels)));
    let environment = vec![("MAGPIE_PLATFORM__LINKED_PROXY".to_owned(), proxy)];
    let linked = Linked::of(Staged::start_with(PROGRAM, environment).await?).await?;
    linked.on.bob.send(&linked.on.alice.lid, text("Through the tunnel")).await?;
    linked.room_with("Through the tunnel").await;
    // One to link the device, one for the session.
    assert!(tunnels.load(Ordering::SeqCst) >= 2);
    linked.end().await?;
    serving.abort();
    Ok(())
}
