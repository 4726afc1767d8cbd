//! How a process that moves tables sets up the system's allocator.

/// Bytes from which an allocation is the kernel's own affair: blocks and pages of columns are
/// smaller, and are used again.
pub const LARGE: usize = 32 << 20;

/// Lets threads share as many heaps as there are cores.
///
/// By default glibc gives each thread a heap of its own, up to eight for each core, and what one
/// has freed does not serve another: with threads that come and go that is a third more memory,
/// and time in the kernel for pages that are given back and asked for again.
///
/// To be called first of all in `main`, while there is no other thread. Does nothing where the
/// allocator is another.
pub fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let cores = libc::c_int::try_from(cores).unwrap_or(libc::c_int::MAX);
        let large = LARGE as libc::c_int;
        // SAFETY: `mallopt` is called before there is any other thread, with documented
        // parameters; it has no other requirement. What it refuses stays as it was.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, cores);
            libc::mallopt(libc::M_MMAP_THRESHOLD, large);
            libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * large);
        }
    }
}
