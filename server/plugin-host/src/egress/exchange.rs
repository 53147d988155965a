//! One request and its answer over one connection, each within its bounds.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body as _, Bytes, Incoming as Body},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;

use crate::{
    bindings::http::Error,
    egress::client::{Incoming, Outgoing, Stream},
    limits::{HTTP_ANSWER_BYTES, HTTP_HEADER_BYTES, HTTP_HEADERS},
};

/// Sends the request and reads the answer.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    request: Outgoing,
    sent: &AtomicBool,
) -> Result<Incoming, Error> {
    let mut builder = http1::Builder::new();
    builder.max_headers(HTTP_HEADERS).max_buf_size(HTTP_HEADER_BYTES);
    let handshake = builder.handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| Error::Connect(error.to_string()))?;
    let request = ready(request)?;
    let answer = async {
        sent.store(true, Relaxed);
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        read(response).await
    };
    // The connection moves the bytes, and ends with this call: nothing is kept.
    tokio::pin!(connection, answer);
    let mut ended = false;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            _ = &mut connection, if !ended => ended = true,
        }
    }
}

fn ready(request: Outgoing) -> Result<http::Request<Full<Bytes>>, Error> {
    let authority = request.target.authority();
    let built = http::Request::builder().method(request.method).uri(request.path);
    let built = built.header(http::header::HOST, authority);
    let built = built.body(Full::new(Bytes::from(request.body)));
    let mut built = built.map_err(|error| Error::Invalid(error.to_string()))?;
    built.headers_mut().extend(request.headers);
    Ok(built)
}

async fn read(response: http::Response<Body>) -> Result<Incoming, Error> {
    let (parts, mut body) = response.into_parts();
    let most = u64::try_from(HTTP_ANSWER_BYTES).unwrap_or(u64::MAX);
    if most < body.size_hint().lower() {
        return Err(Error::TooLarge(most));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if HTTP_ANSWER_BYTES < bytes.len() + data.len() {
            return Err(Error::TooLarge(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Incoming { status: parts.status.as_u16(), headers: parts.headers, body: bytes })
}

/// After the request left: it may have been done.
fn broken(error: &hyper::Error) -> Error {
    if error.is_parse() {
        Error::Protocol(error.to_string())
    } else {
        Error::Interrupted(error.to_string())
    }
}
