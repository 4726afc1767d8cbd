//! Memory for chunks that wait to be written: slabs of one size, used again by the chunks behind.
//!
//! Chunks are made by one thread and let go by another, and are of many sizes. The process's heaps
//! would keep what each of them once held, and grow with the time that a load takes.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use hygge_core::heap;

/// Bytes of a slab. Smaller chunks are left to the heap.
const SLAB: usize = 256 << 10;

/// The slabs of a load that nobody uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Slabs(Mutex<Free>);

#[derive(Debug, Default)]
struct Free {
    slabs: Vec<BytesMut>,
    /// What more are cut from: so large that it is not the heap's. What of it was never written to
    /// takes no memory.
    block: BytesMut,
}

/// Bytes in slabs, in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Stack {
    slabs: Arc<Slabs>,
    /// All but the last one are full.
    filled: Vec<BytesMut>,
    length: u64,
}

/// Reads a [`Stack`].
#[derive(Debug)]
pub(crate) struct StackReader {
    stack: Arc<Stack>,
    at: u64,
}

impl Slabs {
    /// An empty stack. What it comes to hold is given back when it is dropped.
    pub(crate) fn stack(self: &Arc<Self>) -> Stack {
        Stack { slabs: Arc::clone(self), filled: Vec::new(), length: 0 }
    }

    fn take(&self) -> BytesMut {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slab) = free.slabs.pop() {
            return slab;
        }
        if free.block.capacity() < SLAB {
            free.block = BytesMut::with_capacity(heap::LARGE);
        }
        let rest = free.block.split_off(SLAB);
        std::mem::replace(&mut free.block, rest)
    }

    fn give_back(&self, filled: &mut Vec<BytesMut>) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The first slab of what stayed small never grew to one.
        for mut slab in filled.drain(..).filter(|slab| slab.capacity() == SLAB) {
            slab.clear();
            free.slabs.push(slab);
        }
    }
}

impl Stack {
    /// How many bytes it holds.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Fills `buffer` with the bytes from `offset` on, as far as there are any; how many.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let Ok(mut at) = usize::try_from(offset) else { return 0 };
        let mut done = 0;
        while done < buffer.len() {
            let slab = self.filled.get(at / SLAB).and_then(|slab| slab.get(at % SLAB..));
            let Some(bytes) = slab.filter(|bytes| !bytes.is_empty()) else { break };
            let count = bytes.len().min(buffer.len() - done);
            buffer[done..done + count].copy_from_slice(&bytes[..count]);
            done += count;
            at += count;
        }
        done
    }

    /// Reads it from `offset` on.
    pub(crate) fn reader(self: &Arc<Self>, offset: u64) -> StackReader {
        StackReader { stack: Arc::clone(self), at: offset }
    }

    /// Where there is room for more bytes.
    fn room(&mut self, wanted: usize) -> Option<&mut BytesMut> {
        match self.filled.last() {
            None if wanted >= SLAB => self.filled.push(self.slabs.take()),
            None => self.filled.push(BytesMut::new()),
            Some(last) if last.len() == SLAB => self.filled.push(self.slabs.take()),
            // The first grew out of what the heap is for.
            Some(last) if last.capacity() < SLAB && last.len() + wanted >= SLAB => {
                let mut slab = self.slabs.take();
                slab.extend_from_slice(last);
                self.filled.pop();
                self.filled.push(slab);
            }
            Some(_) => {}
        }
        self.filled.last_mut()
    }
}

impl Write for Stack {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(slab) = self.room(bytes.len()) else { return Ok(0) };
        let count = bytes.len().min(SLAB - slab.len());
        slab.extend_from_slice(&bytes[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.slabs.give_back(&mut self.filled);
    }
}

impl Read for StackReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stack.read_at(buffer, self.at);
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn what_was_written_in_pieces_is_read_from_anywhere() {
        for piece in [1_000, SLAB / 3, SLAB, 3 * SLAB + 7] {
            let slabs = Arc::new(Slabs::default());
            let all = bytes(4 * SLAB + 12_345);
            let mut stack = slabs.stack();
            for part in all.chunks(piece) {
                stack.write_all(part).unwrap();
            }
            assert_eq!(stack.len(), all.len() as u64);
            let stack = Arc::new(stack);
            for from in [0, 1, SLAB - 1, SLAB, 2 * SLAB + 5, all.len() - 1, all.len()] {
                let mut read = Vec::new();
                stack.reader(from as u64).read_to_end(&mut read).unwrap();
                assert!(read == all[from..], "from {from} in pieces of {piece}");
            }
            assert_eq!(stack.read_at(&mut [0; 8], u64::MAX), 0);
        }
    }

    #[test]
    fn slabs_are_used_again_and_small_chunks_need_none() {
        let slabs = Arc::new(Slabs::default());
        let mut small = slabs.stack();
        small.write_all(&bytes(1_000)).unwrap();
        assert_eq!((small.filled.len(), small.filled[0].capacity() < SLAB), (1, true));
        drop(small);
        assert_eq!(slabs.0.lock().unwrap().slabs.len(), 0);
        for _ in 0..3 {
            let mut large = slabs.stack();
            large.write_all(&bytes(3 * SLAB)).unwrap();
            drop(large);
            assert_eq!(slabs.0.lock().unwrap().slabs.len(), 3);
        }
    }
}
