//! Where a table lives on the disk, and where its next contents are prepared.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use hygge_core::fault::Fault;
use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags};
use sha2::{Digest, Sha256};

/// Where staging is kept: beside a destination, or inside it when it cannot be beside.
pub(crate) const STAGING: &str = ".hygge_staging";

/// The longest name of a folder made of a flow's and an entity's; file systems allow 255 bytes.
const LONGEST_NAME: usize = 180;

/// A destination with its staging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder of the table, with all symbolic links resolved.
    pub destination: PathBuf,
    /// The folder with the staging of all runs of this entity.
    pub staging: PathBuf,
    /// Staging lies inside the destination: nothing beside it is writable, or on its disk.
    pub inside: bool,
}

impl Place {
    /// Finds out where the folder really is. Changes nothing.
    pub(crate) fn find(destination: &Path, flow: &str, entity: &str) -> Result<Self, Fault> {
        let destination = real(destination)?;
        if fs::symlink_metadata(&destination).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(Fault::config(format!(
                "the destination {} is a file, not a folder",
                destination.display()
            ))
            .with_help("let `path` of the store name a folder"));
        }
        let inside = must_stage_inside(&destination);
        Ok(Self { staging: staging(&destination, inside, flow, entity), destination, inside })
    }

    /// Where an earlier run may have staged when it found the disks arranged differently.
    pub(crate) fn other_staging(&self, flow: &str, entity: &str) -> PathBuf {
        staging(&self.destination, !self.inside, flow, entity)
    }
}

fn staging(destination: &Path, inside: bool, flow: &str, entity: &str) -> PathBuf {
    let parent = match destination.parent() {
        Some(parent) if !inside => parent,
        _ => destination,
    };
    parent.join(STAGING).join(folder_name(flow, entity))
}

/// A name for the staging of an entity, the same each time and safe on any file system.
fn folder_name(flow: &str, entity: &str) -> String {
    let name = format!("{}.{}", encoded(flow), encoded(entity));
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let mut digits = Vec::new();
    crate::cell::hexadecimal(&digest[..16], &mut digits);
    let mut end = LONGEST_NAME - 33;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{}", &name[..end], String::from_utf8_lossy(&digits))
}

/// Percent-encodes what is not a letter, a digit, `_` or `-`.
pub(crate) fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_alphanumeric() || matches!(letter, '_' | '-') {
            text.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

/// Whether nothing can be renamed into the place of this folder: it is where a disk is mounted,
/// or the folder around it cannot be written to.
fn must_stage_inside(destination: &Path) -> bool {
    let Some(parent) = destination.parent() else { return true };
    if !destination.is_dir() {
        return false;
    }
    is_mount_point(destination) || (!is_writable(parent) && is_writable(destination))
}

fn is_mount_point(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    if let Ok(found) = rustix::fs::statx(CWD, folder, AtFlags::empty(), StatxFlags::BASIC_STATS)
        && found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT)
    {
        return found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    }
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    folder.parent().is_some_and(|parent| device(folder) != device(parent))
}

/// Whether files can be made in this folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The nearest folder that exists, from this one upwards.
pub(crate) fn nearest_existing(folder: &Path) -> &Path {
    folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"))
}

/// Symbolic links followed in one path, at most; as many as Linux follows.
const MOST_LINKS: usize = 40;

/// An absolute path without `.`, `..` and symbolic links, also where its end does not exist yet.
pub(crate) fn real(path: &Path) -> Result<PathBuf, Fault> {
    let failed = |error| Fault::io("find", path, error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    let mut ahead: VecDeque<OsString> = parts(&absolute);
    let mut found = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&part);
        match fs::read_link(&next) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(failed(io::Error::from(rustix::io::Errno::LOOP)));
                }
                if target.is_absolute() {
                    found = PathBuf::from("/");
                }
                let mut turned = parts(&target);
                turned.append(&mut ahead);
                ahead = turned;
            }
            // Not a link, or nothing there yet: the name stands for itself.
            Err(_) => found = next,
        }
    }
    Ok(found)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_far_as_there_is_something() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("disk/real")).unwrap();
        symlink(root.join("disk"), root.join("absolute")).unwrap();
        symlink("disk/real", root.join("relative")).unwrap();
        symlink("disk/later", root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(real(&root.join("absolute/new/./x/../y")).unwrap(), root.join("disk/new/y"));
        assert_eq!(real(&root.join("relative/../a")).unwrap(), root.join("disk/a"));
        assert_eq!(real(&root.join("dangling")).unwrap(), root.join("disk/later"));
        assert!(real(&root.join("loop")).is_err());
    }

    #[test]
    fn staging_is_beside_the_real_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("disk/table")).unwrap();
        symlink(root.join("disk/table"), root.join("link")).unwrap();
        let place = Place::find(&root.join("link"), "my flow", "a.b/c").unwrap();
        assert_eq!(place.destination, root.join("disk/table"));
        assert_eq!(place.staging, root.join("disk/.hygge_staging/my%20flow.a%2Eb%2Fc"));
        assert!(!place.inside);
        assert!(!root.join("disk/.hygge_staging").exists());
    }

    #[test]
    fn a_mounted_folder_is_staged_inside() {
        let place = Place::find(Path::new("/proc"), "f", "e").unwrap();
        assert!(place.inside);
        assert_eq!(place.staging, Path::new("/proc/.hygge_staging/f.e"));
        assert_eq!(place.other_staging("f", "e"), Path::new("/.hygge_staging/f.e"));
    }

    #[test]
    fn a_file_is_no_destination() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("table"), "").unwrap();
        let fault = Place::find(&folder.path().join("table"), "f", "e").unwrap_err();
        assert!(fault.to_string().contains("is a file"));
    }

    #[test]
    fn names_stay_within_what_file_systems_allow() {
        let long = "å".repeat(120);
        let name = folder_name(&long, &long);
        assert!(name.len() <= LONGEST_NAME);
        assert_ne!(name, folder_name(&long, &format!("{long}x")));
    }
}
