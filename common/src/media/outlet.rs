//! A file on its way out to whoever holds a link: passed on piece by piece, and broken off where its reader is as good as gone.
//!
//! A body is asked for its next piece only when the last one is written, so by itself it never learns that nobody reads. A task of its
//! own does; it ends with the file, its reader, or their patience. A file that is broken off must never look whole.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::pace::{Pace, Stalled};
use crate::homeserver::HomeserverError;

/// What is on its way between the homeserver and the reader.
const PIECES_UNDER_WAY: usize = 1;

enum Piece {
    Bytes(Bytes),
    End,
}

/// The body of an answer. The place is given back when the last byte is out, or the reader gone.
pub(super) fn body<S>(source: S, place: OwnedSemaphorePermit, reader: Pace) -> Body
where
    S: Stream<Item = Result<Bytes, HomeserverError>> + Send + Unpin + 'static,
{
    let (sender, receiver) = mpsc::channel(PIECES_UNDER_WAY);
    tokio::spawn(async move {
        let _place = place;
        if pass_on(source, sender, reader).await.is_err() {
            tracing::debug!("A file for a public link was broken off: it stood still for too long.");
        }
    });
    Body::from_stream(stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::from(io::ErrorKind::TimedOut)), None)),
        }
    }))
}

/// Passes the pieces on. Ends early, without the last piece, where one of the two ends fails.
async fn pass_on<S>(mut source: S, sender: mpsc::Sender<Piece>, reader: Pace) -> Result<(), Stalled>
where
    S: Stream<Item = Result<Bytes, HomeserverError>> + Unpin,
{
    let (mut giving, mut reading) = (Pace::FILE.begin(), reader.begin());
    while let Some(piece) = giving.next(&mut source).await? {
        let Ok(bytes) = piece else { return Ok(()) };
        let size = bytes.len();
        if reading.wait(sender.send(Piece::Bytes(bytes))).await?.is_err() {
            return Ok(());
        }
        reading.moved(size)?;
    }
    let _ = reading.wait(sender.send(Piece::End)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures_util::StreamExt;
    use http_body_util::BodyExt;
    use tokio::sync::Semaphore;

    use super::*;

    const IMPATIENT: Pace = Pace { stall: Duration::from_millis(20), ..Pace::READER };

    fn pieces(count: usize) -> impl Stream<Item = Result<Bytes, HomeserverError>> + Send + Unpin {
        stream::iter(std::iter::repeat_n(Bytes::from_static(b"piece"), count).map(Ok))
    }

    #[tokio::test]
    async fn a_file_is_passed_on_whole_and_its_place_given_back() {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let bytes = body(pieces(100), place, Pace::READER).collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len(), 500);
        places.acquire().await.unwrap().forget();
    }

    #[tokio::test]
    async fn who_does_not_read_loses_the_place_and_never_takes_a_part_for_the_whole() {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let body = body(pieces(100), place, IMPATIENT);
        places.acquire().await.unwrap().forget();
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn a_source_that_breaks_is_no_end() {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let broken = pieces(2).chain(stream::iter([Err(HomeserverError::Broken("it broke".to_owned()))]));
        assert!(body(broken, place, Pace::READER).collect().await.is_err());
    }
}
