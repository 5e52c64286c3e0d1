//! The task that writes, and what it does when the server goes away.
//!
//! A commit whose answer was lost may have happened. Its callers get an error and submit again, and then find their events
//! known; so what turns out to be stored is fed once the server is back.

use std::time::{Duration, Instant};

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use super::{
    super::{
        Durability, Links, StoreError, Writing,
        journal::NEWEST_ID,
        metrics,
        operation::{Applied, Operation, open_row, refuse, settle, turn_away},
        schema,
    },
    fetch_on,
    group::{Group, With, is_one_statement},
    lease::{self, Session},
    run,
};

/// How long callers wait for a server that went away before they get an error.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to reach it.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);
/// How long a start waits for the lock of a predecessor that was killed: so many times, so long.
const LOCK_TRIES: u32 = 30;
const LOCK_PAUSE: Duration = Duration::from_millis(100);
const STORED_SINCE: &str = "SELECT id, direction, lane, body, attempts, accepted_ms FROM journal \
     WHERE id >= $1 AND parked = 0 ORDER BY id";

pub(super) struct Writer {
    options: PgConnectOptions,
    pub(super) connection: Option<PgConnection>,
    session: Session,
    token: i64,
    pub(super) next_id: i64,
    /// Rows from this number on belong to commits whose answer was lost.
    pub(super) doubtful_from: Option<i64>,
    writing: Writing,
}

impl Writer {
    pub(super) async fn open(
        options: PgConnectOptions,
        durability: Durability,
        writing: Writing,
    ) -> Result<Self, StoreError> {
        let options = lease::write_options(options, durability);
        let mut connection = lease::connect(&options).await?;
        lock_patiently(&mut connection).await?;
        lease::migrate(&mut connection, schema::MIGRATIONS).await?;
        let token = lease::take(&mut connection, writing.clock.now_ms()).await?;
        let session = lease::session(&mut connection).await?;
        let next_id = newest_id(&mut connection).await? + 1;
        Ok(Self {
            options,
            connection: Some(connection),
            session,
            token,
            next_id,
            doubtful_from: None,
            writing,
        })
    }

    pub(super) async fn run(mut self) {
        let mut group = Vec::new();
        let queue = self.writing.queue.clone();
        loop {
            let due = match self.connection {
                Some(_) => Ok(queue.next_group_async(&mut group).await),
                None => timeout(RECONNECT_PAUSE, queue.next_group_async(&mut group)).await,
            };
            let ended = match due {
                Ok(true) => self.commit(&mut group).await,
                Ok(false) => break,
                Err(_) => self.reconnect().await,
            };
            if let Err(StoreError::Held) = ended {
                tracing::error!("Another process took the database over; this one stops writing.");
                refuse(&mut group, &StoreError::Held, &queue);
                return;
            }
        }
        if let Some(connection) = self.connection.take() {
            // The server notices by itself when this fails.
            let _ = sqlx::Connection::close(connection).await;
        }
    }

    /// Commits a group. If one operation spoils it, each is tried by itself, so that no other is lost.
    async fn commit(&mut self, group: &mut Vec<Operation>) -> Result<(), StoreError> {
        turn_away(group);
        if group.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.be_connected().await {
            refuse(group, &error, &self.writing.queue);
            return Err(error);
        }
        let Err(error) = self.try_commit(group, With::Links).await else { return Ok(()) };
        if error.is_passing() {
            tracing::error!(%error, operations = group.len(), "Nothing could be stored.");
            refuse(group, &error, &self.writing.queue);
            return Ok(());
        }
        for operation in std::mem::take(group) {
            let mut single = vec![operation];
            turn_away(&mut single);
            if single.is_empty() {
                continue;
            }
            let Err(mut error) = self.try_commit(&mut single, With::Links).await else { continue };
            if !error.is_passing() && has_links(&single) {
                tracing::warn!(%error, "Another message has this id already, the link is left out.");
                match self.try_commit(&mut single, With::NoLinks).await {
                    Ok(()) => continue,
                    Err(again) => error = again,
                }
            }
            tracing::error!(%error, "An operation could not be stored.");
            refuse(&mut single, &error, &self.writing.queue);
        }
        Ok(())
    }

