//! The headers that every answer has, errors included.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE,
        STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};

/// What never differs, by name.
const FIXED: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), \
         magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), \
         browsing-topics=(), clipboard-write=(self)",
    ),
];

/// Scripts run by this answer's nonce only, and nothing comes from another origin.
/// `wasm-unsafe-eval` lets WebAssembly be compiled and nothing else
/// (<https://www.w3.org/TR/CSP3/#grammardef-wasm-unsafe-eval>).
fn content_security_policy(nonce: &str, forms: &FormsLeadTo) -> String {
    let source = |host: &String| match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!(" https://[{address}]:*"),
        Err(_name) => format!(" https://{host}:*"),
    };
    let forms: String = forms.0.iter().map(source).collect();
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; \
         form-action 'self'{forms}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The other hosts that an answer's form may lead to: browsers look where the redirect goes with
/// which we answer it (<https://www.w3.org/TR/CSP3/#directive-form-action>).
#[derive(Clone, Default)]
pub(crate) struct FormsLeadTo(pub(crate) Vec<String>);

/// Puts them on. `secure`: browsers reach us by TLS only.
pub(crate) fn dress(headers: &mut HeaderMap, nonce: &str, forms: &FormsLeadTo, secure: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(nonce, forms)) {
        // What is no page has a stricter one.
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    // Browsers send no Fetch Metadata to clear-text sites, and with `no-referrer` no Origin either
    // (https://fetch.spec.whatwg.org/#append-a-request-origin-header): forms need one of them.
    let referrer = if secure { "no-referrer" } else { "same-origin" };
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(referrer));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    complete_cookies(headers);
}

/// Browsers ignore a `Set-Cookie` of a `__Host-` name without `Secure`, the one that takes a
/// cookie away too (RFC 6265bis section 4.1.3.2), and the session layer leaves it out there.
fn complete_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    if cookies.is_empty() {
        return;
    }
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let text = cookie.to_str().unwrap_or_default();
        let complete = (text.starts_with("__Host-") && !text.contains("; Secure"))
            .then(|| HeaderValue::from_str(&format!("{text}; HttpOnly; SameSite=Lax; Secure")))
            .and_then(Result::ok);
        headers.append(SET_COOKIE, complete.unwrap_or(cookie));
    }
}
