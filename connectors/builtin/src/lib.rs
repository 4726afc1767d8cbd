//! What travels inside the binary: connectors built from the sources beside this crate, and the
//! SDK's sources, for authors without a network.

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_connector_is_a_component() {
        assert_eq!(
            CONNECTORS.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["generate", "rest"]
        );
        for (name, component) in CONNECTORS {
            assert_eq!(&component[..8], b"\0asm\x0d\0\x01\0", "{name}");
        }
    }

    #[test]
    fn the_sdk_stands_without_its_workspace() {
        let (_, manifest) = SDK.iter().find(|(path, _)| path.ends_with("Cargo.toml")).unwrap();
        assert!(!manifest.contains("workspace"), "{manifest}");
        let arrow = manifest.lines().find(|line| line.starts_with("arrow-array = {")).unwrap();
        assert!(arrow.contains("version = \""), "{arrow}");
    }

    #[test]
    fn the_sdk_is_whole() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (path, text) in SDK.iter().filter(|(path, _)| !path.ends_with("Cargo.toml")) {
            assert_eq!(&std::fs::read_to_string(root.join(path)).unwrap(), text, "{path}");
        }
        for needed in ["sdk/rust/src/lib.rs", "sdk/rust/README.md", "wit/worlds.wit"] {
            assert!(SDK.iter().any(|(path, _)| *path == needed), "{needed}");
        }
    }
}
