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

use super::{ArchiveError, Carried, Head, STANDARD, Table};
use crate::store::value::Value;

/// What is written to: a file that gets its name when it is whole and goes away if it never is, or the standard output.
pub(in super::super) struct Draft {
    out: BufWriter<Box<dyn Write + Send>>,
    place: Option<Place>,
}

/// Where the file is meanwhile, and where it will be. Only its owner may read it.
struct Place {
    file: File,
    draft: PathBuf,
    name: PathBuf,
    is_whole: bool,
}

impl Draft {
    pub(super) fn create(name: &Path) -> io::Result<Self> {
        if name == Path::new(STANDARD) {
            return Ok(Self { out: BufWriter::new(Box::new(io::stdout())), place: None });
        }
        if name.exists() {
            return Err(io::Error::other(format!("{} is already there", name.display())));
        }
        let last = name.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let draft = name.with_file_name(format!(".{}.new", last.to_string_lossy()));
        // What an export left that was killed.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let out: Box<dyn Write + Send> = Box::new(file.try_clone()?);
        let place = Place { file, draft, name: name.to_owned(), is_whole: false };
        Ok(Self { out: BufWriter::new(out), place: Some(place) })
    }

    /// Gives the file its name.
    pub(super) fn publish(mut self) -> io::Result<()> {
        self.out.flush()?;
        let Some(place) = &mut self.place else { return Ok(()) };
        place.file.sync_all()?;
        fs::rename(&place.draft, &place.name)?;
        place.is_whole = true;
        Ok(())
    }
}

impl Drop for Place {
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
