//! Devices, and the resolver of their node.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RecordType},
};
use myrelay_agent::{
    resolver::{Options, Pods, Resolver, ResolverError},
    system::Machine,
};
use myrelay_domain::addresses::PodRange;
use myrelay_node_protocol::{DomainName, ResolverSettings};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{net::UdpSocket, time::timeout};

use super::{
    support::{authority::Authority, pods::pod_id},
    upstream::Upstream,
};

/// The pods of these tests are parts of loopback: 127.0.N.0/24, and ::1 in the first.
pub(crate) fn pods(count: u8) -> Pods {
    Pods::new((1..=count).map(|number| {
        let v6 = match number {
            1 => "::/64".parse().unwrap(),
            _ => format!("fd00:0:0:{number}::/64").parse().unwrap(),
        };
        let range = PodRange { v4: format!("127.0.{number}.0/24").parse().unwrap(), v6 };
        (pod_id(number.into()), range)
    }))
}

pub(crate) fn settings(upstreams: &[&Upstream], blocked: &[&str]) -> ResolverSettings {
    let upstreams = upstreams.iter().map(|it| it.named()).collect();
    let blocked: Vec<DomainName> = blocked.iter().map(|it| it.parse().unwrap()).collect();
    ResolverSettings::new(upstreams, blocked).unwrap()
}

pub(crate) fn options(authority: &Authority, block_list: Option<PathBuf>) -> Options {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    Options {
        listen: Some("[::]:0".parse().unwrap()),
        roots: Arc::new(roots),
        block_list,
        look_again: Duration::from_millis(20),
        system: Arc::new(Machine),
    }
}

/// A resolver on any port, which serves three pods.
pub(crate) fn start(
    settings: ResolverSettings,
    options: Options,
) -> Result<Resolver, ResolverError> {
    let resolver = Resolver::start(settings, options)?;
    resolver.serve(pods(3));
    Ok(resolver)
}

/// A question with an id.
pub(crate) fn query(id: u16, name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

/// A device, with its address, and the address at which it asks.
pub(crate) struct Device {
    pub(crate) socket: UdpSocket,
}

impl Device {
    /// A device of a pod, which asks at an address of this pod's.
    pub(crate) async fn of_pod(pod: u8, resolver: &Resolver) -> Self {
        let at = |last| IpAddr::from(Ipv4Addr::new(127, 0, pod, last));
        Self::at(at(2), at(1), resolver).await
    }

    pub(crate) async fn at(own: IpAddr, gateway: IpAddr, resolver: &Resolver) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(own, 0)).await.unwrap();
        // A connected socket takes only what comes from where it asks.
        let port = resolver.address().port();
        socket.connect(SocketAddr::new(gateway, port)).await.unwrap();
        Self { socket }
    }

    pub(crate) async fn send(&self, message: &Message) {
        self.socket.send(&message.to_vec().unwrap()).await.unwrap();
    }

    pub(crate) async fn hear(&self) -> Message {
        let mut packet = [0; 65_535];
        let receiving = self.socket.recv(&mut packet);
        let length = timeout(Duration::from_secs(30), receiving).await.expect("an answer").unwrap();
        Message::from_vec(&packet[..length]).unwrap()
    }

    /// Asks for the addresses of a name.
    pub(crate) async fn ask(&self, name: &str) -> Message {
        self.send(&query(77, name, RecordType::A)).await;
        let answer = self.hear().await;
        assert_eq!((answer.id, answer.message_type), (77, MessageType::Response));
        assert_eq!(answer.queries[0].name().to_string(), name, "letter by letter");
        answer
    }

    /// What arrived already.
    pub(crate) fn heard_nothing(&self) -> bool {
        self.socket.try_recv(&mut [0; 512]).is_err()
    }
}
