//! Reading a file, a bounded number of rows at a time.
//!
//! The last line tells whether everything before it was right, so whoever reads commits only after [`ArchiveReader::batch`] has
//! answered that there is no more.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{ArchiveError, Carried, Head, TABLES, write::hex};
use crate::store::value::Value;

/// The longest line: the body of an event with room to spare.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// How many rows are handed out at once.
const BATCH_ROWS_MAX: usize = 500;
/// How long their lines may be together, unless one alone is longer.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Rows of one table.
#[derive(Debug)]
pub(in super::super) struct Batch {
    pub(in super::super) table: &'static str,
    pub(in super::super) columns: Arc<[String]>,
    pub(in super::super) rows: Vec<Vec<Value>>,
}

/// A line that is no row: the beginning of a table, or the end.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Mark {
    Table { table: String, columns: Vec<String> },
    End { rows: u64, sha256: String },
}

/// Reads lines and keeps account of them.
pub(in super::super) struct ArchiveReader {
    input: BufReader<File>,
    head: Head,
    digest: Sha256,
    carried: Carried,
    columns: Arc<[String]>,
    line: Vec<u8>,
}

impl ArchiveReader {
    pub(super) fn begin(file: File) -> Result<Self, ArchiveError> {
        let mut input = BufReader::new(file);
        let mut line = Vec::new();
        (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        // A newer form may have another head, but says that it is one.
        let form: serde_json::Value = serde_json::from_slice(&line).map_err(|_| ArchiveError::Foreign)?;
        match form["magpie_export"].as_u64() {
            None => return Err(ArchiveError::Foreign),
            Some(form) if form > u64::from(super::FORM) => return Err(ArchiveError::Newer),
            Some(_) => {}
        }
        let head = serde_json::from_slice(&line).map_err(|error| damaged(&error))?;
        let mut digest = Sha256::new();
        digest.update(&line);
        Ok(Self { input, head, digest, carried: Vec::new(), columns: Arc::default(), line: Vec::new() })
    }

    pub(in super::super) fn head(&self) -> &Head {
        &self.head
    }

    /// What was handed out so far.
    pub(in super::super) fn carried(&self) -> Carried {
        self.carried.clone()
    }

    /// The next rows, all of one table; `None` at the end, when all was right.
    pub(in super::super) fn batch(&mut self) -> Result<Option<Batch>, ArchiveError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        loop {
            let Some(kind) = self.peek()? else {
                return Err(ArchiveError::Damaged("its end is missing".to_owned()));
            };
            let is_full = rows.len() >= BATCH_ROWS_MAX || bytes >= BATCH_BYTES_MAX;
            if !rows.is_empty() && (is_full || kind != b'[') {
                let table = self.carried.last().map_or("", |(table, _)| table);
                return Ok(Some(Batch { table, columns: Arc::clone(&self.columns), rows }));
            }
            let before = self.digest.clone();
            self.read_line()?;
            if kind == b'[' {
                bytes += self.line.len();
                rows.push(self.row()?);
            } else if self.mark(before)? {
                return Ok(None);
            }
        }
    }

    /// The first letter of the next line.
    fn peek(&mut self) -> Result<Option<u8>, ArchiveError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn read_line(&mut self) -> Result<(), ArchiveError> {
        self.line.clear();
        (&mut self.input).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') {
            return Err(ArchiveError::Damaged("a line is cut short, or too long".to_owned()));
        }
        self.digest.update(&self.line);
        Ok(())
    }

    fn row(&mut self) -> Result<Vec<Value>, ArchiveError> {
        let row: Vec<Value> = serde_json::from_slice(&self.line).map_err(|error| damaged(&error))?;
        match self.carried.last_mut() {
            Some((_, rows)) if row.len() == self.columns.len() => *rows += 1,
            _ => return Err(ArchiveError::Damaged("a row does not fit its table".to_owned())),
        }
        Ok(row)
    }

    /// Whether it was the end, and that all before it was right.
    fn mark(&mut self, before: Sha256) -> Result<bool, ArchiveError> {
        match serde_json::from_slice(&self.line).map_err(|error| damaged(&error))? {
            Mark::Table { table, columns } => {
                let known = TABLES.iter().find(|known| known.name == table);
                let known =
                    known.ok_or_else(|| ArchiveError::Damaged("a table of it is not known".to_owned()))?;
                if self.carried.iter().any(|(earlier, _)| *earlier == known.name) {
                    return Err(ArchiveError::Damaged("a table comes twice".to_owned()));
                }
                self.carried.push((known.name, 0));
                self.columns = columns.into();
                Ok(false)
            }
            Mark::End { rows, sha256 } => {
                let read: u64 = self.carried.iter().map(|(_, rows)| rows).sum();
                if rows != read || sha256 != hex(&before.finalize()) || self.peek()?.is_some() {
                    return Err(ArchiveError::Damaged("its checksum is another one".to_owned()));
                }
                Ok(true)
            }
        }
    }
}

/// Without the words of the error: they may show what stands in the file.
fn damaged(error: &serde_json::Error) -> ArchiveError {
    ArchiveError::Damaged(format!("a line is no longer readable at its column {}", error.column()))
}
