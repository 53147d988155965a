//! Resolvers on loopback, which do what a test tells them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use hickory_proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        RData, Record, RecordType,
        rdata::{A, TXT},
    },
};
use myrelay_node_protocol::ResolverUpstream;
use rcgen::SanType;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::support::authority::{Authority, Presented};

/// The name in the certificates of these resolvers.
pub(crate) const NAME: &str = "dns.example";
/// What every name has as its address.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);

/// What an upstream does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Says an address or a text.
    Answer,
    /// Says nothing.
    Silent,
    /// Says nothing about names that begin with `slow`.
    Hesitate,
    /// Says that it failed.
    Fail,
    /// Says something about another name first, and then ends the connection.
    Lie,
    /// Answers one question on each connection, and closes it.
    Close,
    /// By UDP it says that the answer is cut.
    Cut,
}

/// What came in.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) connections: usize,
    pub(crate) names: Vec<String>,
    pub(crate) packets: Vec<Vec<u8>>,
}

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    encrypted: bool,
    manner: watch::Sender<Manner>,
    heard: Arc<Mutex<Heard>>,
    _tasks: JoinSet<()>,
}

/// What is right for a resolver by that name.
pub(crate) fn right() -> Presented {
    Presented { names: vec![SanType::DnsName(NAME.try_into().unwrap())], ..Presented::default() }
}

impl Upstream {
    /// Answers by TLS, with a certificate of this authority.
    pub(crate) async fn by_tls(authority: &Authority, presented: &Presented) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acceptor = TlsAcceptor::from(authority.server(presented));
        Self::serve(listener, None, Some(acceptor))
    }

    /// Answers by UDP and TCP, without encryption.
    pub(crate) async fn plain() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = UdpSocket::bind(listener.local_addr().unwrap()).await.unwrap();
        Self::serve(listener, Some(socket), None)
    }

    fn serve(listener: TcpListener, udp: Option<UdpSocket>, tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let manner = watch::Sender::new(Manner::Answer);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut tasks = JoinSet::new();
        let encrypted = tls.is_some();
        if let Some(udp) = udp {
            tasks.spawn(by_udp(udp, manner.subscribe(), heard.clone()));
        }
        tasks.spawn(by_stream(listener, tls, manner.subscribe(), heard.clone()));
        Self { address, encrypted, manner, heard, _tasks: tasks }
    }

    /// How the operator names it.
    pub(crate) fn named(&self) -> ResolverUpstream {
        let text = match self.encrypted {
            true => format!("tls://{}#{NAME}", self.address),
            false => format!("udp://{}", self.address),
        };
        text.parse().unwrap()
    }

    pub(crate) fn be(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap()
    }
}

async fn by_udp(socket: UdpSocket, manner: watch::Receiver<Manner>, heard: Arc<Mutex<Heard>>) {
    let mut packet = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut packet).await.unwrap();
        let manner = *manner.borrow();
        for answer in answers(&packet[..length], manner, &heard) {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}

async fn by_stream(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    manner: watch::Receiver<Manner>,
    heard: Arc<Mutex<Heard>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        heard.lock().unwrap().connections += 1;
        let (tls, manner, heard) = (tls.clone(), manner.clone(), heard.clone());
        connections.spawn(async move {
            match tls {
                None => converse(stream, manner, heard).await,
                Some(tls) => {
                    // A client that does not believe the certificate goes away.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, manner, heard).await;
                    }
                }
            }
        });
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: watch::Receiver<Manner>,
    heard: Arc<Mutex<Heard>>,
) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        stream.read_exact(&mut packet).await.unwrap();
        let mut manner = *manner.borrow();
        if manner == Manner::Cut {
            manner = Manner::Answer;
        }
        for answer in answers(&packet, manner, &heard) {
            let length = u16::try_from(answer.len()).unwrap();
            let framed = [&length.to_be_bytes(), &*answer].concat();
            if stream.write_all(&framed).await.is_err() {
                return;
            }
        }
        if matches!(manner, Manner::Close | Manner::Lie) {
            drop(stream.shutdown().await);
            return;
        }
    }
}

fn answers(packet: &[u8], manner: Manner, heard: &Mutex<Heard>) -> Vec<Vec<u8>> {
    let asked = Message::from_vec(packet).unwrap();
    let query = asked.queries[0].clone();
    {
        let mut heard = heard.lock().unwrap();
        heard.names.push(query.name().to_string());
        heard.packets.push(packet.to_vec());
    }
    let mut said = asked.clone();
    said.metadata.message_type = MessageType::Response;
    let data = match query.query_type() {
        RecordType::TXT => RData::TXT(TXT::new(vec!["long".repeat(50); 10])),
        _ => RData::A(A(ADDRESS)),
    };
    said.add_answer(Record::from_rdata(query.name().clone(), 300, data));
    match manner {
        Manner::Answer | Manner::Close => {}
        Manner::Hesitate if !query.name().to_string().starts_with("slow") => {}
        Manner::Silent | Manner::Hesitate => return Vec::new(),
        Manner::Fail => {
            said.answers.clear();
            said.metadata.response_code = ResponseCode::ServFail;
        }
        Manner::Lie => {
            let name = "elsewhere.example.".parse().unwrap();
            said.queries[0].set_name(name);
        }
        Manner::Cut => {
            said.answers.clear();
            said.metadata.truncation = true;
        }
    }
    vec![said.to_vec().unwrap()]
}
