//! Where somebody wanted to go who had to sign in first, such as the link of a message: kept in a
//! cookie of ten minutes, which only this portal sets.

use axum::{
    http::{HeaderMap, HeaderValue, Uri, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tower_sessions::cookie::Cookie;

/// Its value is the path with its query, in base64url.
const NAME: &str = "myrelay_onward";
/// With TLS: this host only (RFC 6265bis section 4.1.3.2).
const SECURE_NAME: &str = "__Host-myrelay_onward";
/// How long it lasts, in seconds.
const LASTS_S: u32 = 600;
/// The longest path that is kept, in bytes.
const LONGEST: usize = 1024;

/// Keeps a page for after the sign-in.
pub(super) fn keep(response: &mut Response, uri: &Uri, secure: bool) {
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    if is_ours(path) {
        set(response.headers_mut(), &URL_SAFE_NO_PAD.encode(path), LASTS_S, secure);
    } else {
        forget(response, secure);
    }
}

/// The page that was kept; none: there is none, or it is no page of ours.
pub(super) fn kept(headers: &HeaderMap, secure: bool) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let all = all.flat_map(Cookie::split_parse).flatten();
    let found = all.into_iter().find(|it| it.name() == name(secure))?;
    let path = String::from_utf8(URL_SAFE_NO_PAD.decode(found.value()).ok()?).ok()?;
    is_ours(&path).then_some(path)
}

/// Forgets it, if there is one.
pub(super) fn forget_kept(response: &mut Response, headers: &HeaderMap, secure: bool) {
    if kept(headers, secure).is_some() {
        forget(response, secure);
    }
}

fn forget(response: &mut Response, secure: bool) {
    set(response.headers_mut(), "", 0, secure);
}

fn set(headers: &mut HeaderMap, value: &str, lasts_s: u32, secure: bool) {
    let (name, mark) = (name(secure), if secure { "; Secure" } else { "" });
    let line = format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{mark}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        headers.append(header::SET_COOKIE, line);
    }
}

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { NAME }
}

/// Whether it is a path of this site: `//host` and `/\host` lead to another one.
fn is_ours(path: &str) -> bool {
    let plain = |it: u8| it.is_ascii_graphic() && it != b'\\';
    path.len() <= LONGEST
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_site_is_kept() {
        for (path, expected) in [
            ("/home", true),
            ("/notifications/channels/chan_1/verify/ABC?x=1", true),
            ("//example.org/", false),
            ("/\\example.org", false),
            ("https://example.org/", false),
            ("/a b", false),
            ("/a\r\nb", false),
            ("", false),
        ] {
            assert_eq!(is_ours(path), expected, "{path:?}");
            let line = format!("{NAME}={}; other=1", URL_SAFE_NO_PAD.encode(path));
            let headers = HeaderMap::from_iter([(header::COOKIE, line.parse().unwrap())]);
            assert_eq!(kept(&headers, false).is_some(), expected, "{path:?}");
            assert_eq!(kept(&headers, true), None, "with TLS it has another name");
        }
        assert!(!is_ours(&format!("/{}", "a".repeat(LONGEST))));
        let broken = HeaderMap::from_iter([(header::COOKIE, "myrelay_onward=%%".parse().unwrap())]);
        assert_eq!(kept(&broken, false), None);
    }
}
