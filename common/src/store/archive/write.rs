//! Writing a file, line by line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{ArchiveError, Carried, Head, Table};
use crate::store::value::Value;

/// A file that gets its name when it is whole, and goes away if it never is. Only its owner may read it.
#[derive(Debug)]
pub(in super::super) struct Draft {
    out: BufWriter<File>,
    draft: PathBuf,
    file: PathBuf,
    is_whole: bool,
}

impl Draft {
    pub(super) fn create(file: &Path) -> io::Result<Self> {
        if file.exists() {
            return Err(io::Error::other(format!("{} is already there", file.display())));
        }
        let name = file.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let draft = file.with_file_name(format!(".{}.new", name.to_string_lossy()));
        // What an export left that was killed.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        Ok(Self { out: BufWriter::new(out), draft, file: file.to_owned(), is_whole: false })
    }

    /// Gives the file its name.
    pub(super) fn publish(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(&self.draft, &self.file)?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_whole {
            // There is nothing to do about a failure here; the next export takes it away.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes lines and keeps account of them.
pub(in super::super) struct ArchiveWriter<W> {
    out: W,
    digest: Sha256,
    carried: Carried,
    line: Vec<u8>,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn begin(out: W, head: &Head) -> Result<Self, ArchiveError> {
        let mut writer = Self { out, digest: Sha256::new(), carried: Vec::new(), line: Vec::new() };
        writer.line(head)?;
        Ok(writer)
    }

    /// All rows that follow are of this table.
    pub(in super::super) fn table(&mut self, table: &Table, columns: &[String]) -> Result<(), ArchiveError> {
        self.carried.push((table.name, 0));
        self.line(&json!({ "table": table.name, "columns": columns }))
    }

    pub(in super::super) fn row(&mut self, values: &[Value]) -> Result<(), ArchiveError> {
        if let Some((_, rows)) = self.carried.last_mut() {
            *rows += 1;
        }
        self.line(values)
    }

    pub(super) fn end(mut self) -> Result<(W, Carried), ArchiveError> {
        let rows: u64 = self.carried.iter().map(|(_, rows)| rows).sum();
        let sha256 = hex(&self.digest.clone().finalize());
        self.line(&json!({ "rows": rows, "sha256": sha256 }))?;
        Ok((self.out, self.carried))
    }

    fn line(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), ArchiveError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(io::Error::from)?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.out.write_all(&self.line)?;
        Ok(())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
