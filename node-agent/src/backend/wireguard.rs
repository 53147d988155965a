//! The kernel's WireGuard over one generic netlink socket (linux/wireguard.h).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::StreamExt;
use genetlink::{GenetlinkError, GenetlinkHandle};
use ipnet::IpNet;
use myrelay_domain::{addresses::HostAddresses, interface::InterfaceName, keys::PublicKey};
use netlink_packet_generic::GenlMessage;
use netlink_packet_wireguard::{
    WireguardAddressFamily, WireguardAllowedIp, WireguardAllowedIpAttr, WireguardAttribute,
    WireguardCmd, WireguardDeviceFlags, WireguardMessage, WireguardPeer, WireguardPeerAttribute,
    WireguardPeerFlags,
};
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use tokio::{sync::Mutex, task::JoinSet, time::sleep};
use zeroize::Zeroize;

use super::{
    BackendError,
    links::{BETWEEN_TRIES, is_busy},
    peer_networks,
};
use crate::keys::PrivateKey;

/// Peers in one message: each takes about 120 bytes, and a nest of attributes ends at 64 KiB.
const PEERS_PER_MESSAGE: usize = 256;
/// How often a dump is tried again when something changed under it.
const DUMP_TRIES: usize = 16;

/// A peer as the kernel has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) networks: BTreeSet<IpNet>,
    /// Since 1970-01-01 UTC; zero when there was none.
    pub(super) last_handshake: Duration,
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// A WireGuard interface as the kernel has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) public_key: Option<PublicKey>,
    pub(super) port: u16,
    pub(super) peers: BTreeMap<PublicKey, Peer>,
}

/// The socket, and the task that serves it: it ends with this value.
pub(super) struct Wireguard {
    handle: GenetlinkHandle,
    /// One dump at a time, as in [`super::links::Links`].
    turn: Mutex<()>,
    _served: JoinSet<()>,
}

