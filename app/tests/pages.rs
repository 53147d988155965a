//! Every screen, drawn: what holds for all of them, and what each of them has to say.
#![cfg(feature = "ssr")]

mod money;
mod plugins;
mod samples;

use myrelay_app::{
    Asset, Assets, Content, FormState, Frame, Viewer,
    contract::{PodState, PortalError},
    render,
};
use myrelay_domain::keys::PublicKey;
use samples::{HOSTILE, NOW, device, frame, pod, refused, screens};

fn draw(content: Content, frame: Frame) -> String {
    let asset =
        |name: &str| Asset { path: format!("/assets/{name}"), integrity: format!("sha384-{name}") };
    let assets = Assets {
        css: asset("app.css"),
        boot: asset("boot.js"),
        glue: asset("app.js"),
        wasm: asset("app.wasm"),
        icon: asset("icon.svg"),
    };
    render(content, frame, assets, "the-nonce".to_owned())
}

/// Every sample by its name, as HTML.
fn all() -> Vec<(&'static str, String)> {
    screens().into_iter().map(|(name, content, frame)| (name, draw(content, frame))).collect()
}

fn one(name: &str) -> String {
    let found = screens().into_iter().find(|it| it.0 == name);
    let (_, content, frame) = found.unwrap_or_else(|| panic!("no sample {name}"));
    draw(content, frame)
}

/// The start tags of a page: `<a href="…">`.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<').skip(1).filter_map(|it| it.split_once('>')).map(|it| it.0)
}

/// An attribute of a start tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\"")).and_then(|it| it.1.split_once('"')).map(|it| it.0)
}

#[test]
fn every_screen_has_one_heading_a_title_and_a_way_past_the_navigation() {
    for (name, page) in all() {
        assert!(page.starts_with("<!DOCTYPE html>"), "{name}");
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        let head = page.split("</head>").next().unwrap();
        assert_eq!(head.matches("<title>").count(), 1, "{name}");
        assert!(head.contains(" · MyRelay</title>"), "{name}: its title is not one text");
        assert!(page.contains("<html lang=\"en\""), "{name}");
        assert!(page.contains("href=\"#content\""), "{name}");
        assert!(page.contains("<main id=\"content\""), "{name}");
    }
}

#[test]
fn every_input_has_a_label_and_no_id_stands_twice() {
    for (name, page) in all() {
        let mut ids: Vec<_> = tags(&page).filter_map(|it| attribute(it, "id")).collect();
        for input in tags(&page).filter(|it| it.starts_with("input ")) {
            if input.contains("type=\"hidden\"") {
                continue;
            }
            let id = attribute(input, "id").unwrap_or_else(|| panic!("{name}: {input}"));
            let label =
                tags(&page).any(|it| it.starts_with("label ") && attribute(it, "for") == Some(id));
            assert!(label, "{name}: no label for {id}");
        }
        for described in tags(&page).filter_map(|it| attribute(it, "aria-describedby")) {
            for id in described.split(' ') {
                assert!(ids.contains(&id), "{name}: nothing with the id {id}");
            }
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}");
    }
}

#[test]
fn no_screen_needs_more_than_the_strict_policy_allows() {
    for (name, page) in all() {
        for tag in tags(&page) {
            assert_eq!(attribute(tag, "style"), None, "{name}: {tag}");
            let handler = tag.split(' ').any(|it| it.starts_with("on") && it.contains('='));
            let is_shown_text = tag.contains("&quot; onload=&quot;");
            assert!(!handler || is_shown_text, "{name}: {tag}");
            assert_ne!(tag, "style", "{name}");
            for target in ["href", "src", "action"].iter().filter_map(|it| attribute(tag, it)) {
                // Who pays leaves the site, by a link that says nothing of where it stood.
                let leaves = ["https://", "bitcoin:"].iter().any(|it| target.starts_with(it));
                let quiet = tag.starts_with("a ") && attribute(tag, "rel") == Some("noreferrer");
                assert!(!leaves || quiet, "{name}: {target}");
                assert!(leaves || target.starts_with(['/', '#']), "{name}: {target}");
                assert!(!target.starts_with("//"), "{name}: {target}");
            }
        }
    }
}

