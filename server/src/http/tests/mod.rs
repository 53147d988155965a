//! Stories told at the doors: real routers, a real database, a clock that is set.

mod authorisation;
mod bodies;
mod cross_site;
mod enrolment;
mod hanging;
mod headers;
mod limits;
mod metrics;
mod node_tls;
mod notifications;
mod paying;
mod plugin_forms;
mod plugin_gallery;
mod plugins;
mod rest;
mod signing_in;
mod site_tls;
mod streams;
mod usage;

use std::{collections::BTreeMap, fs, net::IpAddr, num::NonZeroU32, path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, header},
};
use ipnet::IpNet;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Door, Limits, Parts, Peer, Site, metrics_router, node_router, site_router};
use crate::{config::Rates, testing::World};

/// What differs between the portals of the tests.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) rates: Rates,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) url: &'static str,
}

/// A portal with its doors open.
pub(super) struct Portal {
    pub(super) world: World,
    pub(super) site: Router,
    pub(super) nodes: Router,
    pub(super) monitors: Router,
    pub(super) stopping: CancellationToken,
}

pub(super) const URL: &str = "https://vpn.example.org";
pub(super) const PASSWORD: &str = "correct horse battery";

impl Default for Setup {
    fn default() -> Self {
        let plenty = NonZeroU32::new(1_000_000).unwrap();
        let rates = Rates { any: plenty, sign_in: plenty, enrol: plenty };
        Self { rates, trusted_proxies: Vec::new(), url: URL }
    }
}

impl Portal {
    pub(super) async fn open() -> Self {
        Self::of(World::on_sqlite().await, Setup::default())
    }

    pub(super) async fn with(setup: Setup) -> Self {
        Self::of(World::on_sqlite().await, setup)
    }

    pub(super) fn of(world: World, setup: Setup) -> Self {
        let site_dir = world.dir.path().join("site");
        write_site(&site_dir);
        let stopping = CancellationToken::new();
        let door = Door::new(Parts {
            context: world.context.clone(),
            site: Site::load(&site_dir).unwrap(),
            limits: Limits::new(setup.rates),
            origin: setup.url.parse().unwrap(),
            trusted_proxies: setup.trusted_proxies,
            stopping: stopping.clone(),
        });
        let (site, nodes) = (site_router(door.clone()), node_router(door.clone()));
        Self { world, site, nodes, monitors: metrics_router(door), stopping }
    }

    /// Somebody at the site, without cookies.
    pub(super) fn browser(&self) -> Browser {
        Browser::at(&self.site)
    }

    /// Somebody who has signed in as a customer.
    pub(super) async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let email = format!("{name}@example.org");
        let form = [("email", email.as_str()), ("password", PASSWORD)];
        assert_eq!(browser.post("/sign-in", &form).await.status, 303, "{name} signs in");
        browser
    }

    /// Somebody who has signed in as an operator.
    pub(super) async fn operator(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let email = format!("{name}@example.org");
        let form = [("email", email.as_str()), ("password", PASSWORD)];
        assert_eq!(browser.post("/operator/sign-in", &form).await.status, 303, "{name} signs in");
        browser
    }

    /// A program with a token.
    pub(super) fn program(&self, token: &str) -> Browser {
        Browser { bearer: Some(token.to_owned()), ..self.browser() }
    }

    /// Everything the database has on disk.
    pub(super) fn database_bytes(&self) -> Vec<u8> {
        let dir = self.world.dir.path().join("portal");
        let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        files.flat_map(|path| fs::read(path).unwrap()).collect()
    }
}

/// Something that keeps cookies and sends requests as a browser does.
#[derive(Clone)]
pub(super) struct Browser {
    router: Router,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) bearer: Option<String>,
    pub(super) ip: IpAddr,
    pub(super) certificate: Option<Arc<[u8]>>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Browser {
    pub(super) fn at(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: BTreeMap::new(),
            bearer: None,
            ip: IpAddr::from([192, 0, 2, 1]),
            certificate: None,
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Submits a form of this site.
    pub(super) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(form).unwrap();
        self.send(form_request(path, body)).await
    }

    /// Calls a server function, or the node API.
    pub(super) async fn call(&mut self, path: &str, input: &serde_json::Value) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(input.to_string()));
        self.send(request.unwrap()).await
    }

    /// Asks the API as curl does.
    pub(super) async fn ask(&mut self, method: &str, path: &str, input: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = match input {
            Some(input) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(input.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    /// Sends a request as it is, with the cookies, and keeps those that come back.
    pub(super) async fn send(&mut self, request: Request<Body>) -> Answer {
        let (status, headers, body) = self.open(request).await;
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status, headers, body }
    }

    /// Sends a request and leaves the answer's body to come.
    pub(super) async fn open(&mut self, mut request: Request<Body>) -> (u16, HeaderMap, Body) {
        let peer = Peer { ip: self.ip, certificate: self.certificate.clone() };
        request.extensions_mut().insert(peer);
        let headers = request.headers_mut();
        headers.entry(header::HOST).or_insert(HeaderValue::from_static("vpn.example.org"));
        if !self.cookies.is_empty() {
            let all = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            let all = all.collect::<Vec<_>>().join("; ");
            headers.insert(header::COOKIE, all.parse().unwrap());
        }
        if let Some(token) = &self.bearer {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        (parts.status.as_u16(), parts.headers, body)
    }
}

/// A form of this site.
pub(super) fn form_request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into())
        .unwrap()
}

/// Path parameters filled in: whatever the thing is, there is none.
pub(super) fn filled(path: &str) -> String {
    path.replace("{*file}", "nothing.css")
        .replace("{pod}", "pod_00000000000000000000000000000001")
        .replace("{peer}", "peer_00000000000000000000000000000001")
        .replace("{node}", "node_00000000000000000000000000000001")
        .replace("{account}", "acct_00000000000000000000000000000001")
        .replace("{pod_token}", "tok_00000000000000000000000000000001")
        .replace("{plan}", "plan_00000000000000000000000000000001")
        .replace("{plugin}", "inst_00000000000000000000000000000001")
        .replace("{upload}", "upl_00000000000000000000000000000001")
        .replace("{package}", &"0".repeat(64))
        .replace("{call}", "call_00000000000000000000000000000001")
        .replace("{delivery}", "dlv_00000000000000000000000000000001")
        .replace("{token}", "nonsense")
}

fn write_site(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let mut manifest = serde_json::Map::new();
    for name in ["app.css", "boot.js", "app.js", "app.wasm", "icon.svg"] {
        fs::write(dir.join(name), format!("{name} as it is")).unwrap();
        fs::write(dir.join(format!("{name}.br")), format!("{name} made small")).unwrap();
        let integrity = format!("sha384-{name}");
        let entry = json!({ "file": name, "integrity": integrity, "bytes": 1, "brotli_bytes": 1 });
        manifest.insert(name.to_owned(), entry);
    }
    fs::write(dir.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}