impl Wireguard {
    /// Opens the socket; `Unsupported` when the kernel has no WireGuard and cannot load it.
    pub(super) async fn connect() -> Result<Self, BackendError> {
        let (connection, handle, _) =
            genetlink::new_connection().map_err(BackendError::failed("open generic netlink"))?;
        let mut served = JoinSet::new();
        served.spawn(connection);
        match handle.resolve_family::<WireguardMessage>().await {
            Ok(_) => Ok(Self { handle, turn: Mutex::default(), _served: served }),
            Err(GenetlinkError::NetlinkError(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(BackendError::Unsupported("its kernel has no WireGuard".to_owned()))
            }
            Err(error) => Err(BackendError::failed("ask the kernel for WireGuard")(error)),
        }
    }

    /// Reads an interface; none when it is not there, or no WireGuard interface.
    pub(super) async fn device(
        &self,
        name: &InterfaceName,
    ) -> Result<Option<Device>, BackendError> {
        let what = format!("read {name}");
        let _turn = self.turn.lock().await;
        for _ in 0..DUMP_TRIES {
            match self.dump(name).await {
                Ok(Some(device)) => return Ok(Some(device)),
                Ok(None) => sleep(BETWEEN_TRIES).await,
                Err(error) if is_busy(&error) => sleep(BETWEEN_TRIES).await,
                Err(error) if is_not_ours(&error) => return Ok(None),
                Err(error) => return Err(BackendError::failed(what)(error)),
            }
        }
        Err(BackendError::failed(what)("it changes all the time; trying again later"))
    }

    /// Sets the private key: before any peer, or the kernel computes each peer's secret twice.
    pub(super) async fn set_key(
        &self,
        name: &InterfaceName,
        key: &PrivateKey,
    ) -> Result<(), BackendError> {
        let attributes = vec![WireguardAttribute::PrivateKey(*key.expose())];
        let set = self.set(name, attributes).await;
        set.map_err(BackendError::failed(format!("set the key of {name}")))
    }

    /// Sets the port; the raw error, because the caller knows what a taken port means.
    pub(super) async fn set_port(&self, name: &InterfaceName, port: u16) -> io::Result<()> {
        self.set(name, vec![WireguardAttribute::ListenPort(port)]).await
    }

    /// Adds peers or moves their addresses, many in a message.
    pub(super) async fn set_peers(
        &self,
        name: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        let peers = peers.iter().map(|(key, addresses)| {
            let networks = peer_networks(addresses).into_iter().map(allowed_ip).collect();
            WireguardPeer(vec![
                WireguardPeerAttribute::PublicKey(*key.as_bytes()),
                WireguardPeerAttribute::Flags(WireguardPeerFlags::ReplaceAllowedIps),
                WireguardPeerAttribute::AllowedIps(networks),
            ])
        });
        self.send_peers(name, peers.collect()).await
    }

    /// Removes peers; those that are not there stay not there.
    pub(super) async fn remove_peers(
        &self,
        name: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError> {
        let flags = WireguardPeerFlags::RemoveMe | WireguardPeerFlags::UpdateOnly;
        let peers = peers.iter().map(|key| {
            WireguardPeer(vec![
                WireguardPeerAttribute::PublicKey(*key.as_bytes()),
                WireguardPeerAttribute::Flags(flags),
            ])
        });
        self.send_peers(name, peers.collect()).await
    }

    /// Removes all peers.
    pub(super) async fn clear_peers(&self, name: &InterfaceName) -> Result<(), BackendError> {
        let none = vec![WireguardAttribute::Flags(WireguardDeviceFlags::ReplacePeers)];
        let cleared = self.set(name, none).await;
        cleared.map_err(BackendError::failed(format!("remove the peers of {name}")))
    }

    async fn send_peers(
        &self,
        name: &InterfaceName,
        peers: Vec<WireguardPeer>,
    ) -> Result<(), BackendError> {
        for batch in peers.chunks(PEERS_PER_MESSAGE) {
            let sent = self.set(name, vec![WireguardAttribute::Peers(batch.to_vec())]).await;
            sent.map_err(BackendError::failed(format!("change the peers of {name}")))?;
        }
        Ok(())
    }

    async fn set(
        &self,
        name: &InterfaceName,
        attributes: Vec<WireguardAttribute>,
    ) -> io::Result<()> {
        let mut message = request(WireguardCmd::SetDevice, name, attributes);
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let mut handle = self.handle.clone();
        let mut answers = handle.request(message).await.map_err(to_io)?;
        while let Some(answer) = answers.next().await {
            let answer = answer.map_err(|error| io::Error::other(error.to_string()))?;
            if let NetlinkPayload::Error(error) = answer.payload
                && error.code.is_some()
            {
                return Err(error.to_io());
            }
        }
        Ok(())
    }

    /// One reading; none when something changed under it.
    async fn dump(&self, name: &InterfaceName) -> io::Result<Option<Device>> {
        let mut message = request(WireguardCmd::GetDevice, name, Vec::new());
        message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut handle = self.handle.clone();
        let mut answers = handle.request(message).await.map_err(to_io)?;
        let (mut device, mut interrupted) = (Device::default(), false);
        while let Some(answer) = answers.next().await {
            let answer = answer.map_err(|error| io::Error::other(error.to_string()))?;
            interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
            match answer.payload {
                NetlinkPayload::InnerMessage(message) => device.take(message.payload.attributes),
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                _ => {}
            }
        }
        Ok((!interrupted).then_some(device))
    }
}

impl Device {
    /// Takes in one message of a dump. The kernel splits a peer's addresses over two messages
    /// when the first is full; the second names the peer again and has neither its counters nor
    /// its handshake. So a peer is the sum of all that is said of it.
    fn take(&mut self, attributes: Vec<WireguardAttribute>) {
        for attribute in attributes {
            match attribute {
                WireguardAttribute::PrivateKey(mut key) => key.zeroize(),
                WireguardAttribute::PublicKey(key) => {
                    self.public_key = PublicKey::from_bytes(key).ok();
                }
                WireguardAttribute::ListenPort(port) => self.port = port,
                WireguardAttribute::Peers(peers) => {
                    peers.into_iter().for_each(|it| self.take_peer(it));
                }
                _ => {}
            }
        }
    }

    fn take_peer(&mut self, said: WireguardPeer) {
        let key = said.0.iter().find_map(|it| match it {
            WireguardPeerAttribute::PublicKey(key) => PublicKey::from_bytes(*key).ok(),
            _ => None,
        });
        let Some(key) = key else { return };
        let peer = self.peers.entry(key).or_default();
        for attribute in said.0 {
            match attribute {
                WireguardPeerAttribute::PresharedKey(mut key) => key.zeroize(),
                WireguardPeerAttribute::AllowedIps(networks) => {
                    peer.networks.extend(networks.iter().filter_map(network));
                }
                WireguardPeerAttribute::LastHandshake(time) => {
                    let seconds = u64::try_from(time.seconds).unwrap_or_default();
                    let nanos = u32::try_from(time.nano_seconds).unwrap_or_default();
                    peer.last_handshake = peer.last_handshake.max(Duration::new(seconds, nanos));
                }
                WireguardPeerAttribute::RxBytes(bytes) => peer.received += bytes,
                WireguardPeerAttribute::TxBytes(bytes) => peer.sent += bytes,
                _ => {}
            }
        }
    }
}

impl Peer {
    /// How long ago the last handshake was. A clock that was set back makes it now.
    pub(super) fn handshake_age(&self) -> Option<Duration> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the kernel states handshakes in the time of day, so it is compared with that"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (!self.last_handshake.is_zero()).then(|| now.saturating_sub(self.last_handshake))
    }
}

fn request(
    command: WireguardCmd,
    name: &InterfaceName,
    more: Vec<WireguardAttribute>,
) -> NetlinkMessage<GenlMessage<WireguardMessage>> {
    let mut attributes = vec![WireguardAttribute::IfName(name.to_string())];
    attributes.extend(more);
    let message = WireguardMessage { cmd: command, attributes };
    NetlinkMessage::from(GenlMessage::from_payload(message))
}

fn allowed_ip(net: IpNet) -> WireguardAllowedIp {
    let family = match net {
        IpNet::V4(_) => WireguardAddressFamily::Ipv4,
        IpNet::V6(_) => WireguardAddressFamily::Ipv6,
    };
    WireguardAllowedIp(vec![
        WireguardAllowedIpAttr::Family(family),
        WireguardAllowedIpAttr::IpAddr(net.addr()),
        WireguardAllowedIpAttr::Cidr(net.prefix_len()),
    ])
}

fn network(said: &WireguardAllowedIp) -> Option<IpNet> {
    let (mut address, mut length) = (None, None);
    for attribute in &said.0 {
        match attribute {
            WireguardAllowedIpAttr::IpAddr(it) => address = Some(*it),
            WireguardAllowedIpAttr::Cidr(it) => length = Some(*it),
            _ => {}
        }
    }
    IpNet::new(address?, length?).ok()
}

fn is_not_ours(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EOPNOTSUPP))
}

