//! A resolver that is asked without encryption, because the operator says so (RFC 1035).

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_proto::op::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    super::question::{Question, read_answer},
    AskError, random_id,
};
use crate::system::System;

/// After this long without an answer the question is sent again, and then after twice as long.
const RESEND: Duration = Duration::from_millis(700);
/// The longest answer in one packet, in bytes: what the question offers, and then some.
const MAX_PACKET: usize = 4096;

/// The resolver's address. Each question has a port and an id of its own (RFC 5452 section 9).
#[derive(Debug)]
pub(super) struct Plain {
    address: SocketAddr,
    system: Arc<dyn System>,
}

impl Plain {
    pub(super) fn new(address: SocketAddr, system: Arc<dyn System>) -> Self {
        Self { address, system }
    }

    /// Asks by UDP, and by TCP what does not fit. Whoever asks sets the time.
    pub(super) async fn ask(&self, question: &Question) -> Result<Message, AskError> {
        let id = random_id(self.system.as_ref()).map_err(AskError::Reach)?;
        let text = question.for_upstream(id, false).ok_or(AskError::Nonsense)?;
        let answer = self.by_udp(question, id, &text).await?;
        if answer.truncation { self.by_tcp(question, id, &text).await } else { Ok(answer) }
    }

    async fn by_udp(&self, question: &Question, id: u16, text: &[u8]) -> Result<Message, AskError> {
        let any = match self.address {
            SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
        };
        let socket = UdpSocket::bind(any).await.map_err(AskError::Reach)?;
        socket.connect(self.address).await.map_err(AskError::Reach)?;
        let mut pause = RESEND;
        loop {
            socket.send(text).await.map_err(AskError::Reach)?;
            match timeout(pause, heard(&socket, question, id)).await {
                Ok(answer) => return answer.map_err(AskError::Reach),
                Err(_elapsed) => pause *= 2,
            }
        }
    }

    async fn by_tcp(&self, question: &Question, id: u16, text: &[u8]) -> Result<Message, AskError> {
        let ask = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(&framed(text)).await?;
            let mut answer = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut answer).await?;
            Ok(answer)
        };
        let answer = ask.await.map_err(AskError::Reach)?;
        read_answer(question, id, &answer).ok_or(AskError::Nonsense)
    }
}

/// Waits for the answer; whatever else arrives is not looked at.
async fn heard(socket: &UdpSocket, question: &Question, id: u16) -> io::Result<Message> {
    let mut packet = vec![0; MAX_PACKET];
    loop {
        let length = socket.recv(&mut packet).await?;
        if let Some(answer) = read_answer(question, id, &packet[..length]) {
            return Ok(answer);
        }
    }
}

/// A message as it stands in a stream: after its length (RFC 1035 section 4.2.2).
pub(super) fn framed(text: &[u8]) -> Vec<u8> {
    // A question has at most 512 bytes.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text].concat()
}
