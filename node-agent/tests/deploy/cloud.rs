//! What the cloud is told: cloud-init's file takes any value as that value, and the firewall before
//! the machine is the same as the machine's own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    machine::Machine,
    programs::{cannot_run, command, said, told, unpacked},
};

const CLOUD_INIT: &str = include_str!("../../deploy/cloud-init.yaml");
const TERRAFORM: &str = include_str!("../../deploy/terraform/hetzner/main.tf");

/// Fills the template in as Terraform's `templatefile` does.
fn rendered(values: &Value) -> String {
    let mut parts = CLOUD_INIT.split("${");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once('}').unwrap();
        let name = expression.strip_prefix("jsonencode(").and_then(|it| it.strip_suffix(')'));
        text.push_str(&values[name.unwrap()].to_string());
        text.push_str(rest);
    }
    text
}

/// What cloud-init's own YAML parser makes of a text.
fn parsed(text: &str) -> Value {
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))";
    let mut python = command("python3");
    python.env("PYTHONPATH", unpacked().join("usr/lib/python3/dist-packages"));
    serde_json::from_str(&said(python.args(["-c", script, text]))).unwrap()
}

#[test]
fn p36_no_value_breaks_out_of_cloud_init() {
    if cannot_run() {
        return;
    }
    let plain = "https://portal.example.org:8441";
    for hostile in [
        plain,
        "a\"\nruncmd:\n  - [reboot]\n#",
        "'; reboot; '",
        "$(reboot) `reboot` ${token} %{ if true }",
        "]\n- [reboot",
        "\u{2028}\u{feff}\t\\n\\",
        "--upload-file=/etc/shadow",
        "yes",
    ] {
        let values = json!({
            "portal": hostile, "token": hostile, "archive": hostile, "sha256": hostile,
        });
        let read = parsed(&rendered(&values));
        let keys: Vec<&String> = read.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["runcmd", "write_files"], "{hostile:?}");
        let command = json!([["/run/myrelay-join/join", hostile, hostile, hostile]]);
        assert_eq!(read["runcmd"], command, "{hostile:?}");
        let files = read["write_files"].as_array().unwrap();
        assert_eq!(files.len(), 2, "{hostile:?}");
        assert_eq!(files[0]["content"], hostile);
        assert_eq!(files[0]["permissions"], "0600");
        assert!(files[1]["content"].as_str().unwrap().starts_with("#!/bin/sh\n"));
    }
}

/// The very script, with an archive of a release and a server that only has files.
#[test]
fn a_first_start_joins_and_leaves_no_token() {
    if cannot_run() {
        return;
    }
    let values =
        json!({ "portal": "", "token": "a-single-use-token", "archive": "", "sha256": "" });
    let files = parsed(&rendered(&values))["write_files"].clone();
    for right in [true, false] {
        let machine = Machine::prepare();
        for file in files.as_array().unwrap() {
            let path = file["path"].as_str().unwrap().trim_start_matches('/');
            machine.write(path, file["content"].as_str().unwrap());
        }
        let sums = if right { "$(sha256sum /tmp/a | cut -d' ' -f1)" } else { "0000" };
        let first = machine.try_run(&format!(
            r#"
            cd /tmp && cp -r /media myrelay-node && tar czf a myrelay-node
            printf '#!/bin/sh\ncp /tmp/a node.tar.gz\necho "$*" >/mnt/fetched\n' >/tmp/curl
            chmod +x /tmp/curl
            PATH=/tmp:$PATH sh /run/myrelay-join/join https://portal.example.org:8441 \
                https://files.example.org/a "{sums}"
            "#
        ));
        assert_eq!(first.status.success(), right, "{}", told(&first));
        let fetched = machine.noted("fetched");
        assert!(fetched.contains("--proto =https"), "{fetched}");
        assert!(fetched.ends_with("--url https://files.example.org/a\n"), "{fetched}");
        assert_eq!(machine.noted("redeemed") == "a-single-use-token", right);
        assert!(!machine.path("run/myrelay-join").exists());
        assert_eq!(machine.path("etc/myrelay").exists(), right, "nothing unchecked is installed");
    }
}

