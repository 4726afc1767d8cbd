//! The write-ahead log: what a run does, durable before anything depends on it.
//!
//! A line is a JSON object with a record and a checksum of it. Records are appended by one thread;
//! those that wait while it syncs are synced together, so that many entities that end at one time
//! share one trip to the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::checkpoint::Checkpoint;
use super::error::JournalError;
use super::record::{Row, Status};
use super::table::{RowId, sync_folder};
use crate::contract::{Durability, Manifest};

const FILE: &str = "log.ndjson";
const TEMPORARY: &str = "log.ndjson.tmp";
const DAMAGED: &str = "log.damaged.ndjson";

/// A log of this size is looked at whether it has much that no longer matters: a load that is
/// made durable now and then leaves a record each time.
const LONG: u64 = 4 << 20;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    /// All rows of a load are durable, none of them visible.
    Staged(StagedRecord),
    /// A run ended.
    Finished(FinishedRecord),
    /// What was staged will not be published.
    Discarded {
        /// Whose.
        entity_run_id: String,
        /// Why.
        reason: String,
    },
    /// The first rows of a load are durable, and where it can go on.
    Checkpoint(Box<Checkpoint>),
    /// Nothing will go on from an entity's checkpoint.
    CheckpointDropped {
        /// The flow of the entity.
        flow: String,
        /// The entity.
        entity: String,
        /// Why.
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StagedRecord {
    /// The folder of the journal, relative to the project where it lies within; `None` for
    /// hygge's own.
    pub(super) journal: Option<String>,
    pub(super) run: Row,
    pub(super) manifest: Manifest,
    pub(super) store: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FinishedRecord {
    pub(super) journal: Option<String>,
    pub(super) run: Row,
    /// Whether the outcome at the destination is unknown, so that what was staged stays pending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unsettled: bool,
}

/// What of the log still matters.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// Staged, not yet finished or discarded, by entity run id.
    pub(super) pending: IndexMap<String, StagedRecord>,
    /// Ended, not yet in a journal file.
    pub(super) finished: Vec<FinishedRecord>,
    /// The last checkpoint of every load that was neither staged nor given up.
    checkpoints: Vec<Checkpoint>,
    /// Records in the file, whether they still matter or not.
    records: usize,
}

impl Live {
    fn apply(&mut self, record: Record) {
        self.records += 1;
        match record {
            Record::Staged(staged) => {
                self.forget_checkpoint(&staged.run.flow, &staged.run.entity);
                self.pending.insert(staged.run.entity_run_id.clone(), staged);
            }
            Record::Finished(finished) => {
                if !finished.unsettled {
                    self.pending.shift_remove(&finished.run.entity_run_id);
                }
                if finished.run.status == Status::Success.as_str() {
                    self.forget_checkpoint(&finished.run.flow, &finished.run.entity);
                }
                self.finished.push(finished);
            }
            Record::Discarded { entity_run_id, .. } => {
                self.pending.shift_remove(&entity_run_id);
            }
            Record::Checkpoint(checkpoint) => {
                self.forget_checkpoint(&checkpoint.flow, &checkpoint.entity);
                self.checkpoints.push(*checkpoint);
            }
            Record::CheckpointDropped { flow, entity, .. } => {
                self.forget_checkpoint(&flow, &entity);
            }
        }
    }

    pub(super) fn checkpoint(&self, flow: &str, entity: &str) -> Option<&Checkpoint> {
        self.checkpoints.iter().find(|known| known.flow == flow && known.entity == entity)
    }

    fn forget_checkpoint(&mut self, flow: &str, entity: &str) {
        self.checkpoints.retain(|known| known.flow != flow || known.entity != entity);
    }

    /// How many records still matter.
    fn count(&self) -> usize {
        self.pending.len() + self.finished.len() + self.checkpoints.len()
    }

    /// Whether the file has records that no longer matter.
    fn is_stale(&self) -> bool {
        self.records > self.count()
    }

    fn forget(&mut self, folded: &[(Option<String>, RowId)]) {
        self.finished.retain(|finished| {
            !folded.iter().any(|(journal, id)| {
                journal == &finished.journal && id == &RowId::of(&finished.run)
            })
        });
    }

    fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        // Finished ones first: one of them may have left its load pending.
        for finished in &self.finished {
            lines.extend(encode(&Record::Finished(finished.clone())));
        }
        for staged in self.pending.values() {
            lines.extend(encode(&Record::Staged(staged.clone())));
        }
        // Last: a success before them was another load's.
        for checkpoint in &self.checkpoints {
            lines.extend(encode(&Record::Checkpoint(Box::new(checkpoint.clone()))));
        }
        lines
    }
}

