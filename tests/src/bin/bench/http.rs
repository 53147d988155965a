//! One kept-alive HTTP/1.1 connection that says when the first byte of an answer came (RFC 9112).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// No answer takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A form's fields, ready to be sent.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// A server function's input.
pub(crate) const JSON: &str = "application/json";

/// A connection, and the cookie it was last given.
pub(crate) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    pub(crate) cookie: Option<String>,
    /// What was read and belongs to nothing yet.
    left: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers.
    head: String,
    pub(crate) body: Vec<u8>,
    /// From before the request was written to the first byte that came back.
    pub(crate) first_byte: Duration,
    /// The same to the last byte.
    pub(crate) whole: Duration,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address, cookie: None, left: Vec::new() })
    }

    /// Another connection that is signed in as this one is.
    pub(crate) async fn another(&self) -> Result<Self> {
        Ok(Self { cookie: self.cookie.clone(), ..Self::open(self.address).await? })
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        let answer = self.send("GET", path, None).await?;
        ensure!(answer.status == 200, "{path} answered {}: {}", answer.status, answer.text());
        Ok(answer)
    }

    /// Sends a form; answers where it leads.
    pub(crate) async fn submit(&mut self, path: &str, fields: &str) -> Result<(String, Answer)> {
        let answer = self.send("POST", path, Some((FORM, fields))).await?;
        ensure!(answer.status == 303, "{path} answered {}: {}", answer.status, answer.text());
        let target = answer.header("location").context("it leads nowhere")?.to_owned();
        Ok((target, answer))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        content: Option<(&str, &str)>,
    ) -> Result<Answer> {
        let address = self.address;
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
             Accept-Encoding: br\r\n"
        );
        if let Some(cookie) = &self.cookie {
            request += &format!("Cookie: {cookie}\r\n");
        }
        if let Some((kind, body)) = content {
            let length = body.len();
            request += &format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
        } else {
            request += "\r\n";
        }
        let exchange = self.exchange(request.as_bytes());
        let answer = timeout(PATIENCE, exchange).await.with_context(|| format!("no {path}"))?;
        let answer = answer.with_context(|| format!("{method} {path}"))?;
        let given = answer.header("set-cookie").and_then(|it| it.split(';').next());
        if let Some(cookie) = given.filter(|it| !it.ends_with('=')) {
            self.cookie = Some(cookie.to_owned());
        }
        Ok(answer)
    }

    /// Sends a request that was written elsewhere, and reads the whole answer.
    pub(crate) async fn raw(&mut self, request: &[u8]) -> Result<Answer> {
        timeout(PATIENCE, self.exchange(request)).await.context("no answer")?
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let started = Instant::now();
        self.stream.write_all(request).await?;
        self.read().await?;
        let first_byte = started.elapsed();
        let head = String::from_utf8(self.take_line_end(b"\r\n\r\n").await?)?;
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no status")?;
        let mut answer =
            Answer { status, head, body: Vec::new(), first_byte, whole: Duration::ZERO };
        if answer.header("transfer-encoding").is_some_and(|it| it.contains("chunked")) {
            loop {
                let line = String::from_utf8(self.take_line_end(b"\r\n").await?)?;
                let size = usize::from_str_radix(line.trim(), 16).context("a chunk's size")?;
                let chunk = self.take(size + 2).await?;
                answer.body.extend_from_slice(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().context("content-length")?;
            answer.body = self.take(length).await?;
        } else if ![204, 304].contains(&status) {
            bail!("the answer has no length: {}", answer.head);
        }
        answer.whole = started.elapsed();
        Ok(answer)
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.left).await? > 0, "the portal hung up");
        Ok(())
    }

    /// The bytes up to and with an end.
    async fn take_line_end(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        loop {
            let found = self.left.windows(end.len()).position(|it| it == end);
            if let Some(at) = found {
                return self.take(at + end.len()).await;
            }
            self.read().await?;
        }
    }

    async fn take(&mut self, bytes: usize) -> Result<Vec<u8>> {
        while self.left.len() < bytes {
            self.read().await?;
        }
        let rest = self.left.split_off(bytes);
        Ok(std::mem::replace(&mut self.left, rest))
    }
}

impl Answer {
    /// The first header of this name (in lower case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
