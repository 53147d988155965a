//! Headers on their way out and in: bounded, and without those that are between neighbours only.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    bindings::http::Error,
    limits::{HTTP_HEADER_BYTES, HTTP_HEADERS},
    text,
};

/// What the host sets itself, and what is between two neighbours only (RFC 9110, 7.6.1).
fn is_dropped(name: &HeaderName) -> bool {
    let ours = [header::HOST, header::CONTENT_LENGTH, header::USER_AGENT, header::ACCEPT_ENCODING];
    ours.contains(name) || header::EXPECT == name || is_between_neighbours(name)
}

fn is_between_neighbours(name: &HeaderName) -> bool {
    let neighbours = [
        header::CONNECTION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    let name_text = name.as_str();
    neighbours.contains(name)
        || ["keep-alive", "http2-settings"].contains(&name_text)
        || name_text.starts_with("proxy-")
}

/// The headers of a guest as they may be sent.
pub(crate) fn outgoing(headers: &[(String, Vec<u8>)]) -> Result<HeaderMap, Error> {
    if HTTP_HEADERS < headers.len() {
        return Err(Error::BudgetExceeded(format!("{HTTP_HEADERS} headers of a request")));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if HTTP_HEADER_BYTES < bytes {
        return Err(Error::BudgetExceeded(format!("{HTTP_HEADER_BYTES} bytes of headers")));
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let invalid = |what| Error::Invalid(format!("{what}: {}", text::line(name, 80)));
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.ok().ok_or_else(|| invalid("no name of a header"))?;
        if is_dropped(&name) {
            continue;
        }
        let plain = value.iter().all(|it| *it == b'\t' || (b' '..=b'~').contains(it));
        let value = HeaderValue::from_bytes(value);
        let value = value.ok().filter(|_| plain).ok_or_else(|| invalid("no value of a header"))?;
        map.append(name, value);
    }
    Ok(map)
}

/// The headers of an answer as a guest may see them, names in lower case.
pub(crate) fn incoming(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut named: Vec<&str> = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        named.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
    }
    headers
        .iter()
        .filter(|(name, _)| !is_between_neighbours(name))
        .filter(|(name, _)| !named.iter().any(|it| it.eq_ignore_ascii_case(name.as_str())))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, Vec<u8>) {
        (name.to_owned(), value.as_bytes().to_vec())
    }

    #[test]
    fn what_is_between_neighbours_stays_there() {
        let dropped = [
            "Host",
            "Content-Length",
            "User-Agent",
            "Accept-Encoding",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Expect",
            "Proxy-Authorization",
            "Proxy-Connection",
            "HTTP2-Settings",
        ];
        let mut headers: Vec<_> = dropped.iter().map(|it| pair(it, "x")).collect();
        headers.push(pair("X-Kept", "y"));
        let map = outgoing(&headers).unwrap();
        assert_eq!(map.len(), 1);
        assert_eq!(map["x-kept"], "y");

        let mut answer = map;
        answer.insert("connection", HeaderValue::from_static("close, X-Hop"));
        answer.insert("x-hop", HeaderValue::from_static("1"));
        answer.insert("proxy-authenticate", HeaderValue::from_static("Basic"));
        assert_eq!(incoming(&answer), [pair("x-kept", "y")]);
    }

    #[test]
    fn a_header_cannot_become_two() {
        for (name, value) in [
            ("X-A", "1\r\nHost: evil"),
            ("X-A", "1\n2"),
            ("X-A", "1\0"),
            ("X A", "1"),
            ("X-A:", "1"),
            ("", "1"),
            ("X-A\r\nB", "1"),
            ("X-A", "é"),
            ("X-A", "\u{7f}"),
        ] {
            let refused = outgoing(&[pair(name, value)]);
            assert!(matches!(refused, Err(Error::Invalid(_))), "{name:?}: {value:?}");
        }
        let many = vec![pair("X-A", "1"); HTTP_HEADERS + 1];
        assert!(matches!(outgoing(&many), Err(Error::BudgetExceeded(_))));
        let long = [pair("X-A", &"1".repeat(HTTP_HEADER_BYTES))];
        assert!(matches!(outgoing(&long), Err(Error::BudgetExceeded(_))));
    }
}
