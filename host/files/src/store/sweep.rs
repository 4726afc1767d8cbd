//! Removes what runs leave behind.

use std::fs;
use std::path::Path;

use hygge_core::contract::Manifest;
use hygge_core::fault::Fault;

use super::detail::{Detail, Staging, remove_folder};
use super::folder;
use super::place::Place;
use super::publish::Publication;
use super::swap::Renames;

/// Removes the staging of all runs of an entity but that of `keep`, and the mark of a run
/// whose success is known. A publication that had begun is finished first.
pub(super) fn sweep(
    place: &Place,
    other_staging: &Path,
    keep: Option<&Manifest>,
    renames: &dyn Renames,
) -> Result<(), Fault> {
    let kept = keep.map(Detail::read).transpose()?.map(|detail| detail.staging);
    for staging in [place.staging.as_path(), other_staging] {
        let Ok(runs) = fs::read_dir(staging) else { continue };
        for run in runs {
            let run = run.map_err(|error| Fault::io("list", staging, error))?.path();
            if kept.as_ref() == Some(&run) {
                continue;
            }
            finish(&run, renames)?;
            remove_folder(&run)?;
        }
        super::detail::remove_empty_parents(&staging.join("run"));
    }
    let keep = keep.map(|manifest| manifest.entity_run_id.as_str());
    match folder::marked(&place.destination) {
        Some(run) if Some(run.as_str()) != keep => folder::unmark(&place.destination),
        _ => Ok(()),
    }
}

/// Finishes what a process without a journal left half done.
fn finish(run: &Path, renames: &dyn Renames) -> Result<(), Fault> {
    // Without a manifest nothing was staged, and nothing published.
    let Ok(text) = fs::read(Staging::new(run).manifest()) else { return Ok(()) };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else { return Ok(()) };
    Publication::new(&manifest, renames)?.finish_if_begun()
}
