//! The API as a script uses it, with a token that a customer made on the page.

use std::{num::NonZeroU32, time::Duration};

use axum::{
    body::Body,
    http::{Request, header},
};
use futures::join;
use myrelay_app::contract::{
    AccountContract, AddPlan, CreateToken, PlanContract, PodContract, TokenContract,
};
use myrelay_domain::ids::PodId;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Answer, Browser, Portal, Setup};
use crate::{
    config::Rates,
    context::Caller,
    desired_state,
    http::routes::{Who, site_routes},
    testing::{Actor, TestNode, World, pod_key, public_key, stories},
};

/// What the page with a new token shows.
fn shown(page: &str) -> String {
    let (_, rest) = page.split_once(">myr_pod_").unwrap();
    format!("myr_pod_{}", rest.split_once('<').unwrap().0)
}

async fn token(actor: &Actor<'_>, pod: PodId) -> String {
    let input = CreateToken {
        pod: pod.to_string(),
        name: "script".to_owned(),
        expiry: "30-days".to_owned(),
    };
    actor.api().create_token(input).await.unwrap().token
}

fn peer(number: u8) -> Value {
    json!({ "name": format!("device {number}"), "public_key": public_key(number).to_string() })
}

async fn add(script: &mut Browser, pod: PodId, number: u8) -> Answer {
    script.ask("POST", &format!("/api/v1/pods/{pod}/peers"), Some(peer(number))).await
}

fn problem(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
    let said = answer.json();
    assert!(!said["message"].as_str().unwrap().is_empty(), "{said}");
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("field"))
}

fn is(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.to_owned(), field.to_owned())
}

/// A node in contact, a customer with a pod on it that has its key, and the pod's token.
async fn ready(world: &World) -> (TestNode, Actor<'_>, PodId, String) {
    let olga = world.operator("olga").await;
    let mut node = world.node(&olga, "Frankfurt").await;
    let ana = world.customer("ana").await;
    let pod = ana.pod("Frankfurt").await;
    node.report(world).await;
    let token = token(&ana, pod).await;
    (node, ana, pod, token)
}

