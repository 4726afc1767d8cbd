//! The sections of a WebAssembly binary, without looking into them.
//!
//! A binary is a header of eight bytes and then sections: an identifier, a size, and that many
//! bytes. That is all that is needed to find a custom section and to leave some out, in time that
//! does not depend on how much code there is.

use crate::error::ForgeError;

/// What a binary is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// What compilers make: functions over numbers.
    CoreModule,
    /// A module with typed imports and exports: what a connector is.
    Component,
}

const HEADER: usize = 8;
const CUSTOM: u8 = 0;
/// What a component imports.
pub(crate) const COMPONENT_IMPORT: u8 = 10;
/// What a component exports.
pub(crate) const COMPONENT_EXPORT: u8 = 11;
/// Within a component: a core module and a component that it is made of.
const NESTED: [u8; 2] = [1, 4];
/// How deep components may stand in one another.
const DEPTH: usize = 16;
/// Custom sections that only debuggers read.
const NAMES: [&str; 4] = ["name", "component-name", "producers", "target_features"];

/// Says what a binary is; an error tells what it is if it is none.
pub fn kind(bytes: &[u8]) -> Result<Binary, ForgeError> {
    let not = |reason: &str| ForgeError::NotAComponent { reason: reason.to_owned() };
    match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Ok(Binary::CoreModule),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(Binary::Component),
        [0, b'a', b's', b'm', ..] => {
            Err(not("it is WebAssembly of a version that is not known here"))
        }
        [] => Err(not("it is empty")),
        _ => Err(not("it is not WebAssembly")),
    }
}

/// As [`kind`], where only a component will do.
pub fn require_component(bytes: &[u8]) -> Result<(), ForgeError> {
    match kind(bytes)? {
        Binary::Component => Ok(()),
        Binary::CoreModule => Err(ForgeError::NotAComponent {
            reason: "it is a core module, not yet a component".to_owned(),
        }),
    }
}

/// One section.
struct Section<'a> {
    id: u8,
    content: &'a [u8],
}

impl<'a> Section<'a> {
    /// The name and the content of a custom section.
    fn custom(&self) -> Result<Option<(&'a str, &'a [u8])>, ForgeError> {
        if self.id != CUSTOM {
            return Ok(None);
        }
        let (length, rest) = number(self.content)?;
        let (name, data) = split(rest, length)?;
        let name = std::str::from_utf8(name).map_err(|_| damaged())?;
        Ok(Some((name, data)))
    }
}

/// The sections of a binary, in order.
fn sections(bytes: &[u8]) -> impl Iterator<Item = Result<Section<'_>, ForgeError>> {
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&id, after) = rest.split_first()?;
        let section = number(after).and_then(|(size, after)| split(after, size));
        match section {
            Ok((content, after)) => {
                rest = after;
                Some(Ok(Section { id, content }))
            }
            Err(error) => {
                rest = &[];
                Some(Err(error))
            }
        }
    })
}

/// The contents of all sections of this kind.
pub(crate) fn contents(bytes: &[u8], id: u8) -> Result<Vec<&[u8]>, ForgeError> {
    let mut found = Vec::new();
    for section in sections(bytes) {
        let section = section?;
        if section.id == id {
            found.push(section.content);
        }
    }
    Ok(found)
}

/// The content of the custom section `name`, which stands at most once.
pub fn custom<'a>(bytes: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, ForgeError> {
    kind(bytes)?;
    let mut found = None;
    for section in sections(bytes) {
        if let Some((own, data)) = section?.custom()?
            && own == name
            && found.replace(data).is_some()
        {
            return Err(ForgeError::NotAComponent {
                reason: format!("it holds several sections `{name}`, where one may stand"),
            });
        }
    }
    Ok(found)
}

/// The binary without the custom section `name`, and with `data` as its content if there is some.
pub fn with_custom(bytes: &[u8], name: &str, data: Option<&[u8]>) -> Result<Vec<u8>, ForgeError> {
    let mut out = rewrite(bytes, DEPTH, &|own, depth| depth == DEPTH && own == name)?;
    if let Some(data) = data {
        let mut content = Vec::with_capacity(name.len() + data.len() + 5);
        put_number(&mut content, name.len());
        content.extend_from_slice(name.as_bytes());
        content.extend_from_slice(data);
        put_section(&mut out, CUSTOM, &content);
    }
    Ok(out)
}

