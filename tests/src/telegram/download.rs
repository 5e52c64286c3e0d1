//! Files as bots load them: `/file/bot{token}/{file_path}`. Without ranges.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    answer::{self, ApiError},
    faults::{Fault, Gate},
    model::{FileBytes, UserId},
    state::Inner,
};
use crate::discord::severable::Switch;

/// A piece of a file that is made as it is read.
const PIECE_BYTES: u64 = 64 * 1024;

/// Serves one file, if its path is still good. Faults are those of the method `file`.
pub(crate) async fn serve(inner: Arc<Inner>, (bot, path): (UserId, String), switch: Switch) -> Response {
    let (fault, found) = inner.change(|state| {
        let mut files = state.records.files.values();
        let found = files.find(|file| !path.is_empty() && file.path == path && !file.is_gone);
        let found = found.map(|file| file.bytes.clone());
        (state.faults.take("file", Some(bot)), found)
    });
    let mut gate = None;
    match fault {
        None => {}
        Some(Fault::CutBefore | Fault::CutAfter) => {
            switch.cut();
            return answer::bare(500, "");
        }
        Some(Fault::Answer { status, description }) => {
            return answer::response(status, &ApiError::new(status, description).body());
        }
        Some(Fault::AnswerAfter { status }) => return answer::bare(status, ""),
        Some(Fault::TooMany { retry_after }) => {
            return answer::response(429, &ApiError::too_many(retry_after).body());
        }
        Some(Fault::HoldBefore(it)) => it.pass().await,
        Some(Fault::HoldAfter(it)) => gate = Some(it),
    }
    let Some(bytes) = found else {
        return answer::response(404, &ApiError::new(404, "Not Found").body());
    };
    let size = bytes.size();
    let response =
        Response::builder().header("Content-Type", "application/octet-stream").header("Content-Length", size);
    let body = match bytes {
        FileBytes::Kept(bytes) => held(bytes, gate),
        FileBytes::Made { size, byte } => made((size, byte), gate),
        FileBytes::Counted { .. } => return answer::bare(410, "not kept"),
    };
    response.body(body).expect("the head is well formed")
}

/// The first half at once, the rest when the gate opens.
fn held(bytes: Bytes, gate: Option<Gate>) -> Body {
    let Some(gate) = gate else { return Body::from(bytes) };
    let half = bytes.len() / 2;
    let (first, rest) = (bytes.slice(..half), bytes.slice(half..));
    let first = stream::iter([Ok::<_, std::io::Error>(first)]);
    let rest = stream::once(async move {
        gate.pass().await;
        Ok(rest)
    });
    Body::from_stream(first.chain(rest))
}

fn made((size, byte): (u64, u8), gate: Option<Gate>) -> Body {
    let piece = Bytes::from(vec![byte; usize::try_from(PIECE_BYTES).unwrap_or_default()]);
    let pieces = stream::unfold((size, gate), move |(left, gate)| {
        let piece = piece.clone();
        async move {
            if let Some(gate) = gate.as_ref().filter(|_| left < size) {
                gate.pass().await;
            }
            let gate = gate.filter(|_| left == size);
            let now = left.min(PIECE_BYTES);
            let piece = piece.slice(..usize::try_from(now).unwrap_or_default());
            (now > 0).then(|| (Ok::<_, std::io::Error>(piece), (left - now, gate)))
        }
    });
    Body::from_stream(pieces)
}
