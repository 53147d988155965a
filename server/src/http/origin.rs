//! Refuses what another site makes a browser send: Fetch Metadata, and `Origin` for browsers
//! without it (OWASP Cross-Site Request Forgery Prevention Cheat Sheet).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    Door,
    answer::Fault,
    routes::{API, HOOKS, UNSUBSCRIBE},
};
use crate::config::Origin;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// In front of everything on the site but the API, where providers report, and the links in messages,
/// which mail programs follow for their readers: no browser adds a token to a request by itself, or
/// knows one that stands in a path.
pub(crate) async fn same_origin(
    State(door): State<Door>,
    request: Request,
    next: Next,
) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.uri().path();
    if safe || [API, HOOKS, UNSUBSCRIBE].iter().any(|it| path.starts_with(it)) {
        return next.run(request).await;
    }
    match judge(request.headers(), &door.origin) {
        Ok(()) => next.run(request).await,
        Err(why) => Fault::of(StatusCode::FORBIDDEN, why).into_response(),
    }
}

fn judge(headers: &HeaderMap, ours: &Origin) -> Result<(), &'static str> {
    let text = |name| headers.get(name).map(|it| it.to_str().unwrap_or("?"));
    match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some("same-origin" | "none"), _) => Ok(()),
        (Some(_), _) => Err("another site sent this request; nothing was changed"),
        (None, Some(origin)) => {
            let Ok(origin) = origin.parse::<Origin>() else {
                return Err("the request's Origin is not an address; nothing was changed");
            };
            let scheme = if ours.secure { "https" } else { "http" };
            let asked: Option<Origin> =
                text(header::HOST).and_then(|host| format!("{scheme}://{host}").parse().ok());
            if origin == *ours || Some(origin) == asked {
                Ok(())
            } else {
                Err("another site sent this request; nothing was changed")
            }
        }
        (None, None) => {
            Err("the request does not say where it comes from: send an `Origin` header with this \
             site's address; nothing was changed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_may_change_things() {
        let ours: Origin = "https://vpn.example.org".parse().unwrap();
        let judge = |lines: &[(HeaderName, &str)]| {
            let lines = lines.iter().map(|(name, text)| (name.clone(), text.parse().unwrap()));
            judge(&lines.collect(), &ours).is_ok()
        };
        let (site, origin, host) = (SEC_FETCH_SITE, header::ORIGIN, header::HOST);

        assert!(judge(&[(site.clone(), "same-origin")]));
        assert!(judge(&[(site.clone(), "none")]));
        assert!(judge(&[(origin.clone(), "https://vpn.example.org")]));
        assert!(judge(&[(origin.clone(), "https://a.org:8"), (host.clone(), "a.org:8")]));

        for foreign in ["cross-site", "same-site", "", "SAME-ORIGIN", "\u{7f}"] {
            let claims = [(site.clone(), foreign), (origin.clone(), "https://vpn.example.org")];
            let readable = foreign != "\u{7f}";
            assert!(!readable || !judge(&claims), "{foreign}");
        }
        for foreign in
            ["null", "https://evil.org", "http://vpn.example.org", "https://vpn.example.org:1"]
        {
            assert!(
                !judge(&[(origin.clone(), foreign), (host.clone(), "vpn.example.org")]),
                "{foreign}"
            );
        }
        assert!(!judge(&[]));
        assert!(!judge(&[(host, "vpn.example.org")]));
    }
}
