//! How soon a lane runs when its socket has news.
//!
//! Linux lets a thread that runs finish its slice (1.5 ms on two cores) before another one that has woken up gets its turn, and a
//! busy Python thread runs all the time: that wait would be in every time a lane takes. A thread that asks for short slices is let
//! in at once. It gets no more of the processor than before, only sooner, so no privilege is needed for it.

/// Asks the kernel for short slices for the calling thread. What cannot be had is done without.
#[cfg(target_os = "linux")]
pub(super) fn prefer_soon() {
    /// The shortest that there is.
    const SLICE_NS: u64 = 100_000;
    // SAFETY: the kernel reads `size` bytes from the pointer, which is to a live value of that size that holds numbers only.
    #[expect(unsafe_code, reason = "there is no safe wrapper of this system call")]
    unsafe {
        let mut attributes: libc::sched_attr = std::mem::zeroed();
        attributes.size = size_of::<libc::sched_attr>() as u32;
        attributes.sched_policy = libc::SCHED_OTHER as u32;
        // For an ordinary thread this is its slice, since Linux 6.12; before, it is ignored.
        attributes.sched_runtime = SLICE_NS;
        attributes.sched_nice = libc::getpriority(libc::PRIO_PROCESS, 0);
        let this_thread = 0;
        let no_flags = 0;
        libc::syscall(libc::SYS_sched_setattr, this_thread, &raw const attributes, no_flags);
    }
}

/// Elsewhere there is no such wish.
#[cfg(not(target_os = "linux"))]
pub(super) fn prefer_soon() {}