#[test]
fn what_people_typed_is_shown_and_never_run() {
    let mut shown = 0;
    for (name, page) in all() {
        assert!(!page.contains("<script>"), "{name}");
        assert!(tags(&page).all(|it| attribute(it, "onload").is_none()), "{name}");
        shown += page.matches("&lt;script&gt;alert(1)").count();
    }
    assert!(shown > 4, "the hostile name is in {shown} places only");
    assert!(one("add-device-refused").contains("value=\"&lt;script"));
    assert_eq!(HOSTILE.matches('<').count(), 2);
}

#[test]
fn only_the_screen_that_makes_keys_loads_a_program() {
    for (name, content, frame) in screens() {
        let makes_keys =
            matches!(&content, Content::AddDevice { pod, .. } if pod.devices.len() < 5);
        let page = draw(content, frame);
        let scripts: Vec<_> = tags(&page).filter(|it| it.starts_with("script")).collect();
        assert_eq!(scripts.len(), usize::from(makes_keys), "{name}");
        assert_eq!(page.contains("wasm"), makes_keys, "{name}");
        for script in scripts {
            assert_eq!(attribute(script, "nonce"), Some("the-nonce"), "{name}");
            assert_eq!(attribute(script, "integrity"), Some("sha384-boot.js"), "{name}");
            assert_eq!(attribute(script, "data-wasm-integrity"), Some("sha384-app.wasm"));
        }
    }
}

#[test]
fn no_key_can_be_made_before_the_program_runs() {
    let page = one("add-device");
    let button = tags(&page).find(|it| attribute(it, "id") == Some("make-key")).unwrap();
    assert!(button.contains(" disabled"), "{button}");
    assert!(page.contains("<noscript>") && page.contains("This part needs JavaScript"));
    let failed = tags(&page).find(|it| attribute(it, "id") == Some("boot-failed")).unwrap();
    assert!(failed.contains(" hidden"), "{failed}");
}

#[test]
fn forms_hold_exactly_the_fields_that_doors_take() {
    for (name, fields) in [
        ("sign-in", vec!["email", "password"]),
        ("sign-up", vec!["email", "password"]),
        ("operator-sign-in", vec!["email", "password"]),
        ("invite", vec!["email", "password"]),
        ("node-add", vec!["name", "location", "endpoint"]),
        ("add-device", vec!["name", "public_key"]),
        ("pod-delete", vec![]),
        ("device-remove", vec![]),
        ("device-routes", vec!["mode", "mode", "mode", "mode", "networks"]),
        ("device", vec![]),
        ("node-retire", vec![]),
        ("remove-plugin", vec![]),
        ("remove-plugin-collecting", vec!["leave"]),
        ("account-suspend", vec![]),
        ("home-room", vec!["location"]),
        (
            "plan-add",
            vec![
                "name",
                "pods",
                "devices_per_pod",
                "price",
                "currency",
                "interval",
                "speed_down",
                "speed_up",
                "quota",
                "then",
                "throttle",
            ],
        ),
        ("plans", vec![]),
        ("account", vec!["plan"]),
    ] {
        let page = one(name);
        let found: Vec<_> = tags(&page)
            .filter(|it| {
                ["input", "select", "textarea", "button"].iter().any(|tag| it.starts_with(tag))
            })
            .filter_map(|it| attribute(it, "name"))
            .collect();
        assert_eq!(found, fields, "{name}");
    }
}

#[test]
fn a_refused_form_says_why_keeps_what_was_typed_and_forgets_the_password() {
    let values = [("email", "ana@example.org"), ("password", "correct horse")];
    let form = refused(&values, PortalError::invalid("email", "give an e-mail address"));
    let page = draw(Content::SignIn(form), frame(Viewer::Visitor, "/sign-in"));
    assert!(page.contains("<title>Error: Sign in"), "{page}");
    assert!(page.contains("role=\"alert\""));
    assert!(page.contains("<a href=\"#field-email\">Give an e-mail address</a>"));
    let input = tags(&page).find(|it| attribute(it, "id") == Some("field-email")).unwrap();
    assert_eq!(attribute(input, "aria-invalid"), Some("true"));
    assert_eq!(attribute(input, "value"), Some("ana@example.org"));
    assert!(!page.contains("correct horse"));

    let busy = one("sign-in-busy");
    assert!(busy.contains("The service is busy: try again in 3 seconds"));
    assert!(!busy.contains("href=\"#field-"));
}

