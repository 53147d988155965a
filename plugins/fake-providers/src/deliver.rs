//! Sends webhooks.

use anyhow::{Context as _, Result, bail};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// Posts a body to an `http://` address and gives back the status and the body of the answer.
///
/// # Errors
/// When the address is none, nobody is there, or the answer breaks off.
pub async fn post(
    url: &str,
    headers: &[(String, String)],
    body: impl Into<Bytes>,
) -> Result<(u16, Bytes)> {
    let Some(rest) = url.strip_prefix("http://") else { bail!("{url} is no http:// address") };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let stream = TcpStream::connect(authority).await;
    let stream = stream.with_context(|| format!("nobody is at {authority}"))?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // The request tells when it breaks.
        let _broke = connection.await;
    });
    let mut request = Request::post(path).header("host", authority);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = sender.send_request(request.body(Full::new(body.into()))?).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}
