//! The few system calls that running plugins takes, and compiling them; the kernel refuses all
//! others (seccomp(2)).

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// What a process is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Run,
    Compile,
}

/// Allowed to both whatever they are asked.
const ALWAYS: &[libc::c_long] = &[
    // What is open already.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    // Memory.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    // Its own threads and signals.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Time, chance, and what it used.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    // Who it is: libraries take it that these never fail.
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getppid,
];

/// Allowed besides where plugins run.
const TO_RUN: &[libc::c_long] = &[
    // The socket, and what threads wake each other with.
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_dup,
    libc::SYS_getsockopt,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    // The memory of modules has a file without a name.
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_pwrite64,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    // Refused by the filter before.
    libc::SYS_clone3,
];

/// Those that only this machine's kind has.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[libc::c_long] = &[libc::SYS_gettimeofday, libc::SYS_time];
#[cfg(target_arch = "aarch64")]
const ALWAYS_HERE: &[libc::c_long] = &[];

/// Those of them where plugins run.
#[cfg(target_arch = "x86_64")]
const TO_RUN_HERE: &[libc::c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll];
#[cfg(target_arch = "aarch64")]
const TO_RUN_HERE: &[libc::c_long] = &[];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Has the kernel refuse everything else to the calling thread, and to those it starts, for ever,
/// with EPERM. Where threads may be started `clone3` fails with ENOSYS: a filter cannot see what it
/// is asked for, and whoever wants a thread then uses `clone`.
pub(super) fn allow_few(work: Work) -> Result<(), seccompiler::Error> {
    let refuse = |errno: libc::c_int| SeccompAction::Errno(errno.cast_unsigned());
    let mut rules = for_both()?;
    if work == Work::Run {
        to_run(&mut rules)?;
        let clone3: Rules = [(libc::SYS_clone3, Vec::new())].into();
        let (all, none) = (SeccompAction::Allow, refuse(libc::ENOSYS));
        let clone3: BpfProgram = SeccompFilter::new(clone3, all, none, ARCH)?.try_into()?;
        // The second one takes a call that itself refuses.
        apply_filter(&clone3)?;
    }
    let (refused, allowed) = (refuse(libc::EPERM), SeccompAction::Allow);
    let few: BpfProgram = SeccompFilter::new(rules, refused, allowed, ARCH)?.try_into()?;
    apply_filter(&few)
}

/// Whatever they are asked.
fn unasked(calls: &[libc::c_long]) -> impl Iterator<Item = (i64, Vec<SeccompRule>)> {
    calls.iter().map(|call| (*call, Vec::new()))
}

fn for_both() -> Result<Rules, BackendError> {
    let mut rules: Rules = unasked(ALWAYS).chain(unasked(ALWAYS_HERE)).collect();
    let clear = |argument, bit| masked(argument, bit, 0);
    // Memory that can be written is never run; code is made unwritable first. What is shared would
    // not count as the process's own.
    let private = masked(3, libc::MAP_SHARED | libc::MAP_PRIVATE, libc::MAP_PRIVATE)?;
    let own = SeccompRule::new(vec![clear(2, libc::PROT_EXEC)?, private])?;
    rules.insert(libc::SYS_mmap, vec![own]);
    let not_run = SeccompRule::new(vec![clear(2, libc::PROT_EXEC)?])?;
    rules.insert(libc::SYS_mprotect, vec![not_run]);
    // To abort; no other process hears of it.
    let own = rustix::process::getpid().as_raw_nonzero().get();
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, own)?])?]);
    Ok(rules)
}

fn to_run(rules: &mut Rules) -> Result<(), BackendError> {
    rules.extend(unasked(TO_RUN).chain(unasked(TO_RUN_HERE)));
    // Code that was made unwritable is run.
    let unwritable = SeccompRule::new(vec![masked(2, libc::PROT_WRITE, 0)?])?;
    rules.entry(libc::SYS_mprotect).or_default().push(unwritable);
    // Threads, in this process and this view of the machine.
    let new = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    let thread = masked(0, libc::CLONE_THREAD | new, libc::CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    // A pair of its own, which the runtime has for signals.
    rules.insert(libc::SYS_socketpair, vec![SeccompRule::new(vec![is(0, libc::AF_UNIX)?])?]);
    // The name of a thread.
    rules.insert(libc::SYS_prctl, vec![SeccompRule::new(vec![is(0, libc::PR_SET_NAME)?])?]);
    Ok(())
}

fn is(argument: u8, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    let value = u64::from(value.cast_unsigned());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

/// Whether an argument has these bits so.
fn masked(
    argument: u8,
    bits: libc::c_int,
    so: libc::c_int,
) -> Result<SeccompCondition, BackendError> {
    let compare = SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned()));
    let so = u64::from(so.cast_unsigned());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, so)
}