#[test]
fn a_state_is_a_word() {
    for (name, word) in [
        ("pod", "Ready"),
        ("pod-empty", "Waiting for the node"),
        ("pod-full", "Node away"),
        ("pod-faulty", "Not working"),
        ("pod-stopped", "Over quota"),
        ("pod-throttled", "Over quota, slowed"),
        ("home-over-quota", "Over quota"),
        ("home-over-quota", "Over quota, slowed"),
        ("pods-over-quota", "Over quota"),
        ("pods-over-quota", "Over quota, slowed"),
        ("device-stopped", "Over quota"),
        ("device-connected", "Connected"),
        ("device-not-connected", "Not connected"),
        ("nodes", "In contact"),
        ("nodes", "Waiting to join"),
        ("nodes", "Retired"),
        ("accounts", "Suspended"),
    ] {
        assert!(one(name).contains(&format!(">{word}</")), "{name}: {word}");
    }
    for name in ["pod-stopped", "pod-throttled", "device-stopped"] {
        assert!(!one(name).contains(">Ready</"), "{name}: no device is ready there");
    }
}

#[test]
fn a_time_is_relative_and_exact() {
    let page = one("node");
    assert!(page.contains("datetime=\"2026-03-20T09:29:57Z\""), "{page}");
    assert!(page.contains("title=\"20 March 2026, 09:29:57 UTC\""));
    assert!(page.contains(">just now</time>"));
    assert!(page.contains(">in 20 hours</time>"));
    assert_eq!(NOW % 1000, 0);
}

#[test]
fn a_device_shows_a_configuration_that_lacks_its_private_key() {
    let page = one("device");
    assert!(page.contains("PrivateKey = &lt;private key of this device&gt;"));
    assert!(page.contains("Address = 10.86.0.2/32, fd5a:1b2c:3d4e:7::2/128"));
    assert!(page.contains("Endpoint = fra-1.relay.example:51820"));
    let mut hostile = device("Phone", true);
    if let Some(config) = &mut hostile.config {
        config.endpoint = "fra-1:51820\nPostUp = id".to_owned();
    }
    let content = Content::Device { device: hostile, connection: None };
    let page = draw(content, frame(Viewer::Visitor, "/"));
    assert!(!page.contains("PostUp"));
}

#[test]
fn a_full_pod_takes_no_device_and_says_why() {
    let page = one("add-device-full");
    assert!(page.contains("Your plan has 5 devices per location"));
    assert!(!page.contains("<form method=\"post\" action=\"/pods"));
    let form = FormState::default();
    let room = Content::AddDevice { pod: pod(4, PodState::Ready), form };
    assert!(draw(room, frame(Viewer::Visitor, "/")).contains("make-key"));
}

#[test]
fn everybody_gets_their_own_navigation() {
    let home = one("home");
    assert!(home.contains("action=\"/sign-out\"") && home.contains("ana@example.org"));
    assert!(!home.contains("/operator"));
    let overview = one("overview");
    assert!(overview.contains("action=\"/operator/sign-out\""));
    let here = tags(&overview).find(|it| it.contains("aria-current")).unwrap();
    assert_eq!(attribute(here, "href"), Some("/operator"));
    assert!(!one("sign-in").contains("sign-out"));
    assert!(one("error-signed-out").contains("href=\"/operator/sign-in\""));
    let refused = one("error-refused");
    assert!(refused.contains("This request was refused") && refused.contains("href=\"/home\""));
}

