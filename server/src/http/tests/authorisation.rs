//! The authorisation table: every route and server function, every caller, what each gets.
//!
//! A route that is not in the table fails the test, and so does a row without a route.

mod billing;
mod programs;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use billing::{billing_table, bought};
use myrelay_app::contract::{
    AccountContract, AddChannel, ChannelContract, CreateToken, MessageKind, PlanContract,
    PluginContract, PodContract, RetireNode, TokenContract,
};
use myrelay_domain::ids::{PaymentId, PodId};
use myrelay_plugin_host::types::ErrorKind;
use programs::{channel_table, plugin_table, token_table};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::json;

use super::{Browser, Portal, form_request};
use crate::{
    channels,
    context::Caller,
    deliveries, desired_state,
    http::routes::{API, Who, metrics_routes, node_routes, site_routes},
    jobs,
    testing::{World, csr_pem, enrol_request, join_token, public_key},
};

/// What visitor, owner, another account, suspended account, operator, node, a token for the pod and
/// one for another pod of its owner get.
type Gets = [u16; 8];

/// Signed out: a page leads to the sign-in …
const PAGE: u16 = 303;
/// … and a form or a call says that it did nothing.
const FORM: u16 = 401;

fn own_page(owner: u16, other: u16) -> Gets {
    [PAGE, owner, other, PAGE, PAGE, PAGE, PAGE, PAGE]
}

fn own_form(owner: u16, other: u16) -> Gets {
    [FORM, owner, other, FORM, FORM, FORM, FORM, FORM]
}

fn operator_page(operator: u16) -> Gets {
    [PAGE, PAGE, PAGE, PAGE, operator, PAGE, PAGE, PAGE]
}

fn operator_form(operator: u16) -> Gets {
    [FORM, FORM, FORM, FORM, operator, FORM, FORM, FORM]
}

/// No session opens the API, whoever's it is.
fn api(token: u16, another_token: u16) -> Gets {
    [401, 401, 401, 401, 401, 401, token, another_token]
}

type Row = (&'static str, &'static str, Gets);

/// In the order in which they are asked: what destroys something comes last.
fn site_table() -> Vec<Row> {
    [token_table(), plugin_table(), billing_table(), channel_table(), page_table()].concat()
}