/// What is let in from anywhere: a protocol, and its ports.
type Exposure = BTreeSet<(String, String)>;

/// What the cloud's firewall lets in.
fn of_cloud() -> Exposure {
    let firewall = TERRAFORM.split("resource \"hcloud_firewall\"").nth(1).unwrap();
    let firewall = firewall.split("\nresource ").next().unwrap();
    let rules = firewall.split("\n  rule {").skip(1).map(|rule| {
        let field = |name: &str| {
            let lines = rule.lines().filter_map(|line| line.trim().split_once('='));
            let mut found = lines.filter(|(key, _)| key.trim() == name);
            found.next().map(|(_, value)| value.trim().trim_matches('"').to_owned())
        };
        assert_eq!(field("direction").as_deref(), Some("in"));
        assert_eq!(field("source_ips").as_deref(), Some("[\"0.0.0.0/0\", \"::/0\"]"));
        (field("protocol").unwrap(), field("port").unwrap_or_default())
    });
    rules.collect()
}

/// What the machine's own firewall lets in from outside, as nftables understands its file.
fn of_host(machine: &Machine) -> Exposure {
    let script = "nft -f /etc/myrelay/host-firewall.nft && nft -j list table inet myrelay_host";
    let read: Value = serde_json::from_str(&machine.run(script)).unwrap();
    let entries = read["nftables"].as_array().unwrap();
    let rules: Vec<&Value> = entries.iter().filter_map(|it| it.get("rule")).collect();
    assert!(8 < rules.len(), "the rules were read");
    let mut exposure = Exposure::new();
    for rule in rules {
        let expressions = rule["expr"].as_array().unwrap();
        if expressions.last() != Some(&json!({ "accept": null })) {
            continue;
        }
        let found = expressions.iter().find_map(|it| {
            let what = &it["match"]["left"]["payload"];
            let (protocol, field) = (what["protocol"].as_str()?, what["field"].as_str()?);
            Some((protocol.to_owned(), field.to_owned(), it["match"]["right"].clone()))
        });
        match found
            .as_ref()
            .map(|(protocol, field, value)| (protocol.as_str(), field.as_str(), value))
        {
            Some((protocol, "dport", port)) => {
                let ports = port.as_str().map_or(port.to_string(), str::to_owned);
                exposure.insert((protocol.to_owned(), ports));
            }
            Some(("icmp" | "icmpv6", "type", _)) => {
                exposure.insert(("icmp".to_owned(), String::new()));
            }
            // Only from the same link, which the cloud's firewall does not judge.
            Some(("ip6", "saddr", from)) => {
                assert_eq!(from, &json!({ "prefix": { "addr": "fe80::", "len": 10 } }));
            }
            // What was asked for from inside, the machine itself, and pods.
            None => {
                let kind = expressions[0]["match"]["left"].to_string();
                let inside = [
                    "{\"ct\":",
                    "{\"meta\":{\"key\":\"iif\"}}",
                    "{\"meta\":{\"key\":\"iifname\"}}",
                ];
                assert!(inside.iter().any(|it| kind.starts_with(it)), "{rule}");
            }
            other => panic!("a rule that no one has judged: {other:?}"),
        }
    }
    exposure
}

#[test]
fn p22_cloud_and_host_firewall_state_the_same_exposure() {
    if cannot_run() {
        return;
    }
    let machine = Machine::prepare();
    machine.run("/media/install.sh");
    let all_pods = ("udp".to_owned(), "51820-61819".to_owned());
    let mut host = of_host(&machine);
    // The host opens, of the pods' ports, those of pods that live.
    assert!(host.remove(&("udp".to_owned(), "@pod_ports".to_owned())), "{host:?}");
    host.insert(all_pods);
    assert_eq!(host, of_cloud());
    // And the guide and the portal's own range say the same.
    assert!(include_str!("../../../server/src/pods/mod.rs").contains("Range<u16> = 51820..61820;"));
}