#[test]
fn a_chart_is_a_picture_with_words_and_a_table() {
    let page = one("usage");
    let pictures: Vec<_> = tags(&page).filter(|it| it.contains("chart-picture")).collect();
    assert_eq!(pictures.len(), 2, "hours and days");
    for picture in pictures {
        assert_eq!(attribute(picture, "role"), Some("img"));
        for id in attribute(picture, "aria-labelledby").unwrap().split(' ') {
            assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
        }
    }
    assert_eq!(page.matches("class=\"chart-bar\"").count(), 48 + 62);
    assert_eq!(page.matches("Show as a table").count(), 2);
    let rows = tags(&page).filter(|it| *it == "tr role=\"row\"").count();
    assert_eq!(rows, 1 + 48 + 1 + 62);
    assert!(page.contains("Most was moved on"), "{page}");
    // The newest comes first in the table.
    let body = page.split("<tbody").nth(1).unwrap();
    assert!(body.find("20 Mar, 09:00").unwrap() < body.find("20 Mar, 08:00").unwrap());

    let empty = one("usage-new");
    assert_eq!(empty.matches("Nothing was moved in this time").count(), 2);
    assert!(!empty.contains("chart-picture"));
}

#[test]
fn data_that_is_used_up_says_what_happens_and_until_when() {
    for (name, words) in [
        ("usage", "43\u{a0}GB of 100\u{a0}GB used this month"),
        ("usage", "200\u{a0}Mbit/s down, 50\u{a0}Mbit/s up"),
        ("usage", ">in 11 days</time>"),
        ("usage-nearly", "86 % of this month&#x27;s data is used"),
        ("usage-stopped", "Used up: stopped"),
        ("account", "Used up: slowed down"),
        ("account", "go on at 2\u{a0}Mbit/s until the next month"),
        ("pod", "8.73\u{a0}GB used this month"),
        ("plans", "100\u{a0}GB, then 2\u{a0}Mbit/s"),
        ("plans", "100\u{a0}GB, then stopped"),
    ] {
        let page = one(name);
        assert!(
            page.contains(words) || page.contains(&words.replace("&#x27;", "'")),
            "{name}: {words}"
        );
    }
    assert!(!one("usage").contains("Used up") && !one("usage-nearly").contains("Used up"));
}

#[test]
fn only_a_plan_that_nobody_has_can_be_removed() {
    let page = one("plans");
    assert_eq!(page.matches("/remove\"").count(), 1);
    assert_eq!(page.matches("/default\"").count(), 2, "the default is it already");
}

#[test]
fn p33_a_choice_of_routes_stands_in_the_form_and_in_the_configuration() {
    for (name, mode, networks) in [
        ("device-routes", "everything", ""),
        ("device-routes-local", "except-local", ""),
        ("device-routes-split", "except", "198.51.100.0/24\n2001:db8::/32"),
        (
            "device-routes-refused",
            "except",
            "192.168.1.77/24\n&lt;/textarea&gt;&lt;script&gt;alert(1)",
        ),
    ] {
        let page = one(name);
        let chosen: Vec<_> = tags(&page)
            .filter(|it| it.contains(" checked"))
            .filter_map(|it| attribute(it, "value"))
            .collect();
        assert_eq!(chosen, [mode], "{name}");
        let text = page.split_once("<textarea").unwrap().1.split_once("</textarea>").unwrap().0;
        assert_eq!(text.split_once('>').unwrap().1, networks, "{name}");
    }
    let refused = one("device-routes-refused");
    assert!(refused.contains("<a href=\"#field-networks\">"));
    assert!(refused.contains("the network is 192.168.1.0/24"));

    let whole = one("device");
    assert!(whole.contains("AllowedIPs = 0.0.0.0/0, ::/0"));
    assert!(whole.contains("href=\"/devices/") && whole.contains("/routes\""));
    assert!(!whole.contains("only when everything goes through it"));
    let split = one("device-split");
    assert!(split.contains("198.51.100.0/24\n2001:db8::/32"));
    assert!(split.contains("AllowedIPs = 0.0.0.0/1, 128.0.0.0/2,") && !split.contains("0.0.0.0/0"));
    // Apps that block no longer do, and a name is no address to leave outside.
    assert!(split.contains("only when everything goes through it"));
    assert!(split.contains("fra-1.relay.example:51820 is a name"));
    let local = one("device-split-local");
    assert!(local.contains("Everything but local networks goes through the tunnel."));
    assert!(local.contains("10.86.0.0/26") && local.contains("fd5a:1b2c:3d4e:7::/64"));
}

