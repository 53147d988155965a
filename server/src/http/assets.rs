//! What the browser loads: read into memory at the start, named by content, compressed before.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use axum::{
    body::{Body, Bytes},
    extract::{Path as UrlPath, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use myrelay_app::{Asset, Assets};
use serde::Deserialize;

use super::{Door, answer::Fault};

/// Where the site's files are below.
const PREFIX: &str = "/assets/";

/// Why the site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(
        "site-dir: {path}: {cause}; build what the browser loads with `cargo xtask site`, or say \
         where it is with site-dir"
    )]
    Read { path: PathBuf, cause: io::Error },
    #[error("site-dir: {path}: {cause}; build it again with `cargo xtask site`")]
    Manifest { path: PathBuf, cause: String },
}

/// The files, by the name they are asked for.
pub struct Site {
    files: BTreeMap<String, File>,
    assets: Assets,
}

struct File {
    plain: Bytes,
    brotli: Bytes,
    content_type: HeaderValue,
    etag: HeaderValue,
}

/// A line of the manifest that the build writes.
#[derive(Deserialize)]
struct Entry {
    file: String,
    integrity: String,
}

impl Site {
    /// Reads `manifest.json` and every file it names.
    ///
    /// # Errors
    /// When one is missing, or the manifest lacks a file that the pages name.
    pub fn load(dir: &Path) -> Result<Self, SiteError> {
        let path = dir.join("manifest.json");
        let fault = |cause: String| SiteError::Manifest { path: path.clone(), cause };
        let manifest: BTreeMap<String, Entry> =
            serde_json::from_slice(&read(&path)?).map_err(|error| fault(error.to_string()))?;
        let mut files = BTreeMap::new();
        for Entry { file, integrity } in manifest.values() {
            let plain = read(&dir.join(file))?;
            let brotli = read(&dir.join(format!("{file}.br")))?;
            let etag = HeaderValue::from_str(&format!("\"{integrity}\""))
                .map_err(|error| fault(error.to_string()))?;
            let content_type = HeaderValue::from_static(content_type(file));
            files.insert(
                file.clone(),
                File { plain: plain.into(), brotli: brotli.into(), content_type, etag },
            );
        }
        let asset = |name: &str| {
            let entry = manifest.get(name).ok_or_else(|| fault(format!("it has no `{name}`")))?;
            let path = format!("{PREFIX}{}", entry.file);
            Ok(Asset { path, integrity: entry.integrity.clone() })
        };
        let assets = Assets {
            css: asset("app.css")?,
            boot: asset("boot.js")?,
            glue: asset("app.js")?,
            wasm: asset("app.wasm")?,
            icon: asset("icon.svg")?,
        };
        Ok(Self { files, assets })
    }

    /// The files that pages name.
    pub fn assets(&self) -> &Assets {
        &self.assets
    }
}

/// `GET /assets/{file}`: for ever the same under one name.
pub(crate) async fn file(
    State(door): State<Door>,
    UrlPath(name): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Fault> {
    let file = door.site.files.get(&name).ok_or_else(Fault::no_such_page)?;
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    answer.insert(header::ETAG, file.etag.clone());
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if headers.get(header::IF_NONE_MATCH) == Some(&file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    answer.insert(header::CONTENT_TYPE, file.content_type.clone());
    let content = if takes_brotli(&headers) {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        &file.brotli
    } else {
        &file.plain
    };
    *response.body_mut() = Body::from(content.clone());
    Ok(response)
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let mut offers = lines.flat_map(|line| line.split(','));
    offers.any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_brotli = parts.next().is_some_and(|it| it.eq_ignore_ascii_case("br"));
        let refused = parts.any(|it| matches!(it, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        is_brotli && !refused
    })
}

fn content_type(file: &str) -> &'static str {
    match file.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SiteError> {
    fs::read(path).map_err(|cause| SiteError::Read { path: path.to_owned(), cause })
}
