//! A stock WireGuard client in a namespace of its own.

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::net::UnixStream,
    process::{Child, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::StreamExt;
use myrelay_agent::{backend::BackendKind, keys::PrivateKey};
use myrelay_domain::{addresses::HostAddresses, keys::PublicKey};
use netlink_packet_generic::GenlMessage;
use netlink_packet_wireguard::{
    WireguardAddressFamily, WireguardAllowedIp, WireguardAllowedIpAttr, WireguardAttribute,
    WireguardCmd, WireguardMessage, WireguardPeer, WireguardPeerAttribute,
};
use rtnetlink::packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};

use crate::world::{Namespace, command, eventually, run, unique};

/// The client: all its traffic goes through the tunnel.
pub(crate) struct Client {
    pub(crate) namespace: Namespace,
    pub(crate) key: PrivateKey,
    pub(crate) addresses: HostAddresses,
    interface: String,
    process: Option<Child>,
}

impl Client {
    /// A client at the far end of a cable to the node.
    pub(crate) fn new(node: &Namespace, cable: u8, addresses: HostAddresses) -> Self {
        let namespace = Namespace::new();
        node.connect(&namespace, cable);
        let key = PrivateKey::from_random([cable; 32]);
        let interface = format!("c{}", unique());
        Self { namespace, key, addresses, interface, process: None }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key().unwrap()
    }

    /// Brings the tunnel up: the kernel's own WireGuard where that is tested, else wireguard-go.
    pub(crate) fn connect(&mut self, kind: BackendKind, pod: &PublicKey, endpoint: SocketAddr) {
        let interface = self.interface.clone();
        if kind == BackendKind::Kernel {
            self.namespace.ip(&format!("link add {interface} type wireguard"));
            self.namespace.run(async |_| self.configure_kernel(pod, endpoint).await);
        } else {
            self.process = Some(self.namespace.enter(|| {
                let mut program = command("wireguard-go", &["-f", &interface]);
                program.env("LOG_LEVEL", "error").stdout(Stdio::null()).stderr(Stdio::null());
                program.spawn().unwrap()
            }));
            let socket = format!("/var/run/wireguard/{interface}.sock");
            eventually("wireguard-go listens", || UnixStream::connect(&socket).is_ok());
            self.configure_userspace(pod, endpoint);
        }
        let HostAddresses { v4, v6 } = self.addresses;
        self.namespace.ip(&format!("addr add {v4}/32 dev {interface}"));
        self.namespace.ip(&format!("link set {interface} mtu 1420 up"));
        self.namespace.ip(&format!("route add default dev {interface}"));
        if self.namespace.has_ipv6() {
            self.namespace.ip(&format!("addr add {v6}/128 dev {interface} nodad"));
            self.namespace.ip(&format!("-6 route add default dev {interface}"));
        }
    }

    /// What its interface counted since it is there: bytes received and sent.
    pub(crate) fn counters(&self) -> (u64, u64) {
        let shown = self.namespace.ip(&format!("-s link show dev {}", self.interface));
        let mut rows = shown.lines().map(|it| it.split_whitespace().next().unwrap_or_default());
        let mut below = |heading| {
            rows.find(|it| *it == heading).unwrap();
            rows.next().unwrap().parse().unwrap()
        };
        (below("RX:"), below("TX:"))
    }

    /// Ends the tunnel.
    pub(crate) fn disconnect(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        } else {
            self.namespace.ip(&format!("link del {}", self.interface));
        }
    }

    fn configure_userspace(&self, pod: &PublicKey, endpoint: SocketAddr) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", BASE64_STANDARD.encode(self.key.expose())).unwrap();
        let (file, pod, endpoint) =
            (file.path().to_str().unwrap(), pod.to_string(), endpoint.to_string());
        let words = ["set", &self.interface, "private-key", file, "peer", &pod, "endpoint"];
        let words = [&words[..], &[&endpoint, "allowed-ips", "0.0.0.0/0,::/0"]].concat();
        self.namespace.enter(|| run("wg", &words, &[]));
    }

    async fn configure_kernel(&self, pod: &PublicKey, endpoint: SocketAddr) {
        let all = [(WireguardAddressFamily::Ipv4, "0.0.0.0"), (WireguardAddressFamily::Ipv6, "::")];
        let all = all.map(|(family, address)| {
            WireguardAllowedIp(vec![
                WireguardAllowedIpAttr::Family(family),
                WireguardAllowedIpAttr::IpAddr(address.parse().unwrap()),
                WireguardAllowedIpAttr::Cidr(0),
            ])
        });
        let peer = WireguardPeer(vec![
            WireguardPeerAttribute::PublicKey(*pod.as_bytes()),
            WireguardPeerAttribute::Endpoint(endpoint),
            WireguardPeerAttribute::AllowedIps(all.into()),
        ]);
        let attributes = vec![
            WireguardAttribute::IfName(self.interface.clone()),
            WireguardAttribute::PrivateKey(*self.key.expose()),
            WireguardAttribute::Peers(vec![peer]),
        ];
        let message = WireguardMessage { cmd: WireguardCmd::SetDevice, attributes };
        let mut message = NetlinkMessage::from(GenlMessage::from_payload(message));
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;

        let (connection, mut handle, _) = genetlink::new_connection().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(connection);
        let mut answers = handle.request(message).await.unwrap();
        while let Some(answer) = answers.next().await {
            let payload = answer.unwrap().payload;
            let refused = matches!(&payload, NetlinkPayload::Error(it) if it.code.is_some());
            assert!(!refused, "{payload:?}");
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