#[test]
fn forms_of_nodes_and_pods_hold_exactly_the_fields_that_doors_take() {
    for (name, fields) in [
        ("pod", vec!["meet"]),
        ("pod-paused", vec!["meet"]),
        ("node", vec!["upstreams"]),
        ("node-draining", vec!["upstreams"]),
        ("node-drain", vec![]),
        ("node-retire-lost", vec!["name"]),
        ("node-retire-serving", vec![]),
        ("pod-move", vec!["node", "overlap"]),
        ("pod-move-nowhere", vec![]),
        ("pod-delete-any", vec![]),
        ("tokens", vec!["name", "expiry"]),
        ("tokens-full", vec![]),
        ("token-revoke", vec![]),
    ] {
        let page = one(name);
        let found: Vec<_> = tags(&page)
            .filter(|it| ["input", "select", "button"].iter().any(|tag| it.starts_with(tag)))
            .filter_map(|it| attribute(it, "name"))
            .collect();
        assert_eq!(found, fields, "{name}");
    }
}

#[test]
fn whose_location_moved_is_told_two_lines_and_by_when() {
    let page = one("pod-moved");
    assert!(page.contains("until 26 March 2026, 09:30 UTC"), "{page}");
    assert!(page.contains("whole new configuration"), "split tunnels leave out the server");
    let key = PublicKey::from_bytes([78; 32]).unwrap();
    let lines = format!("PublicKey = {key}\nEndpoint = fra-2.relay.example:51820");
    assert!(page.contains(&lines), "{page}");
    let waiting = one("pod-moved-waiting");
    assert!(!waiting.contains("PublicKey =") && waiting.contains("as soon as the new"));
    assert!(waiting.contains("does not work any more"), "nobody serves it as it was");
    assert!(!one("pod").contains("moved to a new server"));
}

#[test]
fn a_nodes_page_says_what_is_wrong_and_what_to_do() {
    for (name, words) in [
        ("node-troubled", "66 minutes behind the portal"),
        ("node-troubled", "timedatectl set-ntp true"),
        ("node-troubled", "no uplink: no route to 192.0.2.1"),
        ("node-troubled", "wg-other"),
        ("node-troubled", ">Weak</span>"),
        ("node-troubled", "systemctl status fail2ban"),
        ("node-troubled", "tls://9.9.9.9#dns.quad9.net"),
        ("node-troubled", "The newest 3 of 128"),
        ("node-quarantined", "Two agents ran with its identity"),
        ("node-draining", "12 of 40 pods moved"),
        ("node-draining", "3 pods that moved away are still served here, until 27 March 2026"),
        ("node-drained", "When that is over you can retire the node"),
        ("node-stuck", "add a node with the location Frankfurt"),
        ("node-retire-lost", "Type fra-1 to say that it is lost"),
        ("pod-move-nowhere", "add a node with the location Frankfurt"),
    ] {
        assert!(one(name).contains(words), "{name}: {words}");
    }
    assert!(!one("node-draining").contains("/drain\""), "it is being drained already");
}

#[test]
fn a_token_is_shown_once_and_its_use_by_the_day() {
    let page = one("token-new");
    assert!(page.contains(&format!(">myr_pod_{}<", &"k3Jq".repeat(11)[..43])), "{page}");
    assert!(page.contains("Shown this once") && page.contains("20 March 2027, 09:30 UTC"));
    assert!(one("token-new-endless").contains("It has no end"));

    let list = one("tokens");
    assert!(!list.contains("myr_pod_"), "a list shows no token");
    for words in [">Today<", ">11 March 2026<", ">Not yet<", ">Never<", ">Over</span>"] {
        assert!(list.contains(words), "{words}");
    }
    assert_eq!(list.matches("/revoke\"").count(), 4);
    let chosen = |page: &str| {
        let option = tags(page).find(|it| it.starts_with("option") && it.contains(" selected"));
        option.and_then(|it| attribute(it, "value")).map(str::to_owned)
    };
    assert_eq!(chosen(&list).as_deref(), Some("1-year"));
    let refused = one("tokens-refused");
    assert_eq!(chosen(&refused).as_deref(), Some("never"), "what was chosen is kept");
    assert!(refused.contains("<a href=\"#field-name\">Another token here has this name</a>"));
    assert!(one("tokens-empty").contains("No tokens yet"));
    assert!(one("tokens-full").contains("at most 20 tokens"));
}
