//! A UDP socket that answers from the very address it was asked at.
//!
//! Queries are redirected to it, so each arrives at the gateway of the pod it comes from. What
//! netfilter translates back is a reply from that gateway, so the address is read with each packet
//! and set with each reply (`IP_PKTINFO` in ip(7), `IPV6_PKTINFO` in RFC 3542 section 6).

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::{
    libc,
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
        SockaddrStorage, bind, cmsg_space, recvmsg, sendmsg, setsockopt, socket,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo, Ipv6V6Only},
    },
};
use tokio::{io::Interest, net::UdpSocket};

/// The longest query that is looked at, in bytes; a name of full length with room for options.
const MAX_QUERY: usize = 1232;
/// Room for the one control message that comes with a packet.
const CONTROL: usize = cmsg_space::<libc::in6_pktinfo>();

/// A bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    socket: UdpSocket,
    v6: bool,
}

/// Where an answer goes, and from where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    to: SocketAddr,
    from: Option<At>,
}

/// The node's address that was asked, as the kernel gave it.
#[derive(Clone, Copy, Debug)]
enum At {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl Asker {
    /// The device's address; an IPv4 one is written as such.
    pub(super) fn address(&self) -> IpAddr {
        self.to.ip().to_canonical()
    }
}

impl Socket {
    /// Binds; on `[::]` both families are served.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let v6 = address.is_ipv6();
        let family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(family, SockType::Datagram, flags, None)?;
        if v6 {
            // Whatever the host's `bindv6only` says.
            setsockopt(&socket, Ipv6V6Only, &false)?;
            setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
        } else {
            setsockopt(&socket, Ipv4PacketInfo, &true)?;
        }
        bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, v6 })
    }

    /// Where it is bound.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for the next packet. None: it was too long for a query, or from no address.
    pub(super) async fn receive(&self, buffer: &mut Vec<u8>) -> io::Result<Option<Asker>> {
        buffer.resize(MAX_QUERY, 0);
        let (length, asker) = self
            .socket
            .async_io(Interest::READABLE, || {
                let (mut control, mut parts) = ([0; CONTROL], [IoSliceMut::new(buffer)]);
                let fd = self.socket.as_raw_fd();
                let flags = MsgFlags::MSG_DONTWAIT;
                let got = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut control), flags)?;
                let from = got.cmsgs()?.find_map(|it| match it {
                    ControlMessageOwned::Ipv4PacketInfo(info) => Some(At::V4(info)),
                    ControlMessageOwned::Ipv6PacketInfo(info) => Some(At::V6(info)),
                    _ => None,
                });
                let whole = !got.flags.contains(MsgFlags::MSG_TRUNC);
                let to = got.address.as_ref().and_then(plain).filter(|_| whole);
                Ok((got.bytes, to.map(|to| Asker { to, from })))
            })
            .await?;
        buffer.truncate(length);
        Ok(asker)
    }

    /// Sends an answer. When the device is gone or the queue is full, the answer is lost, as it
    /// may be anywhere on its way.
    pub(super) async fn send(&self, answer: &[u8], asker: Asker) -> io::Result<()> {
        let to = SockaddrStorage::from(asker.to);
        // The address, and not the source the kernel would pick.
        let from = asker.from.map(|at| match at {
            At::V4(info) => {
                // `ipi_addr` is where it was sent to; replies leave from `ipi_spec_dst`.
                At::V4(libc::in_pktinfo { ipi_spec_dst: info.ipi_addr, ..info })
            }
            at @ At::V6(_) => at,
        });
        let control: Vec<ControlMessage<'_>> = match &from {
            Some(At::V4(info)) if !self.v6 => vec![ControlMessage::Ipv4PacketInfo(info)],
            Some(At::V6(info)) if self.v6 => vec![ControlMessage::Ipv6PacketInfo(info)],
            _ => Vec::new(),
        };
        let send = || {
            let (fd, parts) = (self.socket.as_raw_fd(), [IoSlice::new(answer)]);
            sendmsg(fd, &parts, &control, MsgFlags::MSG_DONTWAIT, Some(&to))?;
            Ok(())
        };
        self.socket.async_io(Interest::WRITABLE, send).await
    }
}

fn plain(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|it| SocketAddr::V4((*it).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| SocketAddr::V6((*it).into())))
}
