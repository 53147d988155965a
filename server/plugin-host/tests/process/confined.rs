//! Native stubs in the place of the plugin host's process and of the one that compiles: what a plugin
//! could do that broke out of wasmtime, or took over Cranelift.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use myrelay_plugin_host::{User, confine, confine_compiler};

/// Says what came of an attempt.
fn tried<T>(what: &str, done: io::Result<T>) -> String {
    match done {
        Ok(_) => format!("{what}: it can"),
        Err(error) => format!("{what}: {}", error.raw_os_error().unwrap_or_default()),
    }
}

/// Memory of no file that can be written, so many bytes of it, `how` as mmap(2) has its flags.
fn mapped(bytes: usize, how: libc::c_int) -> io::Result<()> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let how = how | libc::MAP_ANONYMOUS;
    #[expect(unsafe_code, reason = "no library has a safe name for mmap")]
    // SAFETY: it is new memory that nothing points to.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, how, -1, 0) };
    if place == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Says in whose place the stub is meant to run.
const STUB: &str = "MYRELAY_TEST_STUB";
const HOST: &str = "host";
const COMPILER: &str = "compiler";

/// What a compilation may take, in seconds and bytes.
const CPU: u64 = 60;
const MEMORY: u64 = 2 << 30;

/// Another user, where whoever runs the tests can become one.
fn another() -> Option<User> {
    let root = rustix::process::geteuid().is_root();
    root.then_some(User { uid: 65_534, gid: 65_534 })
}

/// The stub: the tests below run it in a process of its own, with a socket as standard input.
/// Anywhere else it would confine the tests themselves, and does nothing.
#[test]
fn stub() {
    let Ok(who) = std::env::var(STUB) else { return };
    // Where it is to look, before it may not read any more.
    let mut place = [0; 512];
    let length = rustix::io::read(io::stdin(), &mut place).unwrap();
    let place = String::from_utf8_lossy(&place[..length]).into_owned();
    let [folder, port] = place.split('\n').collect::<Vec<_>>()[..] else { panic!("{place}") };
    let user = another();
    let confined = if who == HOST { confine(user) } else { confine_compiler(user, CPU, MEMORY) };
    confined.unwrap();
    let mut lines = tries(Path::new(folder), port);
    if who == COMPILER {
        lines.push(tried("a thread", std::thread::Builder::new().spawn(|| {})));
        lines.push(tried("a descriptor", rustix::io::dup(io::stdin()).map_err(Into::into)));
    }
    // More than the process may have, though nobody writes to it; and less.
    lines.push(tried("memory", mapped(8 << 30, libc::MAP_PRIVATE)));
    lines.push(tried("some memory", mapped(1 << 30, libc::MAP_PRIVATE)));
    let uid = rustix::process::geteuid().as_raw();
    lines.push(format!("user: {}", user.is_none_or(|it| it.uid == uid)));
    let said = lines.join("\n");
    let mut left = said.as_bytes();
    while !left.is_empty() {
        left = &left[rustix::io::write(io::stdin(), left).unwrap()..];
    }
}

/// What neither may do.
#[expect(clippy::disallowed_methods, reason = "it tries to start a program")]
fn tries(folder: &Path, port: &str) -> Vec<String> {
    vec![
        tried("the database", File::open(folder.join("myrelay.db"))),
        tried(
            "the database for writing",
            OpenOptions::new().write(true).open(folder.join("myrelay.db")),
        ),
        tried("the key", fs::read(folder.join("vault.key"))),
        tried("a file that all may read", fs::read("/etc/passwd")),
        tried("a new file", File::create(folder.join("new"))),
        tried("the folder", fs::read_dir(folder).map(drop)),
        tried("a file's size", fs::metadata(folder.join("myrelay.db"))),
        tried("a file's end", fs::remove_file(folder.join("myrelay.db"))),
        tried("TCP", TcpStream::connect(format!("127.0.0.1:{port}"))),
        tried("listening", TcpListener::bind("127.0.0.1:0")),
        tried("UDP", UdpSocket::bind("127.0.0.1:0")),
        tried("a Unix socket", UnixStream::connect(folder.join("socket"))),
        tried("a Unix datagram", UnixDatagram::unbound()),
        tried("a program", Command::new("/bin/true").spawn()),
        tried(
            "the parent",
            rustix::process::kill_process(
                rustix::process::getppid().unwrap_or(rustix::process::Pid::INIT),
                rustix::process::Signal::CONT,
            )
            .map_err(Into::into),
        ),
        tried(
            "being root",
            rustix::thread::set_thread_uid(rustix::process::Uid::ROOT).map_err(Into::into),
        ),
        tried("shared memory", mapped(1 << 20, libc::MAP_SHARED)),
    ]
}

/// Runs a stub in this place, which is refused so many things.
#[expect(clippy::disallowed_methods, reason = "the stub is a process")]
fn is_refused(who: &str, refused: usize) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["myrelay.db", "vault.key"] {
        fs::write(folder.path().join(file), "secret").unwrap();
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let _unix = UnixListener::bind(folder.path().join("socket")).unwrap();
    let (mut ours, its) = UnixStream::pair().unwrap();
    let place = format!("{}\n{}", folder.path().display(), tcp.local_addr().unwrap().port());
    ours.write_all(place.as_bytes()).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["confined::stub", "--exact", "--nocapture", "--test-threads=1"]).env(STUB, who);
    let mut child = command
        .stdin(Stdio::from(OwnedFd::from(its)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(command);
    let mut said = String::new();
    ours.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let [tries @ .., memory, some, user] = &lines[..] else { panic!("the stub said nothing") };
    assert_eq!(tries.len(), refused, "{said}");
    assert_eq!([*memory, *some], ["memory: 12", "some memory: it can"], "ENOMEM");
    // EPERM each: the kernel did not even look.
    assert!(tries.iter().all(|it| it.ends_with(": 1")), "{said}");
    assert_eq!(*user, "user: true");
    assert!(folder.path().join("myrelay.db").exists() && !folder.path().join("new").exists());
}

#[test]
fn a_native_stub_in_the_hosts_place_opens_neither_the_database_nor_a_connection() {
    is_refused(HOST, 17);
}

#[test]
fn a_native_stub_in_the_compilers_place_opens_neither_a_file_nor_a_connection() {
    is_refused(COMPILER, 19);
}

/// What the kernel says of a process once it runs with a filter of system calls.
fn narrowed(id: u32) -> String {
    let begin = Instant::now();
    loop {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        if status.contains("Seccomp:\t2") {
            return status;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{status}");
        std::thread::yield_now();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is about a process")]
fn the_program_that_compiles_gives_everything_up_before_it_is_sent_a_byte() {
    let user = another();
    let mut command = Command::new(env!("CARGO_BIN_EXE_myrelay-plugin-compile"));
    command.args([CPU.to_string(), MEMORY.to_string()]);
    command.args(user.iter().flat_map(|it| [it.uid.to_string(), it.gid.to_string()]));
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = narrowed(child.id());
    for sure in [
        "NoNewPrivs:\t1",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "Threads:\t1",
    ] {
        assert!(status.contains(sure), "{sure}: {status}");
    }
    let uid = user.map_or(rustix::process::geteuid().as_raw(), |it| it.uid);
    assert!(status.contains(&format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}")), "{status}");
    let component = wat::parse_str("(component)").unwrap();
    child.stdin.take().unwrap().write_all(&component).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success() && !done.stdout.is_empty(), "{:?}", done.status);
}
