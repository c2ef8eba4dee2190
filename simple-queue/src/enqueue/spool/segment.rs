//! One file of a spool, and what of it is not in the database yet.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    call::{Asked, Call, CountedCall, text_of},
    directory::Directory,
    record::{Found, Kind, MAGIC, Records, framed},
};
use crate::telemetry;

/// Where the jobs of a file belong. The server is left out: its address changes with a failover or a
/// move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) database: String,
    pub(super) schema: String,
}

/// A file, which this process has locked.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    file: File,
    /// The length of what was written as a whole. Records are never read beyond it.
    length: u64,
    /// It is unknown what of the file is on the disk, so nothing more is added to it.
    is_broken: bool,
    /// The calls that are not in the database, the oldest first.
    pub(super) calls: VecDeque<Entry>,
}

/// A call in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: u64,
    /// The bytes of its record.
    pub(super) bytes: u64,
    pub(super) jobs: u64,
    /// `None` if the call cannot be read.
    pub(super) asked: Option<Asked>,
}

/// A call that is to be written.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) record: Vec<u8>,
    pub(super) jobs: u64,
    pub(super) asked: Asked,
}

impl Framed {
    pub(super) fn of(call: &Call<'_>) -> io::Result<Self> {
        let record = framed(Kind::Call, text_of(call)?.as_bytes())?;
        Ok(Self { record, jobs: call.jobs.len() as u64, asked: call.asked })
    }
}

/// What became of a file that another process left.
#[derive(Debug)]
pub(super) enum TakenOver {
    Segment(Segment),
    /// All its jobs are in the database.
    Empty,
    /// Its jobs belong elsewhere, or a later release wrote it.
    Foreign,
}

impl Segment {
    /// Creates an empty file.
    pub(super) fn create(directory: &Directory, origin: &Origin) -> io::Result<Self> {
        let origin = framed(Kind::Origin, text_of(origin)?.as_bytes())?;
        let content = [MAGIC.as_slice(), &origin].concat();
        let (path, file) = directory.create(&content)?;
        Ok(Self {
            path,
            file,
            length: content.len() as u64,
            is_broken: false,
            calls: VecDeque::new(),
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Writes calls so that they survive a loss of power: all of them, or none if an error is
    /// returned.
    pub(super) fn append(&mut self, calls: &[Framed]) -> io::Result<()> {
        let records: Vec<&[u8]> = calls.iter().map(|call| call.record.as_slice()).collect();
        self.write(&records.concat())?;
        let mut at = self.length;
        for Framed { record, jobs, asked } in calls {
            let (bytes, asked) = (record.len() as u64, Some(*asked));
            self.calls.push_back(Entry { at, bytes, jobs: *jobs, asked });
            at += bytes;
        }
        self.length = at;
        Ok(())
    }

    /// Records that the calls before this offset are in the database.
    pub(super) fn mark(&mut self, end: u64) -> io::Result<()> {
        let mark = framed(Kind::Mark, &end.to_le_bytes())?;
        self.write(&mark)?;
        self.length += mark.len() as u64;
        Ok(())
    }

    fn write(&mut self, records: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(records);
        let synced = written.and_then(|()| {
            // A failed sync may succeed the next time although the data is lost.
            self.file.sync_data().inspect_err(|_| self.is_broken = true)
        });
        if synced.is_err() {
            // A later reader would take the records for kept, or what follows them for damaged.
            if let Err(left) = self.file.set_len(self.length).and_then(|()| self.file.sync_data()) {
                self.is_broken = true;
                telemetry::spool::not_taken_back(&self.path.display(), &left);
            }
        }
        synced
    }

    /// Opens the file once more, to read it while it grows.
    pub(super) fn reader(&self) -> io::Result<Reader> {
        File::open(&self.path).map(Reader)
    }

    /// Reads the file of a process that has died. What is torn at its end is cut off and kept
    /// beside it.
    pub(super) fn take_over(
        directory: &Directory,
        origin: &Origin,
        path: &Path,
        file: File,
    ) -> io::Result<TakenOver> {
        let end = file.metadata()?.len();
        let mut source = BufReader::new(&file);
        source.seek(SeekFrom::Start(0))?;
        let mut magic = [0; MAGIC.len()];
        let header = MAGIC.len() as u64;
        if end < header || source.read_exact(&mut magic).is_err() || magic != *MAGIC {
            return Ok(TakenOver::Foreign);
        }
        let mut records = Records::new(source, header, end);
        match records.next()? {
            Found::Record { kind: Kind::Origin, body, .. } => {
                if serde_json::from_slice::<Origin>(&body).ok().as_ref() != Some(origin) {
                    return Ok(TakenOver::Foreign);
                }
            }
            _ => return Ok(TakenOver::Foreign),
        }
        let (mut calls, mut stored) = (VecDeque::new(), 0);
        let length = loop {
            match records.next()? {
                Found::Record { at, kind: Kind::Call, body } => {
                    let bytes = records.at() - at;
                    let call = serde_json::from_slice::<CountedCall>(&body).ok();
                    let jobs = call.as_ref().map_or(1, |call| call.jobs.len() as u64);
                    calls.push_back(Entry { at, bytes, jobs, asked: call.map(|call| call.asked) });
                }
                Found::Record { kind: Kind::Mark, body, .. } => {
                    let offset = body.as_slice().try_into().map(u64::from_le_bytes);
                    stored = std::cmp::max(stored, offset.unwrap_or_default());
                }
                Found::Record { kind: Kind::Origin, .. } => {}
                Found::End => break records.at(),
                Found::Torn { at } => break at,
            }
        };
        calls.retain(|call: &Entry| call.at >= stored);
        drop(records);
        if length < end {
            cut(directory, path, &file, length)?;
        }
        if calls.is_empty() {
            directory.remove(path)?;
            return Ok(TakenOver::Empty);
        }
        Ok(TakenOver::Segment(Self {
            path: path.to_owned(),
            file,
            length,
            is_broken: false,
            calls,
        }))
    }
}

/// Cuts off what follows the last whole record, and keeps it beside the file.
fn cut(directory: &Directory, path: &Path, mut file: &File, length: u64) -> io::Result<()> {
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(length))?;
    file.read_to_end(&mut torn)?;
    let mut beside = directory.open_beside(path, "bad")?;
    beside.write_all(&torn)?;
    beside.sync_all()?;
    file.set_len(length)?;
    file.sync_all()?;
    telemetry::spool::torn(&path.display(), length, torn.len());
    Ok(())
}

/// Reads a file that this process has locked.
#[derive(Debug)]
pub(super) struct Reader(File);

impl Reader {
    /// Returns the body of a call; `None` if it is damaged.
    pub(super) fn read(&mut self, Entry { at, bytes, .. }: Entry) -> io::Result<Option<Vec<u8>>> {
        self.0.seek(SeekFrom::Start(at))?;
        match Records::new(&self.0, at, at + bytes).next()? {
            Found::Record { kind: Kind::Call, body, .. } => Ok(Some(body)),
            Found::Record { .. } | Found::End | Found::Torn { .. } => Ok(None),
        }
    }

    /// Returns the bytes of a call as they stand in the file.
    pub(super) fn raw(&mut self, Entry { at, bytes, .. }: Entry) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        self.0.seek(SeekFrom::Start(at))?;
        (&self.0).take(bytes).read_to_end(&mut raw)?;
        Ok(raw)
    }
}
