//! Misdeeds against others: servers that were not granted, secrets, other plugins.

use myrelay_plugin_sdk::{crypto, http, kv, log, secrets, types::Error};

use crate::told;

pub(crate) fn commit(deed: &str, data: &str) -> Result<(), Error> {
    match deed {
        // What came back is told as the error's text.
        "get" => Err(told(shown(&send(data, Vec::new(), None, None)))),
        "many" => {
            let sent = (0..60).map(|_| shown(&send(data, Vec::new(), None, None)));
            Err(told(sent.fold(String::new(), |_, last| last)))
        }
        "header" => {
            let (url, value) = data.split_once(' ').unwrap_or_default();
            let header = ("X-Try".to_owned(), value.to_owned());
            Err(told(shown(&send(url, vec![header], None, None))))
        }
        "placeholder" => Err(told(format!("{:?}", secrets::placeholder(data)))),
        "place" => place(data),
        "echo" => echo(data),
        "put" => {
            let (name, value) = data.split_once(' ').unwrap_or_default();
            secrets::put(name, value).map_err(|why| told(format!("{why:?}")))
        }
        "hmac" => {
            let utf8 = crypto::KeyEncoding::Utf8;
            let tag = crypto::hmac(data, utf8, crypto::Hash::Sha256, b"message");
            let checked = tag
                .clone()
                .map(|tag| crypto::hmac_verify(data, utf8, crypto::Hash::Sha256, b"message", &tag));
            Err(told(format!("{:?} {checked:?}", tag.map(|it| it.len()))))
        }
        _ => Err(told("no such misdeed")),
    }
}

fn send(
    url: &str,
    headers: Vec<(String, String)>,
    auth: Option<http::Auth>,
    body: Option<Vec<u8>>,
) -> Result<http::Response, http::Error> {
    let method = if body.is_some() { http::Method::Post } else { http::Method::Get };
    let url = url.to_owned();
    http::send(&http::Request { method, url, headers, auth, body, timeout_ms: Some(3_000) })
}

fn shown(answer: &Result<http::Response, http::Error>) -> String {
    match answer {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body);
            format!("{} {:?} {body}", answer.status, answer.headers)
        }
        Err(why) => format!("{why:?}").trim_start_matches("Error::").to_owned(),
    }
}

/// Tries a secret in one place: `place name url`.
fn place(data: &str) -> Result<(), Error> {
    let mut words = data.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (place, name, url) = (next(), next(), next());
    let placeholder = secrets::placeholder(name).unwrap_or_default();
    let answer = match place {
        "auth" => send(url, Vec::new(), Some(http::Auth::Bearer(name.to_owned())), None),
        "user" => send(url, Vec::new(), Some(http::Auth::BasicUser(name.to_owned())), None),
        "header" => send(url, vec![("X-Key".to_owned(), placeholder)], None, None),
        "query" => send(&format!("{url}?key={placeholder}"), Vec::new(), None, None),
        "path" => send(&format!("{url}{placeholder}"), Vec::new(), None, None),
        _ => send(url, Vec::new(), None, Some(placeholder.into_bytes())),
    };
    Err(told(shown(&answer)))
}

/// Gets a secret sent back, and tries to keep it everywhere.
fn echo(data: &str) -> Result<(), Error> {
    let (name, url) = data.split_once(' ').unwrap_or_default();
    let auth = Some(http::Auth::Basic(("user".to_owned(), name.to_owned())));
    let answer = send(url, Vec::new(), auth, Some(b"body".to_vec()));
    let text = shown(&answer);
    log::log(log::Level::Info, &text, &[("seen".to_owned(), text.clone())]);
    kv::set("seen", text.as_bytes(), None).map_err(|why| told(format!("{why:?}")))?;
    if url.ends_with("/fail") { Err(told(text)) } else { Ok(()) }
}
