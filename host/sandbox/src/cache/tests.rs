use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hygge_forge::Digest;
use tempfile::TempDir;
use wasmtime::{Config, Engine};

use super::Cache;

struct Place {
    root: TempDir,
    engine: Engine,
    component: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            engine: Engine::default(),
            component: wat::parse_str("(component (core module (func unreachable)))").unwrap(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("hygge/connectors")
    }

    /// Makes the component, and answers what was noted meanwhile.
    fn make(&self) -> Vec<String> {
        let cache = Cache::new(Some(self.folder()));
        let digest = Digest::of(&self.component);
        cache.component(&self.engine, &self.component, &digest, "connector `shop`").unwrap();
        cache.take_notes()
    }

    /// Whether there is an entry that is good: one that is used without compiling anything.
    fn kept(&self) -> bool {
        let cache = Cache::new(Some(self.folder()));
        let digest = Digest::of(&self.component);
        cache.component(&self.engine, b"no component", &digest, "x").is_ok()
    }

    fn entry(&self) -> PathBuf {
        entries(&self.folder()).pop().expect("there is an entry")
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_component_is_compiled_once() {
    let place = Place::new();
    assert!(!place.kept());
    assert_eq!(place.make(), [""; 0]);
    assert!(place.kept());
    assert_eq!(entries(&place.folder()).len(), 1);
    assert_eq!(fs::metadata(place.folder()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(place.entry()).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn an_entry_that_is_damaged_anywhere_is_made_again() {
    let place = Place::new();
    place.make();
    let good = fs::read(place.entry()).unwrap();
    for at in [0, 20, 60, 85, 100, 119, 120, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(place.entry(), bad).unwrap();
        let notes = place.make();
        assert!(notes.len() == 1 && notes[0].contains("is damaged"), "{at}: {notes:?}");
        assert!(place.kept());
    }
    for length in [0, 50, 120, good.len() - 1] {
        fs::write(place.entry(), &good[..length]).unwrap();
        assert_eq!(place.make().len(), 1);
        assert!(place.kept());
    }
}

#[test]
fn what_others_could_have_written_is_not_used() {
    let place = Place::new();
    place.make();
    chmod(&place.entry(), 0o620);
    assert!(place.make()[0].contains("other users may write it"));
    assert_eq!(fs::metadata(place.entry()).unwrap().mode() & 0o777, 0o600);

    let elsewhere = place.root.path().join("elsewhere");
    fs::rename(place.entry(), &elsewhere).unwrap();
    let name =
        place.folder().join(super::Key::new(&place.engine, &Digest::of(&place.component)).name());
    symlink(&elsewhere, &name).unwrap();
    assert!(place.make()[0].contains("cannot be opened"));
    assert!(fs::symlink_metadata(&name).unwrap().is_file());

    fs::remove_file(&name).unwrap();
    fs::create_dir(&name).unwrap();
    assert!(place.make()[0].contains("is not a file"));
    assert!(place.kept());

    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&name, Some(12_345), None).unwrap();
        assert!(place.make()[0].contains("belongs to another user"));
        assert!(place.kept());
    }
}

#[test]
fn a_folder_that_others_may_enter_is_left_alone() {
    let place = Place::new();
    place.make();
    for mode in [0o770, 0o707, 0o750, 0o701] {
        chmod(&place.folder(), mode);
        assert!(!place.kept());
        let notes = place.make();
        assert!(notes[0].contains("is open to other users"), "{notes:?}");
    }
    chmod(&place.folder(), 0o700);
    assert!(place.kept());

    let moved = place.root.path().join("moved");
    fs::rename(place.folder(), &moved).unwrap();
    symlink(&moved, place.folder()).unwrap();
    assert!(!place.kept());
    assert!(place.make()[0].contains("connectors are compiled anew"));
    fs::remove_file(place.folder()).unwrap();

    if rustix::process::geteuid().is_root() {
        fs::create_dir(place.folder()).unwrap();
        chmod(&place.folder(), 0o700);
        std::os::unix::fs::chown(place.folder(), Some(12_345), None).unwrap();
        assert!(place.make()[0].contains("belongs to another user"));
        assert_eq!(entries(&place.folder()).len(), 0);
    }
}

#[test]
fn engines_of_other_settings_have_entries_of_their_own() {
    let mut place = Place::new();
    place.make();
    place.engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    assert!(!place.kept());
    assert_eq!(place.make(), [""; 0]);
    let both = entries(&place.folder());
    assert_eq!(both.len(), 2);
    // The one under the name of the other.
    fs::copy(&both[0], &both[1]).unwrap();
    fs::copy(&both[1], &both[0]).unwrap();
    let notes = [place.make(), {
        place.engine = Engine::default();
        place.make()
    }]
    .concat();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("not what its name says"));
}

#[test]
fn what_is_old_or_too_much_is_removed() {
    let place = Place::new();
    place.make();
    fs::remove_file(place.entry()).unwrap();
    let days_old = |name: &str, days: u64, size: u64| {
        let file = fs::File::create(place.folder().join(name)).unwrap();
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 3600)).unwrap();
    };
    days_old("a.code", 1, 700 << 20);
    days_old("b.code", 2, 700 << 20);
    days_old("c.code", 89, 1);
    days_old("d.code", 91, 1);
    days_old("e.code.7-0.new", 2, 1);
    days_old("f.code.8-0.new", 0, 1);
    place.make();
    let left = entries(&place.folder());
    let left: Vec<_> =
        left.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert!(place.kept());
    let others: Vec<_> = left.into_iter().filter(|name| name.len() < 20).collect();
    assert_eq!(others, ["a.code", "c.code", "f.code.8-0.new"]);
}

#[test]
fn without_a_folder_components_are_compiled_all_the_same() {
    let place = Place::new();
    let file = place.root.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Cache::new(Some(file.join("connectors")));
    let digest = Digest::of(&place.component);
    cache.component(&place.engine, &place.component, &digest, "x").unwrap();
    assert!(cache.take_notes()[0].contains("cannot make"));
}
