//! What a thread cannot do any more once it is narrowed, and what it still can.

use std::{
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::{net::UnixStream, process::CommandExt},
    thread,
};

use myrelay_agent::privileges::{self, Privileges};
use rustix::net::{AddressFamily, RawProtocol, SocketType, netlink, socket};

use crate::world::command;

/// The kernel's own ciphers (linux/socket.h).
const AF_ALG: u16 = 38;

/// Does something in a thread of its own after that gave up what an agent gives up.
fn narrowed<R: Send + 'static>(act: impl FnOnce(Privileges) -> R + Send + 'static) -> R {
    thread::spawn(|| act(privileges::narrow().unwrap())).join().unwrap()
}

/// Asks the kernel directly, with nothing to work on.
#[expect(unsafe_code, reason = "libraries have no names for what nobody should call")]
fn ask(call: libc::c_long, arguments: [libc::c_ulong; 3]) -> Option<i32> {
    let [one, two, three] = arguments;
    // SAFETY: every call of this file is refused, or fails, before it reads memory.
    let answer = unsafe { libc::syscall(call, one, two, three, 0, 0, 0) };
    if answer == -1 { io::Error::last_os_error().raw_os_error() } else { None }
}

#[test]
fn p23_a_narrowed_thread_starts_nothing() {
    narrowed(|_| {
        // Would end the test with a failure if it worked.
        let error = command("false", &[]).exec();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM), "it becomes no other program");
        let error = command("true", &[]).spawn().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM), "it starts no other program");
    });
}

#[test]
fn p23_a_narrowed_thread_lets_nobody_in() {
    let bound = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    narrowed(move |_| {
        let listening = rustix::net::listen(&bound, 1).unwrap_err();
        assert_eq!(listening, rustix::io::Errno::PERM);
        let error = TcpListener::bind("127.0.0.1:0").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    });
}

#[test]
fn p23_a_narrowed_thread_makes_no_packets_by_hand() {
    narrowed(|_| {
        let kinds = [
            (AddressFamily::PACKET, SocketType::RAW),
            (AddressFamily::PACKET, SocketType::DGRAM),
            (AddressFamily::INET, SocketType::RAW),
            (AddressFamily::INET6, SocketType::RAW),
            // These need no right elsewhere: it is the filter that refuses them.
            (AddressFamily::VSOCK, SocketType::STREAM),
            (AddressFamily::from_raw(AF_ALG), SocketType::SEQPACKET),
            (AddressFamily::UNIX, SocketType::RAW),
        ];
        for (family, kind) in kinds {
            let raw = RawProtocol::new(1).map(rustix::net::Protocol::from_raw);
            let made = socket(family, kind, raw).map(drop);
            assert_eq!(made, Err(rustix::io::Errno::PERM), "{family:?} {kind:?}");
        }
    });
}

