//! What a component offers and needs, by its imports and exports.

use std::fmt;

use semver::Version;
use wasmparser::{BinaryReader, ComponentExportSectionReader, ComponentImportSectionReader};
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, SourceMap, WorldId, WorldItem, WorldKey};

use crate::error::ForgeError;
use crate::section;

/// The version of the contract that this build of hygge speaks.
pub const CONTRACT: &str = "0.1.1";

const PACKAGE: &str = "hygge:connector";

/// The contract, as it stands in `wit/`.
const WIT: [(&str, &str); 6] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("host.wit", include_str!("../../../wit/host.wit")),
    ("http.wit", include_str!("../../../wit/http.wit")),
    ("home.wit", include_str!("../../../wit/home.wit")),
    ("store.wit", include_str!("../../../wit/store.wit")),
    ("worlds.wit", include_str!("../../../wit/worlds.wit")),
];

/// A world of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Tables are read from it.
    Home,
    /// Tables are written to it.
    Store,
    /// Both.
    Both,
}

impl World {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Home => "home-connector",
            Self::Store => "store-connector",
            Self::Both => "connector",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a component imports and exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worlds {
    /// The world it serves.
    pub world: World,
    /// The version of the contract it was built for.
    pub contract: Version,
    /// The names of everything it exports.
    pub exports: Vec<String>,
    /// The names of everything it imports.
    pub imports: Vec<String>,
}

impl Worlds {
    /// Whether tables can be read from it.
    pub fn home(&self) -> bool {
        self.world != World::Store
    }

    /// Whether tables can be written to it.
    pub fn store(&self) -> bool {
        self.world != World::Home
    }

    /// What it imports of WASI.
    pub fn wasi(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str).filter(|name| name.starts_with("wasi:"))
    }
}

/// Says which world a component serves and what it imports, from its names alone: nothing is
/// compiled or run.
///
/// It is an error to serve no world, to be built for another version of the contract, or to import
/// what no version of hygge gives; the message names what is missing.
pub fn exports(component: &[u8]) -> Result<Worlds, ForgeError> {
    section::require_component(component)?;
    let exports = exported(component)?;
    let imports = imported(component)?;

    let home = serves(&exports, "home")?;
    let store = serves(&exports, "store")?;
    let (world, contract) = match (home, store) {
        (Some(version), None) => (World::Home, version),
        (None, Some(version)) => (World::Store, version),
        (Some(home), Some(store)) if home == store => (World::Both, home),
        (Some(home), Some(store)) => {
            return Err(failed(format!(
                "its home is of contract {home} and its store of contract {store}: both must be \
                 of one"
            )));
        }
        (None, None) => {
            let have = if exports.is_empty() {
                "nothing".to_owned()
            } else {
                exports.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            };
            return Err(failed(format!(
                "it exports {have}, and neither `{PACKAGE}/home@{CONTRACT}` nor \
                 `{PACKAGE}/store@{CONTRACT}`"
            )));
        }
    };
    for name in &imports {
        let known = ["types", "host", "http"]
            .iter()
            .any(|one| matches!(version_of(name, one), Some(version) if speaks(&version)));
        if !known && !name.starts_with("wasi:") {
            return Err(failed(format!(
                "it imports `{name}`, which hygge does not give: a connector may import \
                 {PACKAGE}/host, {PACKAGE}/http and WASI 0.2"
            )));
        }
    }
    Ok(Worlds { world, contract, exports, imports })
}

/// Checks every function and type a component exports and imports against the contract.
///
/// Slower than [`exports`]: the whole component is validated. A component that imports WASI is
/// checked for the functions it must have; their types are checked when it is loaded.
pub fn check(component: &[u8]) -> Result<Worlds, ForgeError> {
    let worlds = exports(component)?;
    wasmparser::Validator::new().validate_all(component).map_err(|error| {
        ForgeError::NotAComponent { reason: format!("it is not valid: {error}") }
    })?;
    let lacking = lacking(component, &worlds)?;
    if !lacking.is_empty() {
        return Err(failed(format!(
            "it serves {}, but lacks {}",
            worlds.world,
            lacking.join(", ")
        )));
    }
    if worlds.wasi().next().is_none() {
        let (contract, id) = resolve_as(worlds.world, &worlds.contract)?;
        wit_component::targets(&contract, id, component).map_err(|error| {
            failed(format!(
                "its types are not those of contract {CONTRACT}, world {}: {error:#}",
                worlds.world
            ))
        })?;
    }
    Ok(worlds)
}

