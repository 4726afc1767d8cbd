//! What may change in `wit/`: connectors of the released contract still fit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use hygge_forge::world::CONTRACT;
use semver::Version;
use wit_component::semver_check;
use wit_parser::{Resolve, SourceMap, WorldId};

const WORLDS: [&str; 3] = ["home-connector", "store-connector", "connector"];

/// A version of the contract: the names of its files, and their texts.
#[derive(Clone)]
struct Contract(Vec<(String, String)>);

impl Contract {
    fn read(folder: &Path) -> Self {
        let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} holds no contract", folder.display());
        Self(files)
    }

    /// With one text replaced by another; it must be there once.
    fn with(&self, file: &str, from: &str, to: &str) -> Self {
        let mut changed = self.clone();
        let (_, text) = changed.0.iter_mut().find(|(name, _)| name == file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
        *text = text.replace(from, to);
        changed
    }

    /// The version that every file names.
    fn version(&self) -> Version {
        let versions: Vec<Version> = self.0.iter().map(|(_, text)| version(text)).collect();
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        versions[0].clone()
    }

    /// Adds it to `resolve` as that version: two of one version cannot stand side by side.
    fn push(&self, resolve: &mut Resolve, version: &str, world: &str) -> WorldId {
        let mut sources = SourceMap::default();
        for (name, text) in &self.0 {
            let own = header(text);
            let package = own.rsplit_once('@').unwrap().0;
            let text = text.replacen(own, &format!("{package}@{version};"), 1);
            sources.push_str(&format!("{version}/{name}"), text);
        }
        let package = resolve.push_group(sources.parse().map_err(|(_, e)| e).unwrap()).unwrap();
        resolve.select_world(&[package], Some(world)).unwrap()
    }

    /// Whether components of `released` can go on running on this one; if not, why.
    fn serves(&self, released: &Self) -> Result<(), String> {
        for world in WORLDS {
            let mut resolve = Resolve::default();
            let before = released.push(&mut resolve, "98.0.0", world);
            let after = self.push(&mut resolve, "99.0.0", world);
            semver_check(resolve, before, after).map_err(|error| format!("{world}: {error:#}"))?;
        }
        Ok(())
    }
}

/// The line that names the package.
fn header(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("package ")).unwrap()
}

fn version(text: &str) -> Version {
    Version::parse(header(text).rsplit_once('@').unwrap().1.trim_end_matches(';')).unwrap()
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn today() -> Contract {
    Contract::read(&wit())
}

/// Every released version, oldest first.
fn released() -> Vec<(Version, Contract)> {
    let mut found: Vec<(Version, Contract)> = std::fs::read_dir(wit().join("released"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (Version::parse(name).unwrap(), Contract::read(&path))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

#[test]
fn connectors_of_the_newest_release_still_fit() {
    let released = released();
    for (version, contract) in &released {
        assert_eq!(contract.version(), *version, "a folder is named after its version");
    }
    let (newest, contract) = released.last().unwrap();
    let today = today();
    let own = today.version();
    assert_eq!(own.to_string(), CONTRACT, "the version in wit/ is the one this build speaks");
    assert!(own >= *newest, "wit/ says {own}, and {newest} is out");
    let series = |version: &Version| (version.major, version.minor);
    if series(&own) == series(newest) {
        today.serves(contract).unwrap();
    }
    if own == *newest {
        // Whoever builds against it now gets a component for every hygge that speaks it.
        contract.serves(&today).expect("wit/ has changed: give it a new version");
    }
}

#[test]
fn a_change_that_breaks_connectors_is_found() {
    let today = today();
    let breaking = [
        // A function that connectors call is gone.
        ("host.wit", "  now: func() -> u64;\n", ""),
        // One that they do not have is asked of them.
        ("home.wit", "    check: func()", "    close: func();\n    check: func()"),
        // A record, an enum and a variant have more to them.
        ("store.wit", "    mode: string,\n", "    mode: string,\n    comment: string,\n"),
        ("types.wit", "    /// It may pass", "    busy,\n    /// It may pass"),
        ("types.wit", "    ndjson(list<u8>),\n", "    ndjson(list<u8>),\n    csv(list<u8>),\n"),
        // A parameter has another type.
        ("home.wit", "next: func(target-bytes: u32)", "next: func(target-bytes: u64)"),
    ];
    for (file, from, to) in breaking {
        let told = today.with(file, from, to).serves(&today).expect_err(to);
        assert!(told.contains("connector: "), "{told}");
    }
}

#[test]
fn what_connectors_need_not_know_of_may_be_added() {
    let today = today();
    let longer = today
        .with("host.wit", "  now: func() -> u64;\n", "  now: func() -> u64;\n  zone: func() -> string;\n")
        .with("worlds.wit", "world home-connector {\n", "world home-connector {\n  import vault;\n")
        .with(
            "host.wit",
            "/// What every connector may ask",
            "interface vault { has: func(name: string) -> bool; }\n\n/// What every connector may ask",
        );
    longer.serves(&today).unwrap();
    // It is a change all the same: what is built with it does not run on an older hygge.
    assert!(today.serves(&longer).is_err());
}
