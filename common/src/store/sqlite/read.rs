//! The thread that reads, with a connection of its own.

use std::path::PathBuf;

use rusqlite::{Connection, Statement, types::ValueRef};
use tokio::sync::{mpsc, oneshot};

use super::{
    super::{
        StoreError,
        value::{Row, Value},
    },
    connect, spawn,
};

/// Questions that may wait for the thread.
const WAITING_MAX: usize = 64;
/// Page cache of the reader. The system's own cache stands behind it.
const READ_CACHE_KIB: u32 = 512;

/// Asks the thread that reads. The thread ends when this goes away.
pub(in super::super) struct ReadThread(mpsc::Sender<Question>);

struct Question {
    sql: &'static str,
    params: Vec<Value>,
    reply: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

impl ReadThread {
    pub(super) async fn start(path: PathBuf) -> Result<Self, StoreError> {
        let (questions, waiting) = mpsc::channel(WAITING_MAX);
        let (ready, opened) = oneshot::channel();
        spawn("store-read", move || match open(path) {
            Ok(connection) => {
                let _ = ready.send(Ok(()));
                answer(&connection, waiting);
            }
            Err(error) => drop(ready.send(Err(error))),
        })?;
        opened.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(Self(questions))
    }

    pub(in super::super) async fn fetch(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Question { sql, params, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn open(path: PathBuf) -> Result<Connection, StoreError> {
    let connection = connect(&path, READ_CACHE_KIB)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn answer(connection: &Connection, mut waiting: mpsc::Receiver<Question>) {
    while let Some(Question { sql, params, reply }) = waiting.blocking_recv() {
        let _ = reply.send(fetch(connection, sql, &params));
    }
}

fn fetch(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    rows(&mut statement)
}

/// SQLite takes `$2` for a name and numbers names by their first use, so each place is asked for its name.
pub(super) fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), StoreError> {
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(|name| name.get(1..)?.parse::<usize>().ok());
        match number.and_then(|number| params.get(number.checked_sub(1)?)) {
            Some(Value::Int(value)) => statement.raw_bind_parameter(place, value)?,
            Some(Value::Text(value)) => statement.raw_bind_parameter(place, value)?,
            Some(Value::Null) | None => statement.raw_bind_parameter(place, rusqlite::types::Null)?,
        }
    }
    Ok(())
}

pub(super) fn rows(statement: &mut Statement<'_>) -> Result<Vec<Row>, StoreError> {
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|index| Ok(value(row.get_ref(index)?)));
        found.push(Row::new(values.collect::<Result<_, StoreError>>()?));
    }
    Ok(found)
}

pub(super) fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}
