//! Column chunks too large to be held are kept in files without names until they are written.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hygge_core::fault::Fault;
use parquet::column::page_store::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result};

/// Where what is not held goes.
#[derive(Clone, Debug)]
pub(crate) struct Spill {
    /// The folder of such files.
    pub(crate) folder: PathBuf,
    /// Bytes of a chunk that are held at most.
    pub(crate) most_held: u64,
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
        let spill = self.clone();
        Ok(Box::new(Pages { spill, pages: Vec::new(), held: 0, spilled: None, end: 0 }))
    }
}

/// The encoded pages of one chunk.
#[derive(Debug)]
struct Pages {
    spill: Spill,
    pages: Vec<Page>,
    held: usize,
    spilled: Option<File>,
    /// How far the file is filled.
    end: u64,
}

#[derive(Debug)]
enum Page {
    Held(Bytes),
    Spilled { offset: u64, length: usize },
}

impl PageStore for Pages {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        let key = PageKey::new(self.pages.len() as u64);
        let held = self.held + page.len();
        if self.spilled.is_none() && held as u64 <= self.spill.most_held {
            self.held = held;
            self.pages.push(Page::Held(page));
            return Ok(key);
        }
        let mut file = match self.spilled.take() {
            Some(file) => file,
            None => self.spill.file().map_err(|fault| ParquetError::External(Box::new(fault)))?,
        };
        file.write_all(&page)?;
        self.spilled = Some(file);
        self.pages.push(Page::Spilled { offset: self.end, length: page.len() });
        self.end += page.len() as u64;
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let gone = || ParquetError::General("an encoded page is gone".to_owned());
        let at = usize::try_from(key.get())?;
        let page = self.pages.get_mut(at).ok_or_else(gone)?;
        match std::mem::replace(page, Page::Held(Bytes::new())) {
            Page::Held(page) => {
                self.held = self.held.saturating_sub(page.len());
                Ok(page)
            }
            Page::Spilled { offset, length } => {
                let mut page = vec![0; length];
                self.spilled.as_ref().ok_or_else(gone)?.read_exact_at(&mut page, offset)?;
                Ok(page.into())
            }
        }
    }

    fn memory_size(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_wherever_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill { folder: folder.path().to_owned(), most_held: 10 };
        let mut store = Pages { spill, pages: Vec::new(), held: 0, spilled: None, end: 0 };
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
        assert_eq!(store.memory_size(), 0);
    }
}