/// The binary without what only debuggers read, at every depth.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, ForgeError> {
    rewrite(bytes, DEPTH, &|name, _| NAMES.contains(&name) || name.starts_with(".debug"))
}

fn rewrite(
    bytes: &[u8],
    depth: usize,
    leave_out: &dyn Fn(&str, usize) -> bool,
) -> Result<Vec<u8>, ForgeError> {
    let component = kind(bytes)? == Binary::Component;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..HEADER]);
    for section in sections(bytes) {
        let section = section?;
        if let Some((name, _)) = section.custom()?
            && leave_out(name, depth)
        {
            continue;
        }
        if component && NESTED.contains(&section.id) {
            let inner = depth.checked_sub(1).ok_or_else(damaged)?;
            put_section(&mut out, section.id, &rewrite(section.content, inner, leave_out)?);
        } else {
            put_section(&mut out, section.id, section.content);
        }
    }
    Ok(out)
}

fn put_section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    put_number(out, content.len());
    out.extend_from_slice(content);
}

/// Writes LEB128.
fn put_number(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads an unsigned LEB128 number of at most 32 bits, as sizes are.
fn number(bytes: &[u8]) -> Result<(usize, &[u8]), ForgeError> {
    let mut value = 0_u64;
    for (at, &byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| damaged())?;
            return Ok((value as usize, &bytes[at + 1..]));
        }
    }
    Err(damaged())
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), ForgeError> {
    bytes.split_at_checked(at).ok_or_else(damaged)
}

fn damaged() -> ForgeError {
    ForgeError::NotAComponent { reason: "it is damaged, or cut short".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = &[0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn a_section_is_replaced_and_never_doubled() {
        let one = with_custom(COMPONENT, "x", Some(b"first")).unwrap();
        let two = with_custom(&one, "x", Some(&[7; 300])).unwrap();
        assert_eq!(custom(&two, "x").unwrap(), Some(&[7; 300][..]));
        assert_eq!(custom(&two, "y").unwrap(), None);
        assert_eq!(with_custom(&two, "x", None).unwrap(), COMPONENT);

        let doubled = [&one[..], &one[HEADER..]].concat();
        assert!(custom(&doubled, "x").unwrap_err().to_string().contains("several"));
    }

    #[test]
    fn names_go_at_every_depth_and_the_rest_stays() {
        let text = r#"(component
            (core module $named (func $inner (export "f") nop))
            (component $deeper (core module $m (func $g))))"#;
        let named = wat::parse_str(text).unwrap();
        let has_name = |bytes: &[u8]| bytes.windows(5).any(|part| part == b"inner");
        assert!(has_name(&named));
        let bare = strip(&named).unwrap();
        assert!(!has_name(&bare) && bare.len() < named.len());
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&bare)
            .unwrap();
    }

    #[test]
    fn what_is_no_component_is_called_what_it_is() {
        let told = |bytes: &[u8]| require_component(bytes).unwrap_err().to_string();
        assert_eq!(told(b""), "it is empty");
        assert_eq!(told(b"\x7fELF"), "it is not WebAssembly");
        assert_eq!(
            told(&wat::parse_str("(module)").unwrap()),
            "it is a core module, not yet a component"
        );
    }

    #[test]
    fn no_damage_is_more_than_an_error() {
        let whole = with_custom(COMPONENT, "x", Some(&[1; 200])).unwrap();
        for end in HEADER + 1..whole.len() {
            assert!(custom(&whole[..end], "x").is_err(), "cut at {end}");
            assert!(strip(&whole[..end]).is_err(), "cut at {end}");
        }
        let endless = [COMPONENT, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        assert!(custom(&endless, "x").is_err());
        let claimed = [COMPONENT, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
        assert!(custom(&claimed, "x").is_err());
    }

    #[test]
    fn components_within_components_do_not_exhaust_the_stack() {
        let mut bytes = COMPONENT.to_vec();
        for _ in 0..DEPTH + 2 {
            let mut outer = COMPONENT.to_vec();
            put_section(&mut outer, 4, &bytes);
            bytes = outer;
        }
        assert!(strip(&bytes).is_err());
    }
}