#[rustfmt::skip]
fn page_table() -> Vec<Row> {
    vec![
        ("GET", "/healthz", [200; 8]),
        ("GET", "/readyz", [200; 8]),
        ("GET", "/assets/{*file}", [200; 8]),
        // No plugin has this address.
        ("POST", "/hooks/{hook}/{path}", [404; 8]),
        ("GET", "/", [200, 303, 303, 200, 200, 200, 200, 200]),
        ("GET", "/sign-in", [200, 303, 303, 200, 200, 200, 200, 200]),
        ("GET", "/sign-up", [200, 303, 303, 200, 200, 200, 200, 200]),
        ("POST", "/sign-in", [422; 8]),
        ("POST", "/sign-up", [422; 8]),
        ("GET", "/home", own_page(200, 200)),
        ("POST", "/pods", own_form(303, 303)),
        ("GET", "/pods/{pod}", own_page(200, 404)),
        ("GET", "/pods/{pod}/delete", own_page(200, 404)),
        ("GET", "/pods/{pod}/usage", own_page(200, 404)),
        ("POST", "/pods/{pod}/pause", own_form(303, 404)),
        ("POST", "/pods/{pod}/resume", own_form(303, 404)),
        ("POST", "/pods/{pod}/devices-meet", own_form(303, 404)),
        ("GET", "/pods/{pod}/devices/new", own_page(200, 404)),
        // The owner has this key already.
        ("POST", "/pods/{pod}/devices/new", own_form(422, 404)),
        ("GET", "/devices/{peer}", own_page(200, 404)),
        ("POST", "/devices/{peer}/check", own_form(200, 404)),
        ("GET", "/devices/{peer}/routes", own_page(200, 404)),
        ("POST", "/devices/{peer}/routes", own_form(303, 404)),
        ("GET", "/devices/{peer}/remove", own_page(200, 404)),
        ("POST", "/call/add_device", own_form(422, 404)),
        ("POST", "/call/client_config", own_form(200, 404)),
        ("POST", "/call/check_connection", own_form(200, 404)),
        ("GET", "/operator/sign-in", [200, 200, 200, 200, 303, 200, 200, 200]),
        ("POST", "/operator/sign-in", [422; 8]),
        ("GET", "/operator/invite/{token}", [404; 8]),
        ("POST", "/operator/invite/{token}", [404; 8]),
        ("GET", "/operator", operator_page(200)),
        ("GET", "/operator/nodes", operator_page(200)),
        ("GET", "/operator/nodes/new", operator_page(200)),
        ("POST", "/operator/nodes/new", operator_form(422)),
        ("GET", "/operator/nodes/{node}", operator_page(200)),
        ("GET", "/operator/nodes/{node}/retire", operator_page(200)),
        ("GET", "/operator/nodes/{node}/drain", operator_page(200)),
        ("POST", "/operator/nodes/{node}/drain", operator_form(303)),
        ("POST", "/operator/nodes/{node}/stop-draining", operator_form(303)),
        ("POST", "/operator/nodes/{node}/resolver", operator_form(303)),
        ("GET", "/operator/pods", operator_page(200)),
        ("GET", "/operator/pods/{pod}/move", operator_page(200)),
        // It is on this node already.
        ("POST", "/operator/pods/{pod}/move", operator_form(303)),
        ("GET", "/operator/pods/{pod}/delete", operator_page(200)),
        ("GET", "/operator/accounts", operator_page(200)),
        ("GET", "/operator/accounts/{account}/suspend", operator_page(200)),
        ("POST", "/operator/accounts/{account}/resume", operator_form(303)),
        ("GET", "/operator/accounts/{account}", operator_page(200)),
        ("POST", "/operator/accounts/{account}/plan", operator_form(303)),
        ("GET", "/operator/plans", operator_page(200)),
        ("GET", "/operator/plans/new", operator_page(200)),
        ("POST", "/operator/plans/new", operator_form(422)),
        ("POST", "/operator/plans/{plan}/default", operator_form(303)),
        // New accounts get it.
        ("POST", "/operator/plans/{plan}/remove", operator_form(409)),
        ("POST", "/operator/nodes/{node}/join", operator_form(200)),
        ("POST", "/devices/{peer}/remove", own_form(303, 404)),
        ("POST", "/pods/{pod}/delete", own_form(303, 404)),
        // Pods are on it.
        ("POST", "/operator/nodes/{node}/retire", operator_form(422)),
        ("POST", "/operator/accounts/{account}/suspend", operator_form(303)),
        // The owner deleted it.
        ("POST", "/operator/pods/{pod}/delete", operator_form(404)),
        ("POST", "/operator/sign-out", [303; 8]),
        ("POST", "/sign-out", [303; 8]),
    ]
}

/// On the node listener only a certificate counts: what a machine without one, a node, a retired
/// node and a machine with a certificate of an unknown key get.
#[rustfmt::skip]
fn node_table() -> Vec<(&'static str, &'static str, [u16; 4])> {
    vec![
        ("POST", "/enrol", [422; 4]),
        ("POST", "/v1/renew", [401, 200, 410, 403]),
        ("GET", "/v1/state", [401, 200, 410, 403]),
        ("POST", "/v1/observed", [401, 422, 410, 403]),
        ("POST", "/v1/usage", [401, 422, 410, 403]),
        ("POST", "/v1/answers", [401, 204, 410, 403]),
    ]
}

struct Things {
    pod: String,
    peer: String,
    /// A device that goes first.
    spare: String,
    /// A token that is revoked.
    pod_token: String,
    /// The texts of tokens for the pod and for another one.
    tokens: [String; 2],
    node: String,
    account: String,
    plan: String,
    /// A plan with a price.
    sold: String,
    /// What the owner has to pay for it.
    invoice: String,
    /// What is no payment.
    payment: String,
    plugin: String,
    /// An event that was given up.
    delivery: String,
    /// A call of the plugin that is kept.
    call: String,
    location: String,
    channel: String,
    /// The last part of a link in a message to it.
    link: String,
}