/// The log in hygge's folder, for messages.
pub(super) fn path_in(house: &Path) -> PathBuf {
    house.join(FILE)
}

/// A record as a line, with its line end.
fn encode(record: &Record) -> Vec<u8> {
    // Maps with text keys, text and numbers: nothing that JSON could not say.
    let body = serde_json::to_string(record).unwrap_or_default();
    format!("{{\"sum\":\"{}\",\"record\":{body}}}\n", checksum(body.as_bytes())).into_bytes()
}

/// The record's JSON in a line, if the line is whole.
fn body(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"sum\":\"")?;
    let (sum, rest) = rest.split_at_checked(16)?;
    let body = rest.strip_prefix(b"\",\"record\":")?.strip_suffix(b"}")?;
    (checksum(body).as_bytes() == sum).then_some(body)
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What a log says.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) live: Live,
    /// Whether bytes at the end are no whole line: a write that never came to its end.
    torn: bool,
    /// Lines that are not whole although others follow.
    damaged: usize,
}

impl Scan {
    /// Reads the log of a project; an absent one is empty. Changes nothing.
    pub(super) fn of(house: &Path) -> Result<Self, JournalError> {
        let path = path_in(house);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(JournalError::io("read", &path)(error)),
        };
        Self::parse(&bytes).map_err(|Newer| JournalError::Newer { path })
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Newer> {
        let mut scan = Self::default();
        let mut broken = 0;
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            match body(line) {
                Some(body) => {
                    scan.live.apply(serde_json::from_slice(body).map_err(|_| Newer)?);
                    scan.damaged += std::mem::take(&mut broken);
                }
                None => broken += 1,
            }
        }
        scan.torn = broken > 0 || !rest.is_empty();
        Ok(scan)
    }
}

/// A whole record that cannot be understood.
pub(super) struct Newer;

/// A record to append, and who waits for it.
type Append = (Box<Record>, oneshot::Sender<Result<(), JournalError>>);

enum Order {
    Append(Append),
    Forget { folded: Vec<(Option<String>, RowId)>, done: SyncSender<Result<(), JournalError>> },
}

/// The log, open for writing.
#[derive(Debug)]
pub(super) struct Log {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    live: Arc<Mutex<Live>>,
}

