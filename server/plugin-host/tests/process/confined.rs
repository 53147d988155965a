//! A native stub in the place of the plugin host's process: what a plugin could do that broke out of
//! wasmtime.

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
};

use myrelay_plugin_host::{User, confine};

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

/// Says that the stub is meant to run.
const STUB: &str = "MYRELAY_TEST_STUB";

/// The stub: the test below runs it in a process of its own, with a socket as standard input.
/// Anywhere else it would confine the tests themselves, and does nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "it tries to start a program")]
fn stub() {
    if std::env::var_os(STUB).is_none() {
        return;
    }
    let mut said = String::new();
    let mut socket = UnixStream::from(rustix::io::dup(io::stdin()).unwrap());
    // Where it is to look, before it may not read any more.
    let mut place = [0; 512];
    let length = socket.read(&mut place).unwrap();
    let place = String::from_utf8_lossy(&place[..length]).into_owned();
    let [folder, port] = place.split('\n').collect::<Vec<_>>()[..] else { panic!("{place}") };
    let folder = Path::new(folder);
    let root = rustix::process::geteuid().is_root();
    drop(socket);
    confine(root.then_some(User { uid: 65_534, gid: 65_534 })).unwrap();
    let mut socket = UnixStream::from(rustix::io::dup(io::stdin()).unwrap());
    let mut add = |line: String| said.push_str(&format!("{line}\n"));
    add(tried("the database", File::open(folder.join("myrelay.db"))));
    add(tried(
        "the database for writing",
        OpenOptions::new().write(true).open(folder.join("myrelay.db")),
    ));
    add(tried("the key", fs::read(folder.join("vault.key"))));
    add(tried("a file that all may read", fs::read("/etc/passwd")));
    add(tried("a new file", File::create(folder.join("new"))));
    add(tried("the folder", fs::read_dir(folder).map(drop)));
    add(tried("a file's size", fs::metadata(folder.join("myrelay.db"))));
    add(tried("a file's end", fs::remove_file(folder.join("myrelay.db"))));
    add(tried("TCP", TcpStream::connect(format!("127.0.0.1:{port}"))));
    add(tried("listening", TcpListener::bind("127.0.0.1:0")));
    add(tried("UDP", UdpSocket::bind("127.0.0.1:0")));
    add(tried("a Unix socket", UnixStream::connect(folder.join("socket"))));
    add(tried("a Unix datagram", UnixDatagram::unbound()));
    add(tried("a program", Command::new("/bin/true").spawn()));
    add(tried(
        "the parent",
        rustix::process::kill_process(
            rustix::process::getppid().unwrap_or(rustix::process::Pid::INIT),
            rustix::process::Signal::CONT,
        )
        .map_err(Into::into),
    ));
    add(tried(
        "being root",
        rustix::thread::set_thread_uid(rustix::process::Uid::ROOT).map_err(Into::into),
    ));
    add(tried("shared memory", mapped(1 << 20, libc::MAP_SHARED)));
    // More than the process may have, though nobody writes to it; and less.
    add(tried("memory", mapped(8 << 30, libc::MAP_PRIVATE)));
    add(tried("some memory", mapped(1 << 30, libc::MAP_PRIVATE)));
    let user = rustix::process::geteuid().as_raw();
    add(format!("user: {}", if root { user == 65_534 } else { true }));
    socket.write_all(said.as_bytes()).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the stub is a process")]
fn a_native_stub_in_the_hosts_place_opens_neither_the_database_nor_a_connection() {
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
    command.args(["confined::stub", "--exact", "--nocapture", "--test-threads=1"]).env(STUB, "1");
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
    assert_eq!(tries.len(), 17, "{said}");
    assert_eq!([*memory, *some], ["memory: 12", "some memory: it can"], "ENOMEM");
    // EPERM each: the kernel did not even look.
    assert!(tries.iter().all(|it| it.ends_with(": 1")), "{said}");
    assert_eq!(*user, "user: true");
    assert!(folder.path().join("myrelay.db").exists() && !folder.path().join("new").exists());
}