stories! {
    async fn p13_a_customer_makes_a_token_and_a_script_manages_the_pods_devices(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        node.report(&world).await;
        let portal = Portal::of(world, Setup::default());
        let world = &portal.world;
        let mut browser = portal.signed_in("ana").await;
        let page = format!("/pods/{pod}/tokens");
        let form = [("name", "office router"), ("expiry", "1-year")];
        let made = browser.post(&page, &form).await;
        assert_eq!((made.status, made.header("cache-control")), (200, "no-store"));
        let token = shown(&made.text());
        let again = browser.post(&page, &form).await;
        assert_eq!(again.status, 422, "the form sent twice makes no second one");
        assert!(again.text().contains("Another token here has this name"), "{}", again.text());
        let listed = browser.get(&page).await.text();
        assert!(listed.contains("office router") && !listed.contains(&token));

        let mut script = portal.program(&token);
        let pods = script.ask("GET", "/api/v1/pods", None).await;
        assert_eq!((pods.status, pods.header("content-type")), (200, "application/json"));
        let about = pods.json()["pods"][0].clone();
        assert_eq!(about["id"], pod.to_string());
        assert_eq!((&about["location"], &about["state"]), (&json!("Frankfurt"), &json!("ready")));
        assert_eq!(about["endpoint"], "frankfurt.example.org:51820");
        assert_eq!(about["public_key"], pod_key(pod).to_string());
        assert_eq!((&about["ranges"][0], &about["peers"]), (&json!("10.64.0.0/26"), &json!(0)));
        let one = script.ask("GET", &format!("/api/v1/pods/{pod}"), None).await;
        assert_eq!(one.json(), about);

        let added = add(&mut script, pod, 1).await;
        assert_eq!(added.status, 201, "{}", added.text());
        let mut device = added.json();
        assert_eq!((&device["name"], &device["state"]), (&json!("device 1"), &json!("pending")));
        assert_eq!(device["addresses"][0], "10.64.0.2/32");
        assert_eq!(device["routes"], json!({ "mode": "everything", "networks": [] }));
        assert_eq!(device["created_at"], "2026-01-01T00:00:00Z");
        let path = format!("/api/v1/pods/{pod}/peers/{}", device["id"].as_str().unwrap());
        assert_eq!(added.header("location"), path);

        node.report(world).await;
        let read = script.ask("GET", &path, None).await.json();
        device["state"] = json!("applied");
        assert_eq!(read, device);
        let list = script.ask("GET", &format!("/api/v1/pods/{pod}/peers"), None).await.json();
        assert_eq!(list, json!({ "peers": [device], "next": null }));

        let config = script.ask("GET", &format!("{path}/config"), None).await.json();
        assert_eq!(config["interface"]["addresses"], device["addresses"]);
        assert_eq!(config["interface"]["dns"], json!(["192.0.2.53"]));
        assert_eq!(config["interface"]["mtu"], 1420);
        assert_eq!(config["peer"]["public_key"], about["public_key"]);
        assert_eq!(config["peer"]["endpoint"], about["endpoint"]);
        assert_eq!(config["peer"]["allowed_ips"], json!(["0.0.0.0/0", "::/0"]));
        assert_eq!(config["peer"]["persistent_keepalive"], 25);

        let routes = json!({ "mode": "only", "networks": ["198.51.100.0/24", "192.0.2.0/24"] });
        let chosen = script.ask("PUT", &format!("{path}/routes"), Some(routes)).await;
        assert_eq!(chosen.status, 200, "{}", chosen.text());
        let expected = json!({ "mode": "only", "networks": ["192.0.2.0/24", "198.51.100.0/24"] });
        assert_eq!(chosen.json()["routes"], expected);
        let config = script.ask("GET", &format!("{path}/config"), None).await.json();
        assert!(config["peer"]["allowed_ips"].as_array().unwrap().contains(&json!("192.0.2.0/24")));

        let gone = script.ask("DELETE", &path, None).await;
        assert_eq!((gone.status, gone.text().as_str()), (204, ""));
        assert_eq!(problem(&script.ask("DELETE", &path, None).await), is(404, "not_found", ""));
        let list = script.ask("GET", &format!("/api/v1/pods/{pod}/peers"), None).await.json();
        assert_eq!(list["peers"], json!([]));
    }

    async fn a_script_that_waits_is_told_that_the_node_has_the_device(world) {
        let (mut node, _ana, pod, token) = ready(&world).await;
        let portal = Portal::of(world, Setup::default());
        let world = &portal.world;
        let mut script = portal.program(&token);
        let path = format!("/api/v1/pods/{pod}/peers?wait=10s");
        let obey = async {
            loop {
                let state = desired_state::snapshot(&world.context, node.id).await.unwrap();
                if !state.pods[&pod].peers.is_empty() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            node.report(world).await;
        };
        let obey = timeout(Duration::from_secs(30), obey);
        let (added, obeyed) = join!(script.ask("POST", &path, Some(peer(1))), obey);
        obeyed.unwrap();
        assert_eq!((added.status, &added.json()["state"]), (201, &json!("applied")));

        for wait in ["", "0s", "11s", "5", "-1s", "5m", "1.5s"] {
            let path = format!("/api/v1/pods/{pod}/peers?wait={wait}");
            let refused = script.ask("POST", &path, Some(peer(2))).await;
            assert_eq!(problem(&refused), is(422, "invalid", "wait"), "{wait}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM peers").await, 1);
    }

    async fn twice_unknown_someone_elses_and_over_the_limit_are_told_apart(world) {
        let (_node, ana, pod, token) = ready(&world).await;
        let olga = world.operator("olaf").await;
        world.node(&olga, "Oslo").await;
        let bob = world.customer("bob").await;
        let theirs = bob.pod("Frankfurt").await;
        let their_peer = bob.device(theirs, 9).await.peer.id;
        let oslo = ana.pod("Oslo").await;
        let own_elsewhere = ana.device(oslo, 9).await.peer.id;
        let (ana, pods) = (ana.caller, [oslo, theirs]);
        let portal = Portal::of(world, Setup::default());
        let mut script = portal.program(&token);

        let first = add(&mut script, pod, 1).await.json();
        let first = first["id"].as_str().unwrap();
        let twice = add(&mut script, pod, 1).await;
        assert_eq!(problem(&twice), is(409, "taken", "public_key"));
        for number in 2..=5 {
            assert_eq!(add(&mut script, pod, number).await.status, 201);
        }
        let more = add(&mut script, pod, 6).await;
        assert_eq!(problem(&more), is(409, "limit", ""));
        assert!(more.text().contains("your plan has 5 devices"), "{}", more.text());

        let unknown = "peer_00000000000000000000000000000001".to_owned();
        for id in [their_peer.to_string(), own_elsewhere.to_string(), unknown, "x".to_owned()] {
            let path = format!("/api/v1/pods/{pod}/peers/{id}");
            for (method, path) in
                [("GET", path.clone()), ("GET", format!("{path}/config")), ("DELETE", path)]
            {
                let answer = script.ask(method, &path, None).await;
                assert_eq!(problem(&answer), is(404, "not_found", ""), "{method} {path}");
            }
        }
        for foreign in pods {
            assert_eq!(add(&mut script, foreign, 7).await.status, 404, "{foreign}");
            // Its own device is not there either.
            let path = format!("/api/v1/pods/{foreign}/peers/{first}");
            assert_eq!(script.ask("DELETE", &path, None).await.status, 404, "{foreign}");
            let path = format!("/api/v1/pods/{foreign}/peers");
            assert_eq!(script.ask("GET", &path, None).await.status, 404, "{foreign}");
        }
        assert!(portal.world.api(ana).get_pod(&pod.to_string()).await.unwrap().devices.len() == 5);
    }

    async fn a_token_that_does_not_count_any_more_is_refused_at_once(world) {
        let (_node, ana, pod, token) = ready(&world).await;
        let Caller::Account(account) = ana.caller else { panic!("ana is a customer") };
        let operator = world.operator("olaf").await.caller;
        let portal = Portal::of(world, Setup::default());
        let mut script = portal.program(&token);
        let mut status = async || {
            let answer = script.ask("GET", "/api/v1/pods", None).await;
            if answer.status == 401 {
                assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
                assert_eq!(problem(&answer), is(401, "no_token", ""));
            }
            answer.status
        };
        assert_eq!(status().await, 200);
        let operator = portal.world.api(operator);
        operator.suspend_account(&account.to_string()).await.unwrap();
        assert_eq!(status().await, 401, "suspended");
        operator.resume_account(&account.to_string()).await.unwrap();
        assert_eq!(status().await, 200);

        let mut browser = portal.signed_in("ana").await;
        let listed = browser.get(&format!("/pods/{pod}/tokens")).await.text();
        let (_, rest) = listed.split_once("/tokens/").unwrap();
        let path = format!("/pods/{pod}/tokens/{}", rest.split_once('"').unwrap().0);
        assert!(browser.get(&path).await.text().contains("Revoke script"));
        assert_eq!(browser.post(&path, &[]).await.status, 303);
        assert_eq!(status().await, 401, "revoked");
        assert_eq!(browser.post(&path, &[]).await.status, 404, "twice");
    }
}

#[tokio::test]
async fn p24_a_token_in_a_url_is_refused() {
    let world = World::on_sqlite().await;
    let (_node, _ana, pod, token) = ready(&world).await;
    let portal = Portal::of(world, Setup::default());
    let mut script = portal.program(&token);
    let mut visitor = portal.browser();
    let encoded = token.replace('_', "%5F");
    for query in [
        format!("access_token={token}"),
        format!("Token={token}"),
        format!("after={token}"),
        token.clone(),
        format!("x={encoded}"),
        "authorization=Bearer+x".to_owned(),
    ] {
        let path = format!("/api/v1/pods/{pod}/peers?{query}");
        for asks in [&mut script, &mut visitor] {
            let answer = asks.ask("POST", &path, Some(peer(1))).await;
            assert_eq!(problem(&answer), is(400, "bad_request", ""), "{query}");
            assert!(answer.text().contains("revoke this one") && !answer.text().contains(&token));
        }
    }
    assert_eq!(portal.world.count("SELECT COUNT(*) FROM peers").await, 0);
}

#[tokio::test]
async fn p13_only_a_token_in_the_header_opens_the_api() {
    let world = World::on_sqlite().await;
    let (_node, _ana, pod, token) = ready(&world).await;
    let portal = Portal::of(world, Setup::default());
    let secret = token.strip_prefix("myr_pod_").unwrap().to_owned();
    let ask = |lines: &[&str]| {
        let mut request = Request::get(format!("/api/v1/pods/{pod}"));
        for line in lines {
            request = request.header(header::AUTHORIZATION, *line);
        }
        request.body(Body::empty()).unwrap()
    };
    let good = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    let mut anybody = portal.signed_in("ana").await;
    for line in [&good, &lower] {
        assert_eq!(anybody.send(ask(&[line])).await.status, 200, "beside a cookie it counts");
    }
    let none = anybody.send(ask(&[])).await;
    assert_eq!(
        (none.status, none.header("www-authenticate")),
        (401, "Bearer"),
        "a cookie does not"
    );
    assert_eq!(none.header("set-cookie"), "");
    for lines in [
        vec![token.as_str()],
        vec![&secret],
        vec!["Bearer "],
        vec!["Bearer myr_pod_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        vec![&good, &good],
    ] {
        assert_eq!(anybody.send(ask(&lines)).await.status, 401, "{lines:?}");
    }
    for line in [format!("Basic {token}"), format!("Bearer {secret}"), format!("{good} x")] {
        assert_eq!(anybody.send(ask(&[&line])).await.status, 401, "{line}");
    }
    let mut script = portal.program(&token);
    for path in ["/home".to_owned(), format!("/pods/{pod}"), "/operator".to_owned()] {
        assert_eq!(script.get(&path).await.status, 303, "{path} leads to the sign-in");
    }
}

#[tokio::test]
async fn what_a_script_got_wrong_it_is_told_by_status_code_and_field() {
    let world = World::on_sqlite().await;
    let (_node, _ana, pod, token) = ready(&world).await;
    let portal = Portal::of(world, Setup::default());
    let mut script = portal.program(&token);
    let path = format!("/api/v1/pods/{pod}/peers");
    let key = public_key(1).to_string();
    for (input, expected) in [
        (json!({ "public_key": key }), is(422, "invalid", "name")),
        (json!({ "name": "phone" }), is(422, "invalid", "public_key")),
        (json!({ "name": "phone", "public_key": "AAAA" }), is(422, "invalid", "public_key")),
        (json!({ "name": "p", "public_key": key, "host": 9 }), is(422, "invalid", "body")),
        (json!({ "name": 7, "public_key": key }), is(422, "invalid", "body")),
        (json!([]), is(422, "invalid", "body")),
        (json!(["phone", key]), is(422, "invalid", "body")),
        (json!({ "name": "p", "private_key": key }), is(422, "invalid", "private_key")),
    ] {
        let answer = script.ask("POST", &path, Some(input.clone())).await;
        assert_eq!(problem(&answer), expected, "{input}");
    }
    let send = |kind: &'static str, body: Vec<u8>| {
        let request = Request::post(&path).header(header::CONTENT_TYPE, kind);
        request.body(Body::from(body)).unwrap()
    };
    for (kind, body, expected) in [
        ("application/json", b"{\"name\":".to_vec(), is(400, "bad_request", "body")),
        ("text/plain", b"{}".to_vec(), is(415, "not_json", "")),
        ("application/json", vec![b' '; 1024 * 1024 + 1], is(413, "too_large", "")),
    ] {
        assert_eq!(problem(&script.send(send(kind, body)).await), expected, "{kind}");
    }
    for (method, path, expected) in [
        ("PATCH", path.clone(), is(405, "wrong_method", "")),
        ("GET", format!("{path}?after=x"), is(422, "invalid", "after")),
        ("GET", format!("{path}?page=2"), is(422, "invalid", "query")),
        ("GET", "/api/v1/nothing".to_owned(), is(404, "not_found", "")),
        ("POST", "/api/v2/pods".to_owned(), is(404, "not_found", "")),
    ] {
        assert_eq!(problem(&script.ask(method, &path, None).await), expected, "{method} {path}");
    }
    let made = add(&mut script, pod, 1).await.json();
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let routes = format!("{one}/routes");
    // Whoever believes in a parameter that is not there is told, before anything happens.
    for (method, path, input) in [
        ("GET", "/api/v1/pods".to_owned(), None),
        ("GET", format!("/api/v1/pods/{pod}"), None),
        ("GET", one.clone(), None),
        ("GET", format!("{one}/config"), None),
        ("PUT", routes.clone(), Some(json!({ "mode": "everything" }))),
        ("DELETE", one.clone(), None),
    ] {
        let answer = script.ask(method, &format!("{path}?dry_run=1"), input).await;
        assert_eq!(problem(&answer), is(422, "invalid", "query"), "{method} {path}");
    }
    for (input, field) in [
        (json!({}), "mode"),
        (json!({ "mode": "some" }), "mode"),
        (json!({ "mode": "only", "networks": ["192.0.2.1/24"] }), "networks"),
        (json!({ "mode": "only", "networks": "192.0.2.0/24" }), "body"),
    ] {
        let answer = script.ask("PUT", &routes, Some(input.clone())).await;
        assert_eq!(problem(&answer), is(422, "invalid", field), "{input}");
    }
}

#[tokio::test]
async fn a_configuration_is_there_when_the_node_has_made_the_pods_key() {
    let world = World::on_sqlite().await;
    let olga = world.operator("olga").await;
    let mut node = world.node(&olga, "Frankfurt").await;
    let ana = world.customer("ana").await;
    let pod = ana.pod("Frankfurt").await;
    let token = token(&ana, pod).await;
    let portal = Portal::of(world, Setup::default());
    let mut script = portal.program(&token);
    let about = script.ask("GET", &format!("/api/v1/pods/{pod}"), None).await.json();
    assert_eq!((&about["state"], &about["public_key"]), (&json!("waiting_for_node"), &json!(null)));
    let made = add(&mut script, pod, 1).await.json();
    let path = format!("/api/v1/pods/{pod}/peers/{}/config", made["id"].as_str().unwrap());
    assert_eq!(problem(&script.ask("GET", &path, None).await), is(503, "unavailable", ""));
    node.report(&portal.world).await;
    assert_eq!(script.ask("GET", &path, None).await.status, 200);
}

#[tokio::test]
async fn a_long_list_comes_by_the_page() {
    let world = World::on_sqlite().await;
    let olga = world.operator("olga").await;
    let plan = AddPlan {
        name: "Large".to_owned(),
        pods: "1".to_owned(),
        devices_per_pod: "61".to_owned(),
        ..AddPlan::default()
    };
    olga.api().add_plan(plan).await.unwrap();
    let plans = olga.api().list_plans().await.unwrap();
    let large = plans.iter().find(|it| it.name == "Large").unwrap().id.to_string();
    olga.api().make_default_plan(&large).await.unwrap();
    let (_node, ana, pod, token) = {
        let node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let token = token(&ana, pod).await;
        (node, ana, pod, token)
    };
    let mut expected = Vec::new();
    for number in 1..=53 {
        expected.push(ana.device(pod, number).await.peer.id.to_string());
    }
    let portal = Portal::of(world, Setup::default());
    let mut script = portal.program(&token);
    let path = format!("/api/v1/pods/{pod}/peers");
    let ids = |page: &Value| -> Vec<String> {
        let peers = page["peers"].as_array().unwrap();
        peers.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = script.ask("GET", &path, None).await.json();
    let next = first["next"].as_str().unwrap();
    let second = script.ask("GET", &format!("{path}?after={next}"), None).await.json();
    assert_eq!((ids(&first).len(), &second["next"]), (50, &json!(null)));
    assert_eq!([ids(&first), ids(&second)].concat(), expected);
}

#[tokio::test]
async fn wrong_tokens_are_tried_a_few_times_and_a_token_counts_from_everywhere() {
    let world = World::on_sqlite().await;
    let (_node, _ana, _pod, token) = ready(&world).await;
    let number = |it| NonZeroU32::new(it).unwrap();
    let rates = Rates { any: number(8), sign_in: number(3), enrol: number(2) };
    let portal = Portal::of(world, Setup { rates, ..Setup::default() });
    let mut guess = portal.program("myr_pod_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for _ in 0..3 {
        assert_eq!(guess.get("/api/v1/pods").await.status, 401);
    }
    let refused = guess.get("/api/v1/pods").await;
    assert_eq!(problem(&refused), is(429, "too_many_requests", ""));
    assert!(!refused.header("retry-after").is_empty());
    guess.bearer = None;
    assert_eq!(guess.get("/sign-in").await.status, 200, "people there can still sign in");

    let mut script = portal.program(&token);
    for last in 1..=8 {
        script.ip = [198, 51, 100, last].into();
        assert_eq!(script.get("/api/v1/pods").await.status, 200, "request {last}");
    }
    script.ip = [198, 51, 100, 9].into();
    let refused = script.get("/api/v1/pods").await;
    assert_eq!(problem(&refused), is(429, "too_many_requests", ""));
}

#[test]
fn the_document_names_every_route_of_the_api() {
    let document = include_str!("../../../../docs/api.md");
    let named: Vec<&str> = document.lines().filter_map(|it| it.strip_prefix("## ")).collect();
    let routes = site_routes().into_iter().filter(|it| it.who == Who::Token);
    let mut found = 0;
    for route in routes {
        let line = format!("`{} {}`", route.method, route.path);
        assert!(named.contains(&line.as_str()), "docs/api.md does not explain {line}");
        found += 1;
    }
    let explained = named.iter().filter(|it| it.starts_with('`')).count();
    assert_eq!(found, explained, "docs/api.md explains a route that is gone");
}