#[test]
fn p23_a_narrowed_thread_has_no_calls_that_it_has_no_use_for() {
    let trace_me = [0; 3];
    let map = [libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC].map(i32::cast_unsigned);
    let map = [0, 4096, map[0].into()];
    let run = [0, 0, libc::PROT_EXEC.cast_unsigned().into()];
    let mut calls = vec![
        ("ptrace", libc::SYS_ptrace, trace_me),
        ("process_vm_readv", libc::SYS_process_vm_readv, [0; 3]),
        ("process_vm_writev", libc::SYS_process_vm_writev, [0; 3]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, [0; 3]),
        ("io_uring_setup", libc::SYS_io_uring_setup, [0; 3]),
        ("io_uring_enter", libc::SYS_io_uring_enter, [u64::MAX, 0, 0]),
        ("keyctl", libc::SYS_keyctl, [0; 3]),
        ("add_key", libc::SYS_add_key, [0; 3]),
        ("bpf", libc::SYS_bpf, [u64::MAX, 0, 0]),
        ("userfaultfd", libc::SYS_userfaultfd, [u64::MAX, 0, 0]),
        ("perf_event_open", libc::SYS_perf_event_open, [0; 3]),
        ("personality", libc::SYS_personality, [u32::MAX.into(), 0, 0]),
        ("unshare", libc::SYS_unshare, [0; 3]),
        ("setns", libc::SYS_setns, [u64::MAX, 0, 0]),
        ("mount", libc::SYS_mount, [0; 3]),
        ("umount2", libc::SYS_umount2, [0; 3]),
        ("pivot_root", libc::SYS_pivot_root, [0; 3]),
        ("chroot", libc::SYS_chroot, [0; 3]),
        ("fsopen", libc::SYS_fsopen, [0; 3]),
        ("open_tree", libc::SYS_open_tree, [u64::MAX, 0, 0]),
        ("init_module", libc::SYS_init_module, [0; 3]),
        ("finit_module", libc::SYS_finit_module, [u64::MAX, 0, 0]),
        ("setresuid", libc::SYS_setresuid, [u64::MAX; 3]),
        ("setgroups", libc::SYS_setgroups, [0; 3]),
        ("capset", libc::SYS_capset, [0; 3]),
        ("execve", libc::SYS_execve, [0; 3]),
        ("execveat", libc::SYS_execveat, [0; 3]),
        ("accept4", libc::SYS_accept4, [u64::MAX, 0, 0]),
        ("mmap of memory to write and run", libc::SYS_mmap, map),
        ("mprotect of memory to run", libc::SYS_mprotect, run),
        ("clone of a process", libc::SYS_clone, [libc::SIGCHLD.cast_unsigned().into(), 0, 0]),
        (
            "clone into a namespace",
            libc::SYS_clone,
            [(libc::CLONE_THREAD | libc::CLONE_NEWUSER).cast_unsigned().into(), 0, 0],
        ),
    ];
    if cfg!(target_arch = "x86_64") {
        // The same by its second number, and what only this machine has.
        calls.push(("execve of x32", 0x4000_0000 | 520, [0; 3]));
        calls.push(("listen of x32", 0x4000_0000 | 50, [0; 3]));
    }
    // Root keeps all its capabilities here, and would be told that zero is wrong: it is the filter
    // that answers EPERM.
    let asking = thread::spawn(move || {
        privileges::refuse_calls().unwrap();
        for (name, call, arguments) in calls {
            assert_eq!(ask(call, arguments), Some(libc::EPERM), "{name}");
        }
        assert_eq!(ask(libc::SYS_clone3, [0; 3]), Some(libc::ENOSYS), "asks for clone instead");
    });
    asking.join().unwrap();
}

#[test]
fn a_narrowed_thread_does_what_an_agent_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    narrowed(move |_| {
        TcpStream::connect(address).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", address).unwrap();
        UnixStream::pair().unwrap();
        // The first is that of links and routes (NETLINK_ROUTE is 0).
        for protocol in [None, Some(netlink::GENERIC), Some(netlink::NETFILTER)] {
            socket(AddressFamily::NETLINK, SocketType::RAW, protocol).unwrap();
        }
        let inherited = thread::spawn(|| privileges::current().unwrap()).join().unwrap();
        assert_eq!(inherited, privileges::current().unwrap());
        assert!(inherited.filtered);
        // A second time changes nothing, and is no error.
        assert_eq!(privileges::narrow().unwrap(), inherited);
    });
}

#[test]
fn p23_who_has_all_capabilities_keeps_one() {
    let before = privileges::current().unwrap();
    let after = narrowed(|privileges| privileges);
    assert_eq!(after.user, before.user);
    assert_eq!(after.net_admin, before.net_admin, "what is not there is not given");
    assert_eq!(after.require_net_admin().is_ok(), after.net_admin);
    assert!(after.filtered);
    if before.user == 0 {
        assert!(after.nothing_else, "root may take them out of the bounding set");
    }
}
