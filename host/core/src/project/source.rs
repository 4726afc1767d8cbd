//! Files of a project, read whole.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::problem::Problems;
use super::yaml::{Source, Span};

/// No configuration is larger: a file that is was put there by mistake.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads a file of the project in `root`. `None` means that a mistake was recorded.
pub(super) fn read(root: &Path, path: &Path, problems: &mut Problems) -> Option<Arc<Source>> {
    let name = shown(root, path);
    match fs::metadata(path) {
        Ok(about) if about.len() > LARGEST => {
            problems
                .add_nowhere(format!("`{name}` is too large for a configuration"))
                .help(format!("it has {} bytes; is it a data file?", about.len()));
            return None;
        }
        _ => {}
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let problem = problems.add_nowhere(format!("cannot read `{name}`: {error}"));
            if error.kind() == ErrorKind::PermissionDenied {
                problem.help("let your user read the file");
            }
            return None;
        }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    let source = |text| Arc::new(Source { name: name.clone(), path: path.to_owned(), text });
    match String::from_utf8(bytes) {
        Ok(text) => Some(source(text)),
        Err(error) => {
            let start = error.utf8_error().valid_up_to();
            // What comes before the bad byte is unchanged, so its place still holds.
            let source = source(String::from_utf8_lossy(error.as_bytes()).into_owned());
            let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
            problems
                .add(&Span { source, start, end }, "the file is not UTF-8")
                .label("not a character in UTF-8")
                .help("save the file as UTF-8 in your editor");
            None
        }
    }
}

/// A path as messages show it: relative to the project's folder, with `/`.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.display().to_string().replace(std::path::MAIN_SEPARATOR, "/")
}