/// The contract, and one of its worlds.
pub(crate) fn resolve(world: World) -> Result<(Resolve, WorldId), ForgeError> {
    read(world, |text| text.to_owned())
}

/// The same, by the names that a component uses which was built for another version of its series.
fn resolve_as(world: World, version: &Version) -> Result<(Resolve, WorldId), ForgeError> {
    let version = version.to_string();
    read(world, |text| text.replace(CONTRACT, &version))
}

fn read(world: World, named: impl Fn(&str) -> String) -> Result<(Resolve, WorldId), ForgeError> {
    let broken =
        |error: &dyn fmt::Display| failed(format!("the contract cannot be read: {error:#}"));
    let mut sources = SourceMap::default();
    for (name, text) in WIT {
        sources.push_str(name, named(text));
    }
    let group = sources.parse().map_err(|(_, error)| broken(&error))?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| broken(&error))?;
    let id =
        resolve.select_world(&[package], Some(world.name())).map_err(|error| broken(&error))?;
    Ok((resolve, id))
}

/// The functions of the contract's world that the component does not export.
fn lacking(component: &[u8], worlds: &Worlds) -> Result<Vec<String>, ForgeError> {
    let DecodedWasm::Component(own, own_world) =
        decode(component).map_err(|error| failed(format!("{error:#}")))?
    else {
        return Err(failed("it holds a description of types, and no code".to_owned()));
    };
    let (contract, id) = resolve_as(worlds.world, &worlds.contract)?;
    let mut lacking = Vec::new();
    for (key, wanted) in functions(&contract, id) {
        let have = functions(&own, own_world).into_iter().find(|(own_key, _)| *own_key == key);
        let have = have.map(|(_, functions)| functions).unwrap_or_default();
        lacking.extend(
            wanted
                .into_iter()
                .filter(|function| !have.contains(function))
                .map(|function| format!("`{}` of `{key}`", plain(&function))),
        );
    }
    Ok(lacking)
}

/// The functions of each interface that a world exports.
fn functions(resolve: &Resolve, world: WorldId) -> Vec<(String, Vec<String>)> {
    resolve.worlds[world]
        .exports
        .iter()
        .filter_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(_), WorldItem::Interface { id, .. }) => Some((
                resolve.id_of(*id)?,
                resolve.interfaces[*id].functions.keys().cloned().collect(),
            )),
            _ => None,
        })
        .collect()
}

/// `[method]session.plan` as a person would say it.
fn plain(function: &str) -> &str {
    function.split_once(']').map_or(function, |(_, name)| name)
}

/// The version of the contract for which an interface is exported, if it is.
fn serves(exports: &[String], interface: &str) -> Result<Option<Version>, ForgeError> {
    let Some(version) = exports.iter().find_map(|name| version_of(name, interface)) else {
        return Ok(None);
    };
    if speaks(&version) {
        Ok(Some(version))
    } else {
        Err(failed(format!(
            "it was built for contract {version}, and this hygge speaks {CONTRACT}: build it with \
             an SDK for {CONTRACT}, or use a hygge that speaks {version}"
        )))
    }
}

/// Whether a component of this version of the contract can be run.
fn speaks(version: &Version) -> bool {
    version.major == 0 && version.minor == 1 && version.pre.is_empty()
}

/// The version in `hygge:connector/<interface>@<version>`.
fn version_of(name: &str, interface: &str) -> Option<Version> {
    let rest = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.strip_prefix(interface)?;
    Version::parse(rest.strip_prefix('@')?).ok()
}

fn exported(component: &[u8]) -> Result<Vec<String>, ForgeError> {
    let mut names = Vec::new();
    for content in section::contents(component, section::COMPONENT_EXPORT)? {
        let reader = ComponentExportSectionReader::new(BinaryReader::new(content, 0));
        for export in reader.map_err(|error| damaged(&error))? {
            names.push(export.map_err(|error| damaged(&error))?.name.name.to_owned());
        }
    }
    Ok(names)
}

fn imported(component: &[u8]) -> Result<Vec<String>, ForgeError> {
    let mut names = Vec::new();
    for content in section::contents(component, section::COMPONENT_IMPORT)? {
        let reader = ComponentImportSectionReader::new(BinaryReader::new(content, 0));
        for import in reader.map_err(|error| damaged(&error))? {
            names.push(import.map_err(|error| damaged(&error))?.name.name.to_owned());
        }
    }
    Ok(names)
}

