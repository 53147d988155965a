//! One packet each way: whether it passes, by UDP, TCP and ICMP.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::world::{Namespace, command, kernel_has_ipv6};

/// The ports at which [`Echo`] answers; the second is that of questions of names.
pub(crate) const PORT: u16 = 7007;
pub(crate) const DNS: u16 = 53;

/// Long enough for an answer on a machine that is emulated, where one must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough where none may come.
const SILENCE: Duration = Duration::from_millis(1500);

/// How a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Udp(u16),
    Tcp,
    Icmp,
}

pub(crate) const EACH: [By; 3] = [By::Udp(PORT), By::Tcp, By::Icmp];

struct Datagram {
    /// Where it seemed to come from.
    from: IpAddr,
    said: Vec<u8>,
}

/// Answers everything at [`PORT`] with what it was told, at every address, until the test's
/// process ends.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    /// What came by UDP.
    heard: Arc<Mutex<Vec<Datagram>>>,
}

impl Echo {
    pub(crate) fn start(namespace: &Namespace) -> Self {
        Self::at(namespace, PORT)
    }

    /// The same, at another port.
    pub(crate) fn at(namespace: &Namespace, port: u16) -> Self {
        let (udp, tcp) = namespace.enter(|| {
            let all = SocketAddr::new(everywhere(), port);
            (UdpSocket::bind(all).unwrap(), TcpListener::bind(all).unwrap())
        });
        let echo = Self::default();
        let heard = Arc::clone(&echo.heard);
        thread::spawn(move || {
            let mut bytes = [0; 2000];
            while let Ok((length, from)) = udp.recv_from(&mut bytes) {
                let said = bytes[..length].to_vec();
                heard.lock().unwrap().push(Datagram { from: from.ip().to_canonical(), said });
                drop(udp.send_to(&bytes[..length], from));
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut byte = [0];
                drop(stream.set_read_timeout(Some(PATIENCE)));
                if stream.read_exact(&mut byte).is_ok() {
                    drop(stream.write_all(&byte));
                }
            }
        });
        echo
    }

    /// Where datagrams with this text seemed to come from.
    pub(crate) fn heard_from(&self, text: &str) -> Vec<IpAddr> {
        let heard = self.heard.lock().unwrap();
        let with = heard.iter().filter(|it| it.said == text.as_bytes());
        with.map(|it| it.from).collect()
    }
}

/// Every address of both families, as far as the kernel has them.
fn everywhere() -> IpAddr {
    if kernel_has_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

/// Whether an answer comes; `expected` says how long to wait for one.
pub(crate) fn passes(from: &Namespace, to: IpAddr, by: By, expected: bool) -> bool {
    let limit = if expected { PATIENCE } else { SILENCE };
    from.enter(|| match by {
        By::Udp(port) => udp(SocketAddr::new(to, port), None, "probe", limit),
        By::Tcp => tcp(SocketAddr::new(to, PORT), limit).is_some(),
        By::Icmp => {
            let (to, seconds) = (to.to_string(), limit.as_secs_f32().ceil().to_string());
            let ping = command("ping", &["-c", "1", "-W", &seconds, &to]).output().unwrap();
            ping.status.success()
        }
    })
}

/// Sends a datagram from an address and waits for it to come back. One that is lost on the way
/// is sent again.
pub(crate) fn udp(to: SocketAddr, from: Option<IpAddr>, text: &str, limit: Duration) -> bool {
    let any = if to.is_ipv4() { "0.0.0.0" } else { "::" };
    let from = from.unwrap_or_else(|| any.parse().unwrap());
    let Ok(socket) = UdpSocket::bind((from, 0)) else { return false };
    let tries = 5;
    socket.set_read_timeout(Some(limit / tries)).unwrap();
    (0..tries).any(|_| {
        let mut answer = [0; 100];
        let sent = socket.connect(to).and_then(|()| socket.send(text.as_bytes()));
        let received = sent.and_then(|_| socket.recv(&mut answer));
        received.is_ok_and(|length| &answer[..length] == text.as_bytes())
    })
}

fn tcp(to: SocketAddr, limit: Duration) -> Option<()> {
    let mut stream = TcpStream::connect_timeout(&to, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(b"?").ok()?;
    stream.read_exact(&mut [0]).ok()
}
