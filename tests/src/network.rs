//! A small internet in namespaces: a node and a client on one wire, and a server beyond them.
//!
//! ```text
//!   this host .1 ──┐
//!   node      .2 ──┼── wan: a bridge with .4, and behind it a server
//!   client    .3 ──┤
//!   second    .5 ──┘   a second node, where a test asks for one
//! ```
//!
//! The wire's IPv4 addresses are of the range for benchmarks (RFC 2544), the server's of one for
//! documentation (RFC 5737), and so are all IPv6 ones (RFC 3849). Nothing leaves the machine.

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsFd,
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::process::Command;

use crate::program::{run, run_line};

/// The namespaces of one test. They are removed when this is dropped.
#[derive(Debug)]
pub struct Network {
    name: String,
    number: u8,
}

/// One end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Host,
    Node,
    Client,
    Wan,
    Second,
}

impl End {
    fn number(self) -> u8 {
        match self {
            Self::Host => 1,
            Self::Node => 2,
            Self::Client => 3,
            Self::Wan => 4,
            Self::Second => 5,
        }
    }
}

impl Network {
    /// Makes the namespaces `<name>-wan`, `<name>-node` and `<name>-client`; what an earlier run
    /// left behind under these names goes first. The number sets the addresses apart.
    pub async fn make(name: &str, number: u8) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("network namespaces need root: run this again with `sudo -E`");
        }
        let network = Self { name: name.to_owned(), number };
        network.remove();
        for end in [End::Wan, End::Node, End::Client] {
            run_line(&format!("ip netns add {}", network.namespace(end))).await?;
            network.inside(end, "ip link set lo up").await?;
        }
        network.inside(End::Wan, "ip link add br0 type bridge").await?;
        network.inside(End::Wan, "ip link set br0 up").await?;
        network.address(End::Wan, "br0").await?;
        for address in network.server() {
            let line = format!("ip address add {address} dev lo");
            network.inside(End::Wan, &line).await?;
        }
        for end in [End::Host, End::Node, End::Client] {
            network.attach(end).await?;
        }
        // The client has no way to the server but a tunnel.
        network.route_beyond(End::Node).await?;
        Ok(network)
    }

    /// Makes a second node's namespace, `<name>-second`, like the first's.
    pub async fn add_second(&self) -> Result<()> {
        run_line(&format!("ip netns add {}", self.namespace(End::Second))).await?;
        self.inside(End::Second, "ip link set lo up").await?;
        self.attach(End::Second).await?;
        self.route_beyond(End::Second).await
    }

    /// Puts an end on the wire.
    async fn attach(&self, end: End) -> Result<()> {
        let (wan, port) = (self.namespace(End::Wan), Self::port(end));
        // Made where it belongs, so that the host's own links are touched as little as can be.
        let (place, interface) = match end {
            End::Host => (String::new(), self.host_interface()),
            end => (format!("-n {} ", self.namespace(end)), "eth0".to_owned()),
        };
        run_line(&format!("ip {place}link add {interface} type veth peer name {port} netns {wan}"))
            .await?;
        self.inside(End::Wan, &format!("ip link set {port} master br0 up")).await?;
        self.address(end, &interface).await?;
        run_line(&format!("ip {place}link set {interface} up")).await?;
        Ok(())
    }

    /// Gives a node its way to the server.
    async fn route_beyond(&self, end: End) -> Result<()> {
        for gateway in self.addresses(End::Wan) {
            self.inside(end, &format!("ip route add default via {gateway}")).await?;
        }
        Ok(())
    }

    /// The bridge's port to an end.
    pub fn port(end: End) -> String {
        format!("port{}", end.number())
    }

    /// The name of a namespace, as `ip netns` knows it.
    pub fn namespace(&self, end: End) -> String {
        let end = match end {
            End::Host => "host",
            End::Node => "node",
            End::Client => "client",
            End::Wan => "wan",
            End::Second => "second",
        };
        format!("{}-{end}", self.name)
    }

    /// An end's IPv4 address.
    pub fn v4(&self, end: End) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, end.number())
    }

    /// An end's IPv6 address.
    pub fn v6(&self, end: End) -> Ipv6Addr {
        Ipv6Addr::new(0x2001, 0xdb8, self.number.into(), 0, 0, 0, 0, end.number().into())
    }

    /// Both of an end's addresses.
    pub fn addresses(&self, end: End) -> [IpAddr; 2] {
        [self.v4(end).into(), self.v6(end).into()]
    }

    /// The addresses of the server beyond the wire: a client reaches them only through a tunnel.
    pub fn server(&self) -> [IpAddr; 2] {
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, self.number.into(), 0, 0, 0, 1);
        [Ipv4Addr::new(203, 0, 113, self.number).into(), v6.into()]
    }

    /// A name for the client's interface: unlike the namespaces, userspace WireGuard's sockets
    /// share one folder.
    pub fn client_interface(&self) -> String {
        format!("{}c", self.name)
    }

    fn host_interface(&self) -> String {
        format!("{}h", self.name)
    }

    /// A command that runs a program inside an end's namespace.
    pub fn command(&self, end: End, program: &str) -> Command {
        if end == End::Host {
            return Command::new(program);
        }
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(end), program]);
        command
    }

    /// Runs a line of words inside an end's namespace.
    pub async fn inside(&self, end: End, line: &str) -> Result<String> {
        let mut words = line.split_whitespace();
        let mut command = self.command(end, words.next().context("an empty line")?);
        command.args(words);
        run(command).await
    }

    async fn address(&self, end: End, interface: &str) -> Result<()> {
        let (v4, v6) = (self.v4(end), self.v6(end));
        self.inside(end, &format!("ip address add {v4}/24 dev {interface}")).await?;
        // No duplicate address detection: the addresses are ours, and the test would wait for it.
        self.inside(end, &format!("ip address add {v6}/64 dev {interface} nodad")).await?;
        Ok(())
    }

    /// Runs a closure on a thread inside an end's namespace: sockets made there stay there.
    pub fn within<T: Send + 'static>(
        &self,
        end: End,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = PathBuf::from("/run/netns").join(self.namespace(end));
        let thread = std::thread::spawn(move || {
            if end != End::Host {
                let namespace = File::open(path)?;
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            }
            work()
        });
        let done = thread.join().map_err(|_panic| anyhow::anyhow!("it panicked"))?;
        Ok(done?)
    }

    /// A TCP listener at an end, on a port of the system's choice.
    pub fn listen(&self, end: End, address: IpAddr) -> Result<tokio::net::TcpListener> {
        let listener = self.within(end, move || {
            let listener = std::net::TcpListener::bind(SocketAddr::new(address, 0))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })?;
        Ok(tokio::net::TcpListener::from_std(listener)?)
    }

    /// Removes what can be removed.
    fn remove(&self) {
        let mut lines = vec![format!("ip link delete {}", self.host_interface())];
        for end in [End::Wan, End::Node, End::Client, End::Second] {
            lines.push(format!("ip netns delete {}", self.namespace(end)));
        }
        for line in lines {
            let mut words = line.split_whitespace();
            let Some(program) = words.next() else { continue };
            #[expect(clippy::disallowed_methods, reason = "removes the test's own namespaces")]
            let mut command = std::process::Command::new(program);
            // What is not there cannot be removed.
            let _status = command
                .args(words)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status();
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.remove();
    }
}
