//! A publication that is interrupted anywhere is finished by whoever comes next.

use std::cell::Cell;
use std::io;

use hygge_core::fault::FaultKind;
use rustix::io::Errno;

use super::super::detail::Staging;
use super::super::publish::Publication;
use super::super::swap::{Native, Renames};
use super::super::{folder, sweep};
use super::*;

/// A file system that offers less than others, and a process that dies at one of its renames.
struct Poor {
    exchange: Option<Errno>,
    folders: Option<Errno>,
    /// How many renames still succeed.
    left: Cell<usize>,
    /// Whether the rename at which it dies is done.
    done: bool,
}

impl Poor {
    fn without(exchange: Option<Errno>, folders: Option<Errno>) -> Self {
        Self { exchange, folders, left: Cell::new(usize::MAX), done: false }
    }

    fn step(&self, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let dead = || Err(io::Error::other("the process died"));
        match self.left.get() {
            0 if self.done => {
                // Once: what follows is not reached by a process that is dead.
                self.left.set(usize::MAX - 1);
                rename()?;
                dead()
            }
            0 => dead(),
            left => {
                self.left.set(left - 1);
                rename()
            }
        }
    }
}

fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

impl Renames for Poor {
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        match self.exchange {
            Some(error) => Err(error.into()),
            None => self.step(|| Native.exchange(a, b)),
        }
    }

    fn to_nothing(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.folders {
            Some(error) if is_folder(from) => Err(error.into()),
            _ => self.step(|| Native.to_nothing(from, to)),
        }
    }

    fn plain(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.folders {
            Some(error) if is_folder(from) => Err(error.into()),
            _ => self.step(|| Native.plain(from, to)),
        }
    }
}

fn publish(manifest: &Manifest, renames: &dyn Renames) -> Result<Published, Fault> {
    Publication::new(manifest, renames)?.publish()
}

/// A table with two files and a note, and a store that writes one row a file.
async fn table() -> (Project, Arc<dyn Store>) {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(1))]));
    project.load(store.as_ref(), "first", Mode::Replace, &[rows(&[1, 2])]).await;
    fs::write(project.table().join("note.txt"), "kept").unwrap();
    (project, store)
}

fn contents(project: &Project) -> Option<Vec<i64>> {
    project
        .table()
        .exists()
        .then(|| ids(&project.table()).into_iter().flat_map(|(_, ids)| ids).collect())
}

fn assert_clean(project: &Project, files: u64) {
    let mut expected: Vec<String> =
        (1..=files).map(|n| format!("out/orders/{}", number(n))).collect();
    expected.push("out/orders/note.txt".to_owned());
    assert_eq!(project.everything(), expected);
    assert_eq!(fs::read_to_string(project.table().join("note.txt")).unwrap(), "kept");
}

/// Every kind of file system.
const FILE_SYSTEMS: [(Option<Errno>, Option<Errno>); 5] = [
    (None, None),
    (Some(Errno::INVAL), None),
    (Some(Errno::NOSYS), None),
    (Some(Errno::XDEV), Some(Errno::XDEV)),
    (Some(Errno::BUSY), Some(Errno::BUSY)),
];

#[tokio::test]
async fn every_file_system_gives_the_same_table() {
    for (exchange, folders) in FILE_SYSTEMS {
        for (mode, after) in [(Mode::Replace, vec![3, 4, 5]), (Mode::Append, vec![1, 2, 3, 4, 5])] {
            let (project, store) = table().await;
            let manifest = project.manifest(store.as_ref(), "r", mode, &[3, 4, 5]).await;
            let poor = Poor::without(exchange, folders);
            let published = publish(&manifest, &poor).unwrap();
            assert_eq!((published.rows, published.parts), (3, 3));
            assert_eq!(contents(&project).unwrap(), after);
            store.sweep(None).await.unwrap();
            assert_clean(&project, after.len() as u64);
        }
    }
}

