//! The system calls that an agent has no use for, refused by the kernel itself (seccomp(2)).

use std::{collections::BTreeMap, iter};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// Refused whatever they are asked.
const NEVER: &[libc::c_long] = &[
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Waiting for somebody to connect: the agent dials out.
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // What another process has in its memory, or open.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Another user, or more rights.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Another view of the machine.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // The kernel itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_personality,
    libc::SYS_vhangup,
    // The machine's clock and name.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // A second door to all of these: its requests pass no filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Those that only this machine's kind has.
#[cfg(target_arch = "x86_64")]
const NEVER_HERE: &[libc::c_long] =
    &[libc::SYS_fork, libc::SYS_vfork, libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_modify_ldt];
#[cfg(target_arch = "aarch64")]
const NEVER_HERE: &[libc::c_long] = &[];

/// The kinds of socket the agent has: to the portal and to devices, to the kernel, and pairs of
/// its own.
const FAMILIES: [libc::c_int; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_UNIX];

/// What `clone` makes besides a thread, each with a view of the machine of its own.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The low bits of a socket's type; the others are flags (`SOCK_TYPE_MASK` of linux/net.h).
const TYPE_MASK: u64 = 0xf;

/// Has the kernel refuse them to the calling thread, and to those it starts, for ever.
///
/// A refused call fails with EPERM. `clone3` fails with ENOSYS: a filter cannot see what it is
/// asked for, and whoever wants a thread then uses `clone`. Calls in the way of another kind of
/// machine, such as 32-bit ones, end the process.
pub fn refuse() -> Result<(), seccompiler::Error> {
    let mut first = second_numbers();
    first.extend(program(refused()?, libc::EPERM)?);
    apply_filter(&first)?;
    apply_filter(&program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)?)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(rules: Rules, errno: libc::c_int) -> Result<BpfProgram, BackendError> {
    let refusal = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, ARCH)?.try_into()
}

/// x86-64 has every call a second time, above this bit, which a list of numbers does not see
/// (`__X32_SYSCALL_BIT` of asm/unistd.h).
#[cfg(target_arch = "x86_64")]
fn second_numbers() -> BpfProgram {
    const SECOND_NUMBERS: u32 = 0x4000_0000;
    let step = |code: u32, jf: u8, k: u32| seccompiler::sock_filter {
        // The codes of linux/bpf_common.h are all below 256.
        code: u16::try_from(code).unwrap_or_default(),
        jt: 0,
        jf,
        k,
    };
    vec![
        // The number comes first in `struct seccomp_data` (linux/seccomp.h).
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, SECOND_NUMBERS),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned()),
    ]
}

#[cfg(target_arch = "aarch64")]
fn second_numbers() -> BpfProgram {
    BpfProgram::new()
}

fn refused() -> Result<Rules, BackendError> {
    let always = NEVER.iter().chain(NEVER_HERE).map(|call| (*call, Vec::new()));
    let mut rules: Rules = always.collect();
    rules.insert(libc::SYS_clone, processes_and_namespaces()?);
    rules.insert(libc::SYS_socket, sockets()?);
    // Memory that was written is never run.
    let run = mask(2, libc::PROT_EXEC, true)?;
    let write = mask(2, libc::PROT_WRITE, true)?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![run.clone(), write])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![run.clone()])?]);
    rules.insert(libc::SYS_pkey_mprotect, vec![SeccompRule::new(vec![run])?]);
    Ok(rules)
}

fn processes_and_namespaces() -> Result<Vec<SeccompRule>, BackendError> {
    let process = mask(0, libc::CLONE_THREAD, false);
    let namespaces = NAMESPACES.map(|it| mask(0, it, true));
    let refused = iter::once(process).chain(namespaces);
    refused.map(|it| SeccompRule::new(vec![it?])).collect()
}

fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let is_not = |family: libc::c_int| {
        let family = u64::from(family.cast_unsigned());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    // Netlink's are raw by name only: one cannot write packets with them.
    let raw = u64::from(libc::SOCK_RAW.cast_unsigned());
    let raw =
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(TYPE_MASK), raw)?;
    let other = FAMILIES.into_iter().map(is_not).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![SeccompRule::new(other)?, SeccompRule::new(vec![raw, is_not(libc::AF_NETLINK)?])?])
}

/// Whether an argument has this one bit.
fn mask(argument: u8, bit: libc::c_int, set: bool) -> Result<SeccompCondition, BackendError> {
    let bit = u64::from(bit.cast_unsigned());
    let wanted = if set { bit } else { 0 };
    let compare = SeccompCmpOp::MaskedEq(bit);
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, wanted)
}