fn to_io(error: GenetlinkError) -> io::Error {
    match error {
        GenetlinkError::NetlinkError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> [u8; 32] {
        [number; 32]
    }

    fn said(number: u8, attributes: Vec<WireguardPeerAttribute>) -> WireguardPeer {
        let key = WireguardPeerAttribute::PublicKey(key(number));
        WireguardPeer([vec![key], attributes].concat())
    }

    /// As measured on Linux 6.1: the second message has the key and the rest of the addresses.
    #[test]
    fn a_peer_that_is_split_over_two_messages_is_one_peer() {
        let nets: Vec<IpNet> = ["10.0.0.2/32", "fd00::2/128"].map(|it| it.parse().unwrap()).into();
        let handshake = netlink_packet_wireguard::WireguardTimeSpec { seconds: 7, nano_seconds: 5 };
        let first = said(
            1,
            vec![
                WireguardPeerAttribute::LastHandshake(handshake),
                WireguardPeerAttribute::RxBytes(100),
                WireguardPeerAttribute::TxBytes(200),
                WireguardPeerAttribute::AllowedIps(vec![allowed_ip(nets[0])]),
            ],
        );
        let rest = WireguardPeerAttribute::AllowedIps(vec![allowed_ip(nets[1])]);
        let second = said(1, vec![rest]);
        let mut device = Device::default();
        device
            .take(vec![WireguardAttribute::ListenPort(9), WireguardAttribute::Peers(vec![first])]);
        device.take(vec![WireguardAttribute::Peers(vec![second, said(2, Vec::new())])]);

        assert_eq!((device.port, device.peers.len()), (9, 2));
        let peer = &device.peers[&PublicKey::from_bytes(key(1)).unwrap()];
        assert_eq!(peer.networks, nets.into_iter().collect());
        assert_eq!((peer.received, peer.sent), (100, 200));
        assert_eq!(peer.last_handshake, Duration::new(7, 5));
    }
}
