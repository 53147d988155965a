//! What the process of plugins, and the one that compiles them, give up before they read a byte:
//! user, capabilities, files, programs and the network, for ever.

use std::{fmt, io};

use rustix::{
    process::{
        DumpableBehavior, Gid, Resource, Rlimit, Signal, Uid, set_dumpable_behavior,
        set_parent_process_death_signal, setrlimit,
    },
    thread::{
        CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    limits::PROCESS_MEMORY,
    process::syscalls::{self, Work},
};

/// Files that may be open: the socket, what the runtime waits with, and the memory of modules.
const FILES: u64 = 4096;
/// The same where something is compiled: it has its three and opens no other.
const COMPILER_FILES: u64 = 16;

/// Another user and group, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// What a process of plugins is, after it gave up the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// Its effective user; 0 is root.
    pub uid: u32,
}

impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}, no capability, no file, no network, no program", self.uid)
    }
}

/// Gives up what running plugins does not take, for the calling thread and those it starts from
/// now on. Standard input, output and errors stay open.
///
/// # Errors
/// When the kernel does not let go of something. Whoever gets an error must not go on.
pub fn confine(user: Option<User>) -> io::Result<Confined> {
    let memory = u64::try_from(PROCESS_MEMORY).unwrap_or(u64::MAX);
    give_up(user)?;
    limit(Resource::Nofile, FILES, FILES)?;
    limit(Resource::Data, memory, memory)?;
    close_the_door(Work::Run)
}

/// Gives up what compiling does not take, in the same way; of CPU time and addresses it keeps so
/// many seconds and bytes. It cannot start a thread either.
///
/// # Errors
/// When the kernel does not let go of something. Whoever gets an error must not go on.
pub fn confine_compiler(user: Option<User>, cpu: u64, memory: u64) -> io::Result<Confined> {
    give_up(user)?;
    // One second later the kernel stops asking.
    limit(Resource::Cpu, cpu, cpu.saturating_add(1))?;
    limit(Resource::As, memory, memory)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, COMPILER_FILES, COMPILER_FILES)?;
    close_the_door(Work::Compile)
}

/// What both give up.
fn give_up(user: Option<User>) -> io::Result<()> {
    close_the_rest()?;
    // The kernel ends it first where memory is short. Where there is no /proc it does not matter.
    let _as_before = std::fs::write("/proc/self/oom_score_adj", "500");
    std::env::set_current_dir("/")?;
    limit(Resource::Core, 0, 0)?;
    drop_bounding_set()?;
    if let Some(User { uid, gid }) = user {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // After the change of the user, which takes it back.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(set_no_new_privs(true)?)
}

/// The last: afterwards nothing can be given up any more.
fn close_the_door(work: Work) -> io::Result<Confined> {
    syscalls::allow_few(work).map_err(io::Error::other)?;
    Ok(Confined { uid: rustix::process::geteuid().as_raw() })
}

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (soft, hard) = (Some(soft.min(now)), Some(hard.min(now)));
    Ok(setrlimit(resource, Rlimit { current: soft, maximum: hard })?)
}

/// Only whoever has CAP_SETPCAP may; for others the set counts when a program is started, and none
/// can be.
fn drop_bounding_set() -> io::Result<()> {
    let held = rustix::thread::capabilities(None)?;
    if !held.effective.contains(CapabilitySet::SETPCAP) {
        return Ok(());
    }
    let every = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    for one in every.take_while(|it| capability_is_in_bounding_set(*it).is_ok()) {
        remove_capability_from_bounding_set(one)?;
    }
    Ok(())
}

/// What was inherited besides the three that everybody has.
fn close_the_rest() -> io::Result<()> {
    #[expect(unsafe_code, reason = "no library has a safe name for close_range")]
    // SAFETY: the process has just begun: nothing in it owns a descriptor above the first three.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