fn damaged(error: &dyn fmt::Display) -> ForgeError {
    ForgeError::NotAComponent { reason: format!("it is damaged: {error}") }
}

fn failed(reason: String) -> ForgeError {
    ForgeError::World { reason }
}

#[cfg(test)]
mod tests {
    use wit_parser::ManglingAndAbi;

    use super::*;
    use crate::wrap::wrap;

    /// A component of the shape of a world, whose functions do nothing.
    fn hollow(world: World) -> Vec<u8> {
        let (resolve, id) = resolve(world).unwrap();
        let core = wit_component::dummy_module(&resolve, id, ManglingAndAbi::Standard32);
        wrap(&core, Some(world)).unwrap()
    }

    #[test]
    fn every_world_is_known_by_its_exports() {
        for world in [World::Home, World::Store, World::Both] {
            let component = hollow(world);
            let found = check(&component).unwrap();
            assert_eq!(found.world, world);
            assert_eq!(found.contract.to_string(), CONTRACT);
            assert_eq!(found.wasi().count(), 0);
            assert_eq!(
                (found.home(), found.store()),
                match world {
                    World::Home => (true, false),
                    World::Store => (false, true),
                    World::Both => (true, true),
                }
            );
        }
    }

    #[test]
    fn what_serves_no_world_is_told_what_it_has_and_lacks() {
        let other = wat::parse_str(
            r#"(component (component $c) (instance $i (instantiate $c))
               (export "acme:thing/run@1.0.0" (instance $i)))"#,
        )
        .unwrap();
        let told = exports(&other).unwrap_err().to_string();
        assert!(told.contains("`acme:thing/run@1.0.0`"), "{told}");
        assert!(told.contains("hygge:connector/home@0.1.1"), "{told}");
        let empty = wat::parse_str("(component)").unwrap();
        assert!(exports(&empty).unwrap_err().to_string().contains("exports nothing"));
    }

    #[test]
    fn a_home_by_name_only_is_told_which_functions_it_lacks() {
        let named = wat::parse_str(
            r#"(component (component $c) (instance $i (instantiate $c))
               (export "hygge:connector/home@0.1.1" (instance $i)))"#,
        )
        .unwrap();
        assert!(exports(&named).unwrap().home());
        let told = check(&named).unwrap_err().to_string();
        assert!(told.contains("`session.plan` of `hygge:connector/home@0.1.1`"), "{told}");
    }

    #[test]
    fn another_version_of_the_contract_is_refused_by_name() {
        let later = wat::parse_str(
            r#"(component (component $c) (instance $i (instantiate $c))
               (export "hygge:connector/home@0.2.0" (instance $i)))"#,
        )
        .unwrap();
        let told = exports(&later).unwrap_err().to_string();
        assert!(told.contains("0.2.0") && told.contains(CONTRACT), "{told}");
    }

    #[test]
    fn components_of_other_versions_of_the_series_are_checked_as_well() {
        for version in ["0.1.0", "0.1.7"] {
            let (resolve, id) = resolve_as(World::Both, &Version::parse(version).unwrap()).unwrap();
            let core = wit_component::dummy_module(&resolve, id, ManglingAndAbi::Standard32);
            let mut core = core;
            let encoding = wit_component::StringEncoding::UTF8;
            wit_component::embed_component_metadata(&mut core, &resolve, id, encoding).unwrap();
            let encoder = wit_component::ComponentEncoder::default().validate(true);
            let component = encoder.module(&core).unwrap().encode().unwrap();
            assert_eq!(check(&component).unwrap().contract.to_string(), version);
        }
        let home = |version: &str| {
            wat::parse_str(format!(
                r#"(component (component $c) (instance $i (instantiate $c))
                   (export "hygge:connector/home@{version}" (instance $i)))"#
            ))
            .unwrap()
        };
        let told = check(&home("0.1.0")).unwrap_err().to_string();
        assert!(told.contains("`session.plan` of `hygge:connector/home@0.1.0`"), "{told}");
    }

    #[test]
    fn imports_that_nobody_gives_are_refused_by_name() {
        let greedy = wat::parse_str(
            r#"(component (import "acme:keys/vault@1.0.0" (instance))
               (component $c) (instance $i (instantiate $c))
               (export "hygge:connector/home@0.1.0" (instance $i)))"#,
        )
        .unwrap();
        let told = exports(&greedy).unwrap_err().to_string();
        assert!(told.contains("`acme:keys/vault@1.0.0`"), "{told}");
    }
}