impl Things {
    fn filled(&self, path: &str) -> String {
        path.replace("{*file}", "app.css")
            .replace("{pod}", &self.pod)
            .replace("{pod_token}", &self.pod_token)
            .replace("{peer}", &self.peer)
            .replace("{node}", &self.node)
            .replace("{account}", &self.account)
            .replace("{hook}/{path}", "nobody/events")
            .replace("{plan}", &self.plan)
            .replace("{invoice}", &self.invoice)
            .replace("{payment}", &self.payment)
            .replace("{plugin}", &self.plugin)
            .replace("{upload}", "upl_00000000000000000000000000000001")
            .replace("{package}", &"0".repeat(64))
            .replace("{delivery}", &self.delivery)
            .replace("{job}", "nightly")
            .replace("{call}", &self.call)
            .replace("{channel}", &self.channel)
            .replace("{link}", &self.link)
            .replace("{code}", "AAAAA-AAAAA")
            .replace("{token}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    }

    /// A request that would be taken from whoever may send it.
    fn request(&self, method: &str, path: &str) -> Request<Body> {
        let url = match method {
            "DELETE" => self.filled(&path.replace("{peer}", &self.spare)),
            _ => self.filled(path),
        };
        let key = public_key(1).to_string();
        let form = |pairs: &[(&str, &str)]| {
            form_request(&url, serde_urlencoded::to_string(pairs).unwrap())
        };
        let call = |input: serde_json::Value| {
            let request = Request::builder()
                .method(method)
                .uri(&url)
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "application/json");
            request.body(Body::from(input.to_string())).unwrap()
        };
        match (method, path) {
            ("GET" | "DELETE", _) => {
                Request::builder().method(method).uri(url).body(Body::empty()).unwrap()
            }
            (_, "/sign-in" | "/sign-up" | "/operator/sign-in") => {
                form(&[("email", "eve@example.org"), ("password", "short")])
            }
            (_, "/operator/invite/{token}") => {
                form(&[("email", "eve@example.org"), ("password", super::PASSWORD)])
            }
            (_, "/operator/plugins/install") => {
                let request = Request::post(&url)
                    .header("sec-fetch-site", "same-origin")
                    .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line");
                request.body(Body::from("--line--\r\n")).unwrap()
            }
            (_, "/operator/plugins/{plugin}/settings") => form(&[("revision", "1")]),
            (_, "/operator/plugins/{plugin}/rollback") => form(&[("version", "7")]),
            (_, "/plan/choose") => form(&[("plan", &self.sold)]),
            (_, "/plan/invoices/{invoice}/pay") => form(&[("method", &self.plugin)]),
            (_, "/operator/invoices/{invoice}/paid") => {
                form(&[("amount", "9.99"), ("reference", "booking 1")])
            }
            (_, "/operator/payments/{payment}/refund") => {
                form(&[("amount", "9.99"), ("reason", "")])
            }
            (_, "/pods/{pod}/devices-meet") => form(&[("meet", "on")]),
            (_, "/operator/nodes/{node}/resolver") => form(&[("upstreams", "")]),
            (_, "/operator/pods/{pod}/move") => form(&[("node", &self.node), ("overlap", "week")]),
            (_, "/pods") => form(&[("location", &self.location)]),
            (_, "/pods/{pod}/devices/new") => form(&[("name", "phone"), ("public_key", &key)]),
            (_, "/devices/{peer}/routes") => form(&[("mode", "everything"), ("networks", "")]),
            (_, "/operator/plans/new") => {
                form(&[("name", ""), ("pods", "1"), ("devices_per_pod", "1")])
            }
            (_, "/operator/accounts/{account}/plan") => form(&[("plan", &self.plan)]),
            (_, "/operator/nodes/new") => {
                form(&[("name", ""), ("location", "x"), ("endpoint", "x.example.org")])
            }
            (_, "/notifications/channels") => form(&[("plugin", &self.plugin), ("address", "")]),
            (_, "/notifications/quiet") => form(&[("begins", ""), ("ends", ""), ("zone", "")]),
            (_, "/notifications/channels/{channel}/verify") => form(&[("code", "AAAAA-AAAAA")]),
            (_, "/pods/{pod}/tokens") => form(&[("name", "another"), ("expiry", "never")]),
            (_, "/api/v1/pods/{pod}/peers") => call(json!({ "name": "phone", "public_key": key })),
            (_, "/api/v1/pods/{pod}/peers/{peer}/routes") => call(json!({ "mode": "everything" })),
            (_, "/call/add_device") => {
                call(json!({ "input": { "pod": self.pod, "name": "phone", "public_key": key } }))
            }
            (_, "/call/client_config" | "/call/check_connection") => {
                call(json!({ "peer": self.peer }))
            }
            _ => form(&[]),
        }
    }
}

async fn things(world: &World) -> Things {
    let olga = world.operator("olga").await;
    let mut node = world.node(&olga, "Berlin").await;
    world.node(&olga, "Oslo").await;
    let ana = world.customer("ana").await;
    let (pod, other) = (ana.pod("Berlin").await, ana.pod("Oslo").await);
    node.report(world).await;
    let peer = ana.device(pod, 1).await.peer.id;
    let spare = ana.device(pod, 2).await.peer.id;
    let token = async |pod: PodId, name: &str| {
        let (pod, name, expiry) = (pod.to_string(), name.to_owned(), "never".to_owned());
        ana.api().create_token(CreateToken { pod, name, expiry }).await.unwrap().token
    };
    let tokens = [token(pod, "a program").await, token(other, "another").await];
    token(pod, "not needed").await;
    let pod_token = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens[0].id;
    world.customer("bob").await;
    let plugin = world.worker("dev.example.one", &[("nightly", "0 3 * * *")]).await;
    jobs::round(&world.context).await.unwrap();
    world.host.fails(ErrorKind::Denied);
    let zoe = world.customer("zoe").await;
    while deliveries::round(&world.context).await.unwrap() {}
    let view = olga.api().get_plugin(&plugin.to_string()).await.unwrap();
    let (delivery, call) = (view.dead[0].id, view.calls[0].id);
    let Caller::Account(account) = zoe.caller else { panic!("zoe is a customer") };
    let (sold, invoice) = bought(&olga, &ana).await;
    let carrier = world.carrier("dev.example.mail").await.to_string();
    let input = AddChannel { plugin: carrier, address: "ana@example.org".to_owned() };
    let channel = ana.api().add_channel(input).await.unwrap();
    let link = channels::unsubscribe_url(&world.context, channel, MessageKind::Usage).unwrap();
    Things {
        channel: channel.to_string(),
        link: link.rsplit('/').next().unwrap().to_owned(),
        pod: pod.to_string(),
        peer: peer.to_string(),
        spare: spare.to_string(),
        pod_token: pod_token.to_string(),
        tokens,
        node: node.id.to_string(),
        account: account.to_string(),
        plugin: plugin.to_string(),
        delivery: delivery.to_string(),
        call: call.to_string(),
        plan: olga.api().list_plans().await.unwrap()[0].id.to_string(),
        sold,
        invoice,
        payment: world.context.new_id::<PaymentId>().to_string(),
        location: ana.api().home().await.unwrap().locations[0].id.to_string(),
    }
}

#[tokio::test]
async fn p13_every_caller_gets_from_every_route_what_the_table_says() {
    let portal = Portal::open().await;
    let things = things(&portal.world).await;
    let (_, certificate) = certified(&portal, "Paris").await;
    let mut node = portal.browser();
    node.certificate = Some(certificate);
    let suspended = portal.signed_in("zoe").await;
    let [program, other_program] = things.tokens.clone().map(|token| portal.program(&token));
    let mut callers = [
        ("a visitor", portal.browser()),
        ("the owner", portal.signed_in("ana").await),
        ("another account", portal.signed_in("bob").await),
        ("a suspended account", suspended),
        ("an operator", portal.operator("olga").await),
        ("a node", node),
        ("a token for the pod", program),
        ("a token for another pod", other_program),
    ];
    let operator = portal.world.operator("root").await;
    operator.api().suspend_account(&things.account).await.unwrap();

    for (method, path, gets) in site_table() {
        // Who may comes last: what is deleted is there for the others to fail on.
        for index in [0, 2, 3, 5, 4, 7, 1, 6] {
            let (who, browser) = &mut callers[index];
            let answer = browser.send(things.request(method, path)).await;
            assert_eq!(answer.status, gets[index], "{method} {path} as {who}: {}", answer.text());
            if answer.status == PAGE && matches!((method, gets[0]), ("GET", PAGE)) {
                let sign_in =
                    if path.starts_with("/operator") { "/operator/sign-in" } else { "/sign-in" };
                assert_eq!(answer.header("location"), sign_in, "{method} {path} as {who}");
            }
        }
    }
}

#[tokio::test]
async fn only_a_live_node_gets_in_at_the_node_listener() {
    let portal = Portal::open().await;
    let olga = portal.world.operator("olga").await;
    let (_, live) = certified(&portal, "Berlin").await;
    let (retired_node, retired) = certified(&portal, "Paris").await;
    use myrelay_app::contract::NodeContract;
    olga.api().retire_node(&retired_node, RetireNode::default()).await.unwrap();
    let context = &portal.world.context;
    let unknown = context.authority.issue_node(
        &csr_pem(),
        retired_node.parse().unwrap(),
        context.deployment.id,
        context.now(),
        [1; 16],
    );
    let unknown = der(&unknown.unwrap().certificate_pem);
    let certificates = [None, Some(live), Some(retired), Some(unknown)];
    for (method, path, gets) in node_table() {
        for (certificate, expected) in certificates.iter().zip(gets) {
            let mut agent = Browser::at(&portal.nodes);
            agent.certificate.clone_from(certificate);
            let body = match path {
                "/v1/renew" => json!({ "csr_pem": csr_pem() }),
                "/v1/answers" => json!({ "request": "req_x", "outcome": "connected" }),
                _ => json!({}),
            };
            let url = if method == "GET" {
                "/v1/state?epoch=0&have=0&instance=00112233445566778899aabbccddeeff"
            } else {
                path
            };
            let request = Request::builder()
                .method(method)
                .uri(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(if method == "GET" { Body::empty() } else { body.to_string().into() });
            let (status, ..) = agent.open(request.unwrap()).await;
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn p13_a_token_for_a_pod_opens_nothing_at_the_node_listener() {
    let portal = Portal::open().await;
    let things = things(&portal.world).await;
    let mut program = Browser::at(&portal.nodes);
    program.bearer = Some(things.tokens[0].clone());
    for (method, path, gets) in node_table() {
        let answer = program.send(things.request(method, path)).await;
        // Joining is for who has the token of a join line, in the body: a form is not JSON.
        let expected = if path == "/enrol" { 415 } else { gets[0] };
        assert_eq!(answer.status, expected, "{method} {path}");
    }
    for (method, path, _) in site_table() {
        let answer = program.send(things.request(method, path)).await;
        assert_eq!(answer.status, 404, "{method} {path} is at the site");
    }
}

/// The rule against other sites leaves out what begins so, and what is left out takes no cookie.
#[test]
fn p13_the_api_and_nothing_else_is_for_tokens() {
    for route in site_routes() {
        assert_eq!(route.path.starts_with(API), route.who == Who::Token, "{}", route.path);
    }
}

#[test]
fn no_route_and_no_server_function_is_missing_from_the_table() {
    let routes = |routes: Vec<crate::http::routes::Route>| -> BTreeSet<(String, String)> {
        routes.into_iter().map(|it| (it.method.to_string(), it.path.to_owned())).collect()
    };
    let row = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    let site: BTreeSet<_> = site_table().into_iter().map(|(m, p, _)| row(m, p)).collect();
    assert_eq!(routes(site_routes()), site);
    let node: BTreeSet<_> = node_table().into_iter().map(|(m, p, _)| row(m, p)).collect();
    assert_eq!(routes(node_routes()), node);
    // Nobody is asked who they are: it listens on loopback alone.
    assert_eq!(routes(metrics_routes()), BTreeSet::from([row("GET", "/metrics")]));

    let functions: BTreeSet<_> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method): (&str, Method)| row(method.as_str(), path))
        .collect();
    let calls = site.into_iter().filter(|(_, path)| path.starts_with("/call/"));
    assert_eq!(functions, calls.collect(), "server functions are routes too");
}

/// A node that joined, by its id, and its certificate.
pub(super) async fn certified(portal: &Portal, name: &str) -> (String, Arc<[u8]>) {
    use myrelay_app::contract::{AddNode, NodeContract};
    let operator = portal.world.operator(&format!("operator-of-{}", name.to_lowercase())).await;
    let input = AddNode {
        name: name.to_owned(),
        location: name.to_owned(),
        endpoint: "vpn.example.org".to_owned(),
    };
    let join = operator.api().add_node(input).await.unwrap();
    let request = enrol_request(&join_token(&join.line));
    let enrolled = desired_state::enrol(&portal.world.context, request).await.unwrap();
    (enrolled.node.to_string(), der(&enrolled.certificate_pem))
}

fn der(pem: &str) -> Arc<[u8]> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().as_ref().into()
}
