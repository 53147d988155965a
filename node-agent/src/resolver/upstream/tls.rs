//! A resolver that is asked by TLS (RFC 7858): one connection, many questions at a time.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hickory_proto::op::Message;
use myrelay_node_protocol::DomainName;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{InvalidDnsNameError, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    super::question::{Question, read_answer},
    AskError,
    plain::framed,
    random_id,
};
use crate::system::{System, TlsClock};

/// How long a connection has to be made.
const CONNECT: Duration = Duration::from_millis(1400);
/// A connection with open questions on which nothing was heard for so long is given up.
const STALE: Duration = Duration::from_secs(3);
/// A connection without questions is closed after so long (RFC 7858 section 3.4).
const IDLE: Duration = Duration::from_secs(20);
/// The most open questions on one connection: half of all ids. Who may ask is bounded elsewhere.
const MAX_OPEN: usize = 1 << 15;
/// Questions that wait for their turn to be written.
const QUEUE: usize = 512;
/// What one read makes room for, in bytes.
const READ: usize = 2048;

/// The resolver's address, its name, and the connection to it.
#[derive(Debug)]
pub(super) struct Tls {
    address: SocketAddr,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    system: Arc<dyn System>,
    connection: tokio::sync::Mutex<Option<mpsc::Sender<Ask>>>,
    /// Ends with this value.
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Ask {
    question: Question,
    answer: oneshot::Sender<Message>,
}

/// Why TLS to a resolver cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum TlsError {
    #[error(transparent)]
    Config(#[from] rustls::Error),
    #[error(transparent)]
    Name(#[from] InvalidDnsNameError),
}

impl Tls {
    /// Connects to nothing yet. Only a certificate of these roots for this name will do.
    pub(super) fn new(
        address: SocketAddr,
        name: &DomainName,
        roots: &Arc<RootCertStore>,
        system: &Arc<dyn System>,
    ) -> Result<Self, TlsError> {
        let name = ServerName::try_from(name.as_str())?.to_owned();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clock = Arc::new(TlsClock(system.clone()));
        let config = ClientConfig::builder_with_details(provider, clock)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        Ok(Self {
            address,
            name,
            config: Arc::new(config),
            system: system.clone(),
            connection: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
        })
    }

    /// Asks over the connection there is, or over a new one.
    pub(super) async fn ask(&self, question: &Question) -> Result<Message, AskError> {
        loop {
            let (connection, new) = self.connection().await?;
            let (answer, said) = oneshot::channel();
            let ask = Ask { question: question.clone(), answer };
            let heard = match connection.send(ask).await {
                Ok(()) => said.await.ok(),
                Err(_closed) => None,
            };
            match heard {
                Some(answer) => return Ok(answer),
                None if new => return Err(AskError::Closed),
                // An idle connection may be closed at any time: once more, over a new one.
                None => {}
            }
        }
    }

    /// The connection, and whether it was made just now.
    async fn connection(&self) -> Result<(mpsc::Sender<Ask>, bool), AskError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|it| !it.is_closed()) {
            return Ok((connection.clone(), false));
        }
        let late = |_elapsed| AskError::Reach(io::ErrorKind::TimedOut.into());
        let stream = timeout(CONNECT, self.connect()).await.map_err(late)?;
        let stream = stream.map_err(AskError::Reach)?;
        let (asks, asked) = mpsc::channel(QUEUE);
        let first = random_id(self.system.as_ref()).map_err(AskError::Reach)?;
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(drive(stream, asked, first));
        *held = Some(asks.clone());
        Ok((asks, true))
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        TlsConnector::from(self.config.clone()).connect(self.name.clone(), stream).await
    }
}

/// Carries questions and answers until the connection or the upstream ends.
async fn drive(stream: TlsStream<TcpStream>, mut asked: mpsc::Receiver<Ask>, first: u16) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (mut open, mut buffer, mut id) = (HashMap::new(), Vec::new(), first);
    let mut end = Instant::now() + IDLE;
    loop {
        buffer.reserve(READ);
        tokio::select! {
            read = reader.read_buf(&mut buffer) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
                while let Some(text) = next_message(&mut buffer) {
                    answer(&mut open, &text);
                }
                open.retain(|_, ask: &mut Ask| !ask.answer.is_closed());
                end = Instant::now() + if open.is_empty() { IDLE } else { STALE };
            }
            ask = asked.recv() => {
                let Some(ask) = ask else { return };
                if MAX_OPEN <= open.len() {
                    // Nobody waits for the answers of some.
                    open.retain(|_, ask| !ask.answer.is_closed());
                }
                if MAX_OPEN <= open.len() {
                    continue;
                }
                while open.contains_key(&id) {
                    id = id.wrapping_add(1);
                }
                let Some(text) = ask.question.for_upstream(id, true) else { continue };
                if open.is_empty() {
                    end = Instant::now() + STALE;
                }
                open.insert(id, ask);
                id = id.wrapping_add(1);
                let text = framed(&text);
                let write = async {
                    writer.write_all(&text).await?;
                    writer.flush().await
                };
                if !matches!(timeout(STALE, write).await, Ok(Ok(()))) {
                    return;
                }
            }
            () = sleep_until(end) => return,
        }
    }
}

/// Takes a whole message out of what was read (RFC 1035 section 4.2.2).
fn next_message(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = u16::from_be_bytes([*buffer.first()?, *buffer.get(1)?]);
    let end = 2 + usize::from(length);
    let text = buffer.get(2..end)?.to_vec();
    buffer.drain(..end);
    Some(text)
}

/// Hands an answer to who asked; one that nobody asked for is not looked at.
fn answer(open: &mut HashMap<u16, Ask>, text: &[u8]) {
    let Some(id) = text.first_chunk().map(|it| u16::from_be_bytes(*it)) else { return };
    let Some(ask) = open.remove(&id) else { return };
    if let Some(message) = read_answer(&ask.question, id, text) {
        // Who asked may have given up.
        drop(ask.answer.send(message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_a_stream_however_it_arrives() {
        let mut buffer = Vec::new();
        let stream = [framed(b"one"), framed(b""), framed(b"three")].concat();
        let mut got = Vec::new();
        for byte in stream {
            buffer.push(byte);
            got.extend(next_message(&mut buffer));
        }
        assert_eq!(got, [b"one".to_vec(), vec![], b"three".to_vec()]);
        assert!(buffer.is_empty());
    }
}