impl Log {
    /// Goes on with the log that `scan` has read. The text is a warning about damage found.
    pub(super) fn open(
        house: &Path,
        scan: Scan,
        durability: Durability,
    ) -> Result<(Self, Option<String>), JournalError> {
        let path = path_in(house);
        let mut warning = None;
        if scan.damaged > 0 {
            let aside = house.join(DAMAGED);
            fs::copy(&path, &aside).map_err(JournalError::io("write", &aside))?;
            warning = Some(format!(
                "{} of the lines of {} were damaged and are left out; a copy of it is in {}",
                scan.damaged,
                path.display(),
                aside.display()
            ));
        }
        let rewrite = scan.torn || scan.damaged > 0;
        let live = Arc::new(Mutex::new(scan.live));
        let mut writer = Writer::open(path, durability, Arc::clone(&live))?;
        if rewrite {
            writer.compact()?;
        }
        let (orders, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("hygge-journal".to_owned())
            .spawn(move || writer.run(&inbox))
            .map_err(JournalError::io("begin to write", house))?;
        Ok((Self { orders: Some(orders), thread: Some(thread), live }, warning))
    }

    /// What still matters.
    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    /// Appends a record and waits until it is durable.
    pub(super) async fn append(&self, record: Record) -> Result<(), JournalError> {
        let (done, answer) = oneshot::channel();
        self.order(Order::Append((Box::new(record), done)))?;
        answer.await.unwrap_or(Err(JournalError::Closed))
    }

    /// Leaves out runs that are now in a journal file. Blocks.
    pub(super) fn forget(&self, folded: Vec<(Option<String>, RowId)>) -> Result<(), JournalError> {
        let (done, answer) = mpsc::sync_channel(1);
        self.order(Order::Forget { folded, done })?;
        answer.recv().unwrap_or(Err(JournalError::Closed))
    }

    fn order(&self, order: Order) -> Result<(), JournalError> {
        let orders = self.orders.as_ref().ok_or(JournalError::Closed)?;
        orders.send(order).map_err(|_| JournalError::Closed)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread that owns the file.
struct Writer {
    path: PathBuf,
    file: File,
    /// Up to here the file is known to be whole.
    length: u64,
    /// At this length it is looked at whether a shorter one would do.
    long: u64,
    /// Set when nobody knows what the file has: nothing more is promised then.
    failed: Option<JournalError>,
    durability: Durability,
    live: Arc<Mutex<Live>>,
}

impl Writer {
    fn open(
        path: PathBuf,
        durability: Durability,
        live: Arc<Mutex<Live>>,
    ) -> Result<Self, JournalError> {
        let fresh = !path.exists();
        let (file, length) = open_end(&path)?;
        if fresh && durability == Durability::Disk {
            sync_folder(&path)?;
        }
        Ok(Self { path, file, length, long: LONG, failed: None, durability, live })
    }

    fn run(mut self, inbox: &Receiver<Order>) {
        while let Ok(first) = inbox.recv() {
            let mut group = Vec::new();
            // Whatever arrived during the last sync goes together.
            for order in std::iter::once(first).chain(inbox.try_iter()) {
                match order {
                    Order::Append(append) => group.push(append),
                    Order::Forget { folded, done } => {
                        self.commit(std::mem::take(&mut group));
                        let answer = self.forget(&folded);
                        let _ = done.send(answer);
                    }
                }
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Append>) {
        if group.is_empty() {
            return;
        }
        let lines: Vec<u8> = group.iter().flat_map(|(record, _)| encode(record)).collect();
        let answer = self.write(&lines);
        if answer.is_ok() {
            let mut live = lock(&self.live);
            for (record, done) in group {
                live.apply(*record);
                let _ = done.send(Ok(()));
            }
            drop(live);
            self.shorten();
        } else {
            for (_, done) in group {
                let _ = done.send(answer.clone());
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if let Err(error) = self.file.write_all(lines) {
            let error = JournalError::io("write", &self.path)(error);
            // A part may have been written: what comes next must not be glued to it.
            if self.file.set_len(self.length).is_err() {
                self.failed = Some(error.clone());
            }
            return Err(error);
        }
        if self.durability == Durability::Disk
            && let Err(error) = self.file.sync_data()
        {
            // After a failed sync nobody knows what is on the disk, not even after another one.
            let error = JournalError::io("write", &self.path)(error);
            self.failed = Some(error.clone());
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    fn forget(&mut self, folded: &[(Option<String>, RowId)]) -> Result<(), JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let stale = {
            let mut live = lock(&self.live);
            live.forget(folded);
            live.is_stale()
        };
        if stale { self.compact() } else { Ok(()) }
    }

    /// Keeps a log of many checkpoints short.
    fn shorten(&mut self) {
        if self.length < self.long {
            return;
        }
        if lock(&self.live).is_stale() {
            // All records are in the long log, too. A fault that matters is told by the next one.
            let _ = self.compact();
        }
        self.long = LONG.max(self.length.saturating_mul(2));
    }

    /// Puts a log in place of this one that has only what still matters.
    fn compact(&mut self) -> Result<(), JournalError> {
        let (lines, records) = {
            let live = lock(&self.live);
            (live.lines(), live.count())
        };
        let temporary = self.path.with_file_name(TEMPORARY);
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&lines)?;
            if self.durability == Durability::Disk { file.sync_all() } else { Ok(()) }
        });
        written.map_err(JournalError::io("write", &temporary))?;
        fs::rename(&temporary, &self.path).map_err(JournalError::io("replace", &self.path))?;
        let reopened = open_end(&self.path).and_then(|opened| {
            if self.durability == Durability::Disk {
                sync_folder(&self.path)?;
            }
            Ok(opened)
        });
        match reopened {
            Ok((file, length)) => {
                self.file = file;
                self.length = length;
                lock(&self.live).records = records;
                Ok(())
            }
            Err(error) => {
                // The file still open is no longer the log.
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }
}

fn open_end(path: &Path) -> Result<(File, u64), JournalError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(JournalError::io("open", path))?;
    let length = file.metadata().map_err(JournalError::io("open", path))?.len();
    Ok((file, length))
}
