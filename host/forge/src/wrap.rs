//! From a core module to a component.

use wit_component::{ComponentEncoder, StringEncoding};

use crate::error::ForgeError;
use crate::section::{self, Binary};
use crate::world::{self, World};

/// Makes a component of a core module that was built for the contract.
///
/// Modules made with the Rust SDK carry the description of their world. For modules of other
/// languages that do not, `world` says which one it is.
pub fn wrap(core: &[u8], world: Option<World>) -> Result<Vec<u8>, ForgeError> {
    let failed = |reason: String| ForgeError::Wrap { reason };
    match section::kind(core)? {
        Binary::CoreModule => {}
        Binary::Component => return Err(failed("it is a component already".to_owned())),
    }
    let mut described = core.to_vec();
    if let Some(world) = world {
        let (resolve, id) = world::resolve(world)?;
        wit_component::embed_component_metadata(&mut described, &resolve, id, StringEncoding::UTF8)
            .map_err(|error| failed(format!("{error:#}")))?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&described)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| failed(explain(&format!("{error:#}"))))
}

/// Says what the commonest mistakes look like from here.
fn explain(error: &str) -> String {
    let hint = if error.contains("wasi_snapshot_preview1") {
        "; it was built for WASI: build for wasm32-unknown-unknown"
    } else if error.contains("__wbindgen") {
        "; a dependency uses wasm-bindgen, which only works in browsers: look for its feature that \
         does without, such as `default-features = false`"
    } else if error.contains("\"env\"") || error.contains("`env`") {
        "; a dependency calls C functions that are not there"
    } else {
        ""
    };
    format!("{error}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_lacks_what_its_world_exports_is_refused() {
        let empty = wat::parse_str("(module)").unwrap();
        let error = wrap(&empty, Some(World::Home)).unwrap_err().to_string();
        assert!(error.contains("hygge:connector/home"), "{error}");
    }

    #[test]
    fn a_component_is_not_wrapped_twice() {
        let component = wat::parse_str("(component)").unwrap();
        assert!(wrap(&component, None).unwrap_err().to_string().contains("already"));
    }

    #[test]
    fn imports_that_nobody_gives_are_explained() {
        let module = wat::parse_str(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#,
        )
        .unwrap();
        let error = wrap(&module, None).unwrap_err().to_string();
        assert!(error.contains("wasm32-unknown-unknown"), "{error}");
    }
}