    /// Leaves the group as it is when it could not be stored.
    async fn try_commit(&mut self, group: &mut Vec<Operation>, with: With) -> Result<(), StoreError> {
        let now_ms = self.writing.clock.now_ms();
        let begun = Instant::now();
        match self.transaction(group, now_ms, with).await {
            Ok(applied) => {
                metrics::committed(group.len(), begun.elapsed());
                self.writing.queue.recovered();
                settle(group, applied, now_ms, self.writing.feed.as_ref());
                Ok(())
            }
            Err(error) => {
                metrics::failed();
                if matches!(error, StoreError::Unreachable(_)) {
                    self.connection = None;
                    self.doubtful_from.get_or_insert(self.next_id);
                }
                Err(error)
            }
        }
    }

    async fn transaction(
        &mut self,
        operations: &[Operation],
        now_ms: i64,
        with: With,
    ) -> Result<Vec<Applied>, StoreError> {
        let Some(connection) = &mut self.connection else {
            return Err(StoreError::Unreachable("the connection was lost".to_owned()));
        };
        // A single statement is a transaction by itself, and two round trips shorter.
        let alone = is_one_statement(operations);
        if !alone {
            run(connection, "BEGIN").await?;
        }
        let mut group = Group { connection, now_ms, next_id: self.next_id, with };
        let applied = group.apply(operations).await;
        let next_id = group.next_id;
        let committed = match applied {
            Ok(applied) if alone => Ok(applied),
            Ok(applied) => run(connection, "COMMIT").await.map(|()| applied),
            Err(error) => {
                if !alone && !matches!(error, StoreError::Unreachable(_)) {
                    run(connection, "ROLLBACK").await?;
                }
                Err(error)
            }
        };
        if committed.is_ok() {
            self.next_id = next_id;
        }
        committed
    }

    pub(super) async fn be_connected(&mut self) -> Result<(), StoreError> {
        let attempts = PATIENCE.as_millis() / RECONNECT_PAUSE.as_millis();
        for _ in 0..attempts {
            match self.reconnect().await {
                Err(StoreError::Unreachable(_)) => sleep(RECONNECT_PAUSE).await,
                other => return other,
            }
        }
        self.reconnect().await
    }

    /// Connects again if need be; [`StoreError::Held`] when another process has taken over meanwhile.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let mut connection = lease::connect(&self.options).await?;
        if lease::token(&mut connection).await? != self.token {
            return Err(StoreError::Held);
        }
        if !lease::lock(&mut connection).await? {
            lease::end_former(&mut connection, &self.session).await?;
            return Err(StoreError::Unreachable("the former session still ends".to_owned()));
        }
        // Once more under the lock: somebody may have come and gone.
        if lease::token(&mut connection).await? != self.token {
            return Err(StoreError::Held);
        }
        self.session = lease::session(&mut connection).await?;
        self.next_id = self.next_id.max(newest_id(&mut connection).await? + 1);
        self.settle_doubts(&mut connection).await?;
        self.connection = Some(connection);
        tracing::info!("The database is back.");
        Ok(())
    }

    async fn settle_doubts(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let Some(first) = self.doubtful_from else { return Ok(()) };
        let stored = fetch_on(connection, STORED_SINCE, &[first.into()]).await?;
        let stored = stored.into_iter().map(open_row).collect::<Result<Vec<_>, _>>()?;
        self.doubtful_from = None;
        if !stored.is_empty() {
            self.writing.feed.stored(stored);
        }
        Ok(())
    }
}

async fn newest_id(connection: &mut PgConnection) -> Result<i64, StoreError> {
    fetch_on(connection, NEWEST_ID, &[]).await?.pop().map_or(Ok(0), |mut row| row.int())
}

fn has_links(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| match operation {
        Operation::Finish { done, .. } => done.links != Links::None,
        _ => false,
    })
}

/// The server may need a moment to notice that our predecessor was killed, above all when it was committing just then. Whoever restarts us
/// at once should not be told that two bridges run.
async fn lock_patiently(connection: &mut PgConnection) -> Result<(), StoreError> {
    for _ in 0..LOCK_TRIES {
        if lease::lock(connection).await? {
            return Ok(());
        }
        sleep(LOCK_PAUSE).await;
    }
    match lease::lock(connection).await? {
        true => Ok(()),
        false => Err(StoreError::Held),
    }
}