#[tokio::test]
async fn a_death_at_any_rename_is_made_good_by_the_next_process() {
    for (exchange, folders) in FILE_SYSTEMS {
        let atomic = exchange.is_none();
        for (mode, after) in [(Mode::Replace, vec![3, 4, 5]), (Mode::Append, vec![1, 2, 3, 4, 5])] {
            for done in [false, true] {
                for deaths in 0.. {
                    let (project, store) = table().await;
                    let manifest = project.manifest(store.as_ref(), "r", mode, &[3, 4, 5]).await;
                    let poor =
                        Poor { left: Cell::new(deaths), done, ..Poor::without(exchange, folders) };
                    let died = publish(&manifest, &poor).is_err();
                    if atomic {
                        let found = contents(&project).unwrap();
                        assert!(found == [1, 2] || found == after, "a part is seen: {found:?}");
                    }
                    // The journal has it as staged: it is published, whatever was done.
                    store.sweep(Some(&manifest)).await.unwrap();
                    let published = store.publish(&manifest).await.unwrap();
                    assert_eq!(published.rows, 3);
                    assert_eq!(contents(&project).unwrap(), after);
                    assert_eq!(store.publish(&manifest).await.unwrap().rows, 3, "once more");
                    store.sweep(None).await.unwrap();
                    assert_clean(&project, after.len() as u64);
                    if !died {
                        assert!(deaths > 0, "nothing was renamed");
                        break;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn without_a_journal_a_sweep_finishes_what_had_begun_and_discards_what_had_not() {
    for (exchange, folders) in FILE_SYSTEMS {
        for (mode, after) in [(Mode::Replace, vec![3, 4, 5]), (Mode::Append, vec![1, 2, 3, 4, 5])] {
            for deaths in 0.. {
                let (project, store) = table().await;
                let manifest = project.manifest(store.as_ref(), "r", mode, &[3, 4, 5]).await;
                let poor = Poor {
                    left: Cell::new(deaths),
                    done: true,
                    ..Poor::without(exchange, folders)
                };
                let died = publish(&manifest, &poor).is_err();
                store.sweep(None).await.unwrap();
                let found = contents(&project).unwrap();
                assert!(found == [1, 2] || found == after, "{found:?}");
                assert_clean(&project, found.len() as u64);
                if !died {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn staging_inside_the_table_is_published_file_by_file() {
    for (mode, after) in [(Mode::Replace, vec![3, 4, 5]), (Mode::Append, vec![1, 2, 3, 4, 5])] {
        for deaths in 0.. {
            let (project, store) = table().await;
            let mut manifest = project.manifest(store.as_ref(), "r", mode, &[3, 4, 5]).await;
            // As it is where a disk is mounted at the table's folder.
            let inside = project.table().join(".hygge_staging/sales.orders/r");
            fs::create_dir_all(inside.parent().unwrap()).unwrap();
            fs::rename(&manifest.staging, &inside).unwrap();
            fs::remove_dir_all(project.root().join("out/.hygge_staging")).unwrap();
            manifest.staging = inside.display().to_string();
            manifest.detail["staging"] = manifest.staging.clone().into();
            manifest.detail["inside"] = true.into();
            let text = serde_json::to_vec(&manifest).unwrap();
            fs::write(Staging::new(&inside).manifest(), text).unwrap();

            let poor = Poor { left: Cell::new(deaths), ..Poor::without(None, None) };
            let died = publish(&manifest, &poor).is_err();
            if deaths % 2 == 0 {
                store.sweep(Some(&manifest)).await.unwrap();
                assert_eq!(store.publish(&manifest).await.unwrap().rows, 3);
            }
            // Without a journal, what had begun is finished by the sweep.
            store.sweep(None).await.unwrap();
            assert_eq!(contents(&project).unwrap(), after);
            assert_clean(&project, after.len() as u64);
            if !died {
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_first_files_of_a_table_survive_a_death() {
    for mode in [Mode::Replace, Mode::Append] {
        for done in [false, true] {
            let project = Project::new();
            let store = project.parquet();
            let manifest = project.manifest(store.as_ref(), "r", mode, &[1, 2]).await;
            let poor = Poor { left: Cell::new(0), done, ..Poor::without(None, None) };
            publish(&manifest, &poor).unwrap_err();
            assert_eq!(contents(&project), done.then(|| vec![1, 2]));
            assert_eq!(store.publish(&manifest).await.unwrap().rows, 2);
            store.sweep(None).await.unwrap();
            assert_eq!(project.everything(), [format!("out/orders/{}", number(1))]);
        }
    }
}

#[tokio::test]
async fn one_file_is_added_once() {
    for done in [false, true] {
        let (project, store) = table().await;
        let manifest = project.manifest(store.as_ref(), "r", Mode::Append, &[3]).await;
        let poor = Poor { left: Cell::new(0), done, ..Poor::without(None, None) };
        publish(&manifest, &poor).unwrap_err();
        for _ in 0..2 {
            assert_eq!(store.publish(&manifest).await.unwrap().rows, 1);
            assert_eq!(contents(&project).unwrap(), [1, 2, 3]);
        }
        store.sweep(None).await.unwrap();
        assert_clean(&project, 3);
    }
}

#[tokio::test]
async fn a_folder_left_aside_is_replaced_by_the_new_one() {
    for by_sweep in [false, true] {
        let (project, store) = table().await;
        let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[3]).await;
        // The state between the two renames of a file system that cannot exchange.
        let staging = Staging::new(&manifest.staging);
        fs::copy(project.table().join("note.txt"), staging.data().join("note.txt")).unwrap();
        folder::mark(&staging.data(), "r").unwrap();
        fs::rename(project.table(), staging.old()).unwrap();
        if by_sweep {
            store.sweep(None).await.unwrap();
        } else {
            store.sweep(Some(&manifest)).await.unwrap();
            store.publish(&manifest).await.unwrap();
            store.sweep(None).await.unwrap();
        }
        assert_eq!(contents(&project).unwrap(), [3]);
        assert_clean(&project, 1);
    }
}

#[tokio::test]
async fn what_others_write_into_the_old_folder_is_brought_over() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[3]).await;
    let poor = Poor { left: Cell::new(0), done: true, ..Poor::without(None, None) };
    publish(&manifest, &poor).unwrap_err();
    // The exchange is done; somebody who had the folder open writes into the old one.
    let old = Staging::new(&manifest.staging).data();
    fs::write(old.join("late.txt"), "late").unwrap();
    let newer = old.join("new");
    fs::write(&newer, "newer").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(&newer).unwrap().set_modified(later).unwrap();
    fs::rename(&newer, old.join("note.txt")).unwrap();
    store.publish(&manifest).await.unwrap();
    store.sweep(None).await.unwrap();
    let text = |name: &str| fs::read_to_string(project.table().join(name)).unwrap();
    assert_eq!((text("late.txt").as_str(), text("note.txt").as_str()), ("late", "newer"));
    assert_eq!(contents(&project).unwrap(), [3]);
}

#[tokio::test]
async fn a_sweep_spares_what_is_pending_and_takes_the_rest() {
    let (project, store) = table().await;
    let old = project.manifest(store.as_ref(), "old", Mode::Replace, &[7]).await;
    let pending = project.manifest(store.as_ref(), "pending", Mode::Append, &[8]).await;
    let schema = rows(&[]).schema();
    // A process that was killed while writing.
    drop(project.begin(store.as_ref(), "killed", Mode::Append, schema).await.unwrap());
    let place = PathBuf::from(&old.staging).parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(&place).unwrap().count(), 3);
    store.sweep(Some(&pending)).await.unwrap();
    let left: Vec<_> = fs::read_dir(&place).unwrap().map(|run| run.unwrap().path()).collect();
    assert_eq!(left, [PathBuf::from(&pending.staging)]);
    store.publish(&pending).await.unwrap();
    store.sweep(None).await.unwrap();
    assert_eq!(contents(&project).unwrap(), [1, 2, 8]);
    assert_clean(&project, 3);
}

#[tokio::test]
async fn a_sweep_of_another_entity_touches_nothing_of_this() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[3]).await;
    let (place, other) = (
        super::super::place::Place::find(&project.table(), "sales", "returns").unwrap(),
        project.root().join("absent"),
    );
    sweep::sweep(&place, &other, None, &Native).unwrap();
    assert_eq!(store.publish(&manifest).await.unwrap().rows, 1);
}

#[tokio::test]
async fn a_mark_stays_until_success_is_known() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[3]).await;
    store.publish(&manifest).await.unwrap();
    store.sweep(Some(&manifest)).await.unwrap();
    assert_eq!(folder::marked(&project.table()).as_deref(), Some("r"));
    assert_eq!(store.publish(&manifest).await.unwrap().rows, 1);
    store.sweep(None).await.unwrap();
    assert_eq!(folder::marked(&project.table()), None);
}

#[tokio::test]
async fn staging_that_is_gone_is_said_to_be() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[3]).await;
    fs::remove_dir_all(&manifest.staging).unwrap();
    let fault = store.publish(&manifest).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Missing);
    assert_eq!(contents(&project).unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_staged_file_that_shrank_is_noticed() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Append, &[3]).await;
    let staged = Staging::new(&manifest.staging).data().join(number(1));
    fs::File::options().write(true).open(staged).unwrap().set_len(100).unwrap();
    let fault = store.publish(&manifest).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    drop(project);
}

#[tokio::test]
async fn a_manifest_survives_the_journal() {
    let (project, store) = table().await;
    let manifest = project.manifest(store.as_ref(), "r", Mode::Append, &[3]).await;
    let text = serde_json::to_string(&manifest).unwrap();
    let read: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(read, manifest);
    let mut later = read.clone();
    later.detail["version"] = 99.into();
    assert!(store.publish(&later).await.unwrap_err().to_string().contains("later version"));
    let fresh = project.parquet();
    assert_eq!(fresh.publish(&read).await.unwrap().rows, 1);
}
