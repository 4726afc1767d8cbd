//! Where encoded chunks wait until they are written: in slabs, and what is too large to be held in
//! files without names.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hygge_core::fault::Fault;
use parquet::column::page_store::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result};

use super::slabs::{Slabs, Stack};

/// Where what is not held goes.
#[derive(Clone, Debug)]
pub(crate) struct Spill {
    /// The folder of such files.
    pub(crate) folder: PathBuf,
    /// Bytes of a chunk that are held at most.
    pub(crate) most_held: u64,
    /// Where those are held.
    pub(crate) slabs: Arc<Slabs>,
}

impl Spill {
    /// A file that is gone when it is closed.
    pub(crate) fn file(&self) -> Result<File, Fault> {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let name = format!("spill-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let path = self.folder.join(name);
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|error| Fault::io("create", &path, error))?;
        std::fs::remove_file(&path).map_err(|error| Fault::io("remove", &path, error))?;
        Ok(file)
    }
}

impl PageStoreFactory for Spill {
    fn create(&self, _: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        Ok(Box::new(Pages::new(self.clone())))
    }
}

/// The encoded pages of one chunk.
#[derive(Debug)]
struct Pages {
    spill: Spill,
    places: Vec<Place>,
    held: Stack,
    spilled: Option<File>,
    /// How far the file is filled.
    end: u64,
}

/// Where a page is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Held { offset: u64, length: usize },
    Spilled { offset: u64, length: usize },
}

impl Pages {
    fn new(spill: Spill) -> Self {
        let held = spill.slabs.stack();
        Self { spill, places: Vec::new(), held, spilled: None, end: 0 }
    }
}

impl PageStore for Pages {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        let (key, length) = (PageKey::new(self.places.len() as u64), page.len());
        let offset = self.held.len();
        if self.spilled.is_none() && offset + length as u64 <= self.spill.most_held {
            self.held.write_all(&page)?;
            self.places.push(Place::Held { offset, length });
            return Ok(key);
        }
        let mut file = match self.spilled.take() {
            Some(file) => file,
            None => self.spill.file().map_err(|fault| ParquetError::External(Box::new(fault)))?,
        };
        file.write_all(&page)?;
        self.spilled = Some(file);
        self.places.push(Place::Spilled { offset: self.end, length });
        self.end += length as u64;
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let gone = || ParquetError::General("an encoded page is gone".to_owned());
        let place = self.places.get(usize::try_from(key.get())?).copied().ok_or_else(gone)?;
        let (Place::Held { length, .. } | Place::Spilled { length, .. }) = place;
        let mut page = vec![0; length];
        match place {
            Place::Held { offset, .. } => {
                if self.held.read_at(&mut page, offset) < length {
                    return Err(gone());
                }
            }
            Place::Spilled { offset, .. } => {
                self.spilled.as_ref().ok_or_else(gone)?.read_exact_at(&mut page, offset)?;
            }
        }
        Ok(page.into())
    }

    fn memory_size(&self) -> usize {
        usize::try_from(self.held.len()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_wherever_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder_of = folder.path().to_owned();
        let spill = Spill { folder: folder_of, most_held: 10, slabs: Arc::default() };
        let mut store = Pages::new(spill);
        let pages = ["12345", "67890", "too much", "more"];
        let keys: Vec<PageKey> = pages
            .iter()
            .map(|page| store.put(Bytes::from_static(page.as_bytes())).unwrap())
            .collect();
        assert_eq!(store.memory_size(), 10);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
        for (key, page) in keys.iter().zip(pages).rev() {
            assert_eq!(store.take(*key).unwrap(), page.as_bytes());
        }
    }
}
