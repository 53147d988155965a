//! What the screens about plugins have to say, and what they must not offer.

use super::{attribute, one, tags};

#[test]
fn a_card_of_the_gallery_says_what_can_be_done_with_it() {
    let page = one("gallery");
    for word in ["Installed", "Upgrade", "Older", "Another build", "Revoked", "Not signed"] {
        assert!(page.contains(&format!(">{word}</span>")), "{word}");
    }
    assert!(page.contains("1.3.2 is installed") && page.contains("It is damaged"));
    let forms = page.matches("action=\"/operator/plugins/gallery/").count();
    assert_eq!(forms, 5, "what is barred has no button, and an unknown key a link");
    let pictures: Vec<_> = tags(&page).filter(|it| it.starts_with("img ")).collect();
    assert_eq!(pictures.len(), 1);
    assert_eq!(attribute(pictures[0], "alt"), Some(""));
    assert!(!one("gallery-choose-barred").contains("field-publisher"));
    assert!(one("gallery-choose").contains("field-publisher"));
}

#[test]
fn a_secret_that_is_missing_is_named() {
    let page = one("plugin-install");
    assert!(
        page.contains("Not given yet: API key of the store.") && page.contains("name=\"without\"")
    );
    let refused = one("plugin-install-refused");
    assert!(refused.contains("href=\"#field-without\""), "{refused}");
    assert!(one("plugin-stopped").contains("Not all of its secrets are given"));
    assert!(one("plugin").contains("Not all of its secrets are given"), "also where it is enabled");
    assert!(!one("plugin-disabled").contains("Not all of its secrets are given"));
}

#[test]
fn a_reason_is_said_once_for_all_that_is_asked_for_because_of_it() {
    for (name, times) in [("plugin-install", 1), ("plugin-install-grows", 2)] {
        let page = one(name);
        assert_eq!(page.matches("Events hold ids, and no names or keys").count(), times, "{name}");
        for event in ["account.created.v1", "pod.deleted.v1"] {
            assert!(page.contains(&format!("<li>Hear of {event}</li>")), "{name}: {page}");
        }
        assert_eq!(page.matches("Nobody else can read them").count(), 1, "{name}");
    }
}

#[test]
fn a_host_that_is_not_reached_says_so_where_it_is_asked_for() {
    let page = one("plugin-install-inside");
    let needs = "refused unless you grant the private address 127.0.0.1/32:8025 as well.";
    assert_eq!(page.matches(needs).count(), 1, "both requests have the same reason: {page}");
    assert_eq!(page.matches(">Private address</span>").count(), 1, "{page}");
    assert_eq!(page.matches("href=\"#field-private\"").count(), 1, "{page}");
    assert!(tags(&page).any(|it| attribute(it, "id") == Some("field-private")), "{page}");
    assert!(page.contains(">Never reached</span>") && page.contains("and no grant changes that."));
    assert!(!one("plugin-install").contains("href=\"#field-private\""));
}

#[test]
fn a_plugin_that_lacks_a_grant_leads_to_where_it_is_given() {
    let notice = |name: &str| {
        let page = one(name);
        let (_, notice) = page.split_once("class=\"notice ").unwrap();
        notice.split_once("</div>").unwrap().0.to_owned()
    };
    let lacks = notice("plugin-not-granted");
    assert!(lacks.contains("grant the private address 10.1.2.3/32:587"), "{lacks}");
    assert!(lacks.contains("href=\"/operator/plugins/install\""), "{lacks}");
    for name in ["plugin-stopped", "plugin-resting", "plugin-revoked"] {
        assert!(!notice(name).contains("href="), "{name}: its reason is another");
        let offers = one(name).contains(">Install it with other grants</a>");
        assert_eq!(offers, name != "plugin-revoked", "{name}");
    }
    assert!(one("plugin").contains("Hosts and private addresses are granted where"));
}

#[test]
fn what_goes_on_at_a_provider_is_said_and_ticked_before_its_plugin_is_removed() {
    let page = one("remove-plugin");
    assert!(!page.contains("checkbox"), "nothing goes on: {page}");
    let page = one("remove-plugin-collecting");
    let said = "Its provider collects for 3 subscriptions and was not told yet that 1 subscription \
                ends.";
    assert!(page.contains(said), "{page}");
    let tick = tags(&page).find(|it| attribute(it, "id") == Some("field-leave")).unwrap();
    assert_eq!(
        (attribute(tick, "type"), attribute(tick, "name")),
        (Some("checkbox"), Some("leave"))
    );
    assert!(!tick.contains(" checked"), "{tick}");
    assert!(page.contains("<label for=\"field-leave\">Remove it all the same"), "{page}");
    let refused = one("remove-plugin-refused");
    assert!(refused.contains("Its provider collects for 1 subscription."), "{refused}");
    assert!(refused.contains("<a href=\"#field-leave\">"), "{refused}");
    let tick = tags(&refused).find(|it| attribute(it, "id") == Some("field-leave")).unwrap();
    assert_eq!(attribute(tick, "aria-invalid"), Some("true"));
}

#[test]
fn no_page_offers_a_way_back_that_is_refused() {
    let page = one("plugin");
    assert!(page.contains("Go back to 1.3.2") && page.contains("1.3.1"));
    assert!(!page.contains("Go back to 1.3.1"));
    assert!(page.contains("It may not run any more: nobody signed it"), "{page}");
}

#[test]
fn a_call_says_which_version_it_was_and_leads_to_all_tries() {
    let page = one("plugin-calls");
    assert!(page.contains("Version 1.4.0"), "{page}");
    let tries = |page: &str| {
        let links = tags(page).filter_map(|it| attribute(it, "href").map(str::to_owned));
        links.filter(|it| it.contains("/calls?delivery=dlv_")).count()
    };
    assert_eq!(tries(&page), 1, "what a provider names is no part of an address: {page}");
    assert!(page.contains("cancel-&lt;script&gt;alert(1)-7"), "{page}");
    let stopped = one("plugin-stopped");
    assert!(stopped.contains(">All calls</a>") && stopped.contains(">Its calls</a>"), "{stopped}");
    assert_eq!(tries(&stopped), 2 + 1, "each call, and what was given up");
}

#[test]
fn the_run_log_is_filtered_and_goes_on() {
    let all = one("plugin-calls");
    assert!(all.contains("calls?failed=1\"") && all.contains("Only those that failed"), "{all}");
    assert!(!all.contains("Next page"));
    let failed = one("plugin-calls-failed");
    assert!(failed.contains("Those that failed.") && failed.contains(">All calls</a>"), "{failed}");
    let fields: Vec<_> = tags(&failed)
        .filter(|it| it.starts_with("input "))
        .filter_map(|it| Some((attribute(it, "name")?, attribute(it, "value")?)))
        .collect();
    assert_eq!(fields, [("failed", "1"), ("after", "call_1")], "the filter stays");
    assert!(one("plugin-calls-none").contains("No calls yet"));
    assert!(one("plugin-calls-none-failed").contains("None of the calls that are kept failed."));
    assert!(one("plugin-calls-of-nothing").contains("None of them is among the calls"));
}

#[test]
fn a_call_that_broke_says_where_and_what_its_log_lacks() {
    let page = one("plugin-calls-failed");
    let (_, trace) = page.split_once("Where it broke").unwrap();
    let trace = trace.split_once("</pre>").unwrap().0;
    assert!(trace.contains("0x1a2b - &lt;script&gt;alert(1)"), "{page}");
    assert!(trace.contains("\n  1: &lt;/pre&gt;"), "{page}");
    assert!(page.contains("info: told them id=7\n4900 more lines were dropped</pre>"), "{page}");
    let well = one("plugin-calls");
    assert!(!well.contains("Where it broke") && !well.contains("were dropped"));
}

#[test]
fn a_plugin_says_how_it_is_where_it_may_be_asked() {
    for (name, words) in [
        ("plugin", ">OK</span> <span class=\"breakable\">connected to api.example.org as Relay"),
        (
            "plugin-stopped",
            ">Not OK</span> <span class=\"breakable\">401 from api.example.org &lt;",
        ),
    ] {
        let page = one(name);
        assert!(page.contains(words) && page.contains(">3 minutes ago</time>"), "{name}: {page}");
    }
    let said = "Asked how it is, it said";
    assert!(!one("plugin-resting").contains(said), "nobody asked it");
    let may_ask = |name: &str| {
        let page = one(name);
        let forms = tags(&page).filter_map(|it| attribute(it, "action"));
        forms.filter(|it| it.ends_with("/health")).count() == 1
    };
    for name in ["plugin", "plugin-resting", "plugin-stopped"] {
        assert!(may_ask(name), "{name}");
    }
    for name in ["plugin-disabled", "plugin-revoked"] {
        assert!(!may_ask(name), "{name}");
    }
}

#[test]
fn forms_on_a_plugins_page_hold_exactly_the_fields_that_doors_take() {
    // The version to go back to; all other forms are a button alone.
    for (name, fields) in [("plugin", vec!["version"]), ("plugin-disabled", vec![])] {
        let page = one(name);
        let named = tags(&page).filter(|it| {
            ["input", "select", "textarea", "button"].iter().any(|tag| it.starts_with(tag))
        });
        let found: Vec<_> = named.filter_map(|it| attribute(it, "name")).collect();
        assert_eq!(found, fields, "{name}");
    }
}

#[test]
fn what_was_given_up_is_tried_alone_with_all_after_it_or_all_of_it() {
    let page = one("plugin-stopped");
    let actions: Vec<_> = tags(&page).filter_map(|it| attribute(it, "action")).collect();
    let ends = |end: &str| actions.iter().filter(|it| it.ends_with(end)).count();
    assert_eq!((ends("/replay-from"), ends("/replay")), (1, 2), "{actions:?}");
    assert!(page.contains("aria-label=\"Try this and all after it: account.created\""), "{page}");
    assert!(!one("plugin").contains("/replay"), "nothing was given up");
}

#[test]
fn messages_that_did_not_arrive_say_why_and_are_sent_again_where_that_makes_sense() {
    let hidden = |page: &str| -> Vec<(String, String)> {
        let inputs = tags(page).filter(|it| it.starts_with("input "));
        let both = |it: &str| Some((attribute(it, "name")?.into(), attribute(it, "value")?.into()));
        inputs.filter_map(both).collect()
    };
    let page = one("messages");
    for word in ["On their way (5)", "Quiet hours", "In its turn", "When its plugin goes on"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(page.contains("href=\"/operator/plugins/messages?given_up=1\""), "{page}");
    assert!(!page.contains("/again\"") && !page.contains("Next page"), "nothing to be sent again");

    let page = one("messages-given-up");
    let buttons = page.matches("aria-label=\"Send again: ").count();
    assert_eq!(buttons, 4, "what is not true any more has none: {page}");
    assert!(page.contains(">Too late</span>") && page.contains("may arrive twice"));
    assert!(page.contains("action=\"/operator/plugins/messages/again\""), "{page}");
    assert_eq!(hidden(&page), []);

    // The filter stays, whatever is pressed.
    let page = one("messages-given-up-of-one");
    let plugins = hidden(&page).into_iter().filter(|it| it.0 == "plugin" && it.1 == "inst_1");
    assert_eq!(plugins.count(), 4 + 1 + 1);
    assert!(page.contains("name=\"given_up\"") && page.contains("value=\"dlv_1\""), "{page}");
    assert!(page.contains("href=\"/operator/plugins/messages?given_up=1\">Show those of all"));

    assert!(one("messages-none").contains("Every message arrived"));
    assert!(one("messages-none-waits").contains("None is on its way."));
    assert!(one("messages-none-given-up").contains("None was given up."));
    assert!(one("plugin").contains("href=\"/operator/plugins/messages?plugin=inst_"));
    assert!(one("plugins").contains("href=\"/operator/plugins/messages\""));
}

#[test]
fn names_and_words_of_others_leave_each_other_room_in_tables() {
    for (name, element, class) in [
        ("messages", "a ", "named breakable"),
        ("messages", "span ", "said breakable"),
        ("messages-given-up", "a ", "named breakable"),
        ("plugin-stopped", "span ", "said breakable"),
        ("plugin-stopped", "code ", "named breakable"),
        ("plugin-stopped", "span ", "fault said breakable"),
    ] {
        let page = one(name);
        let is = |it: &str| it.starts_with(element) && attribute(it, "class") == Some(class);
        assert!(tags(&page).any(is), "{name}: {element}{class}: {page}");
    }
    assert!(one("messages-given-up").contains(">Oneveryverylongword"));
    // These let a long word break, and keep a column from taking all room.
    let table = include_str!("../../../style/components/table.css");
    assert!(table.contains("  .said {") && table.contains("  .named {"));
    assert!(include_str!("../../../style/base.css").contains("  .breakable {"));
}

#[test]
fn each_limit_says_what_it_is_for_and_what_is_wrong_with_it() {
    let page = one("plugin-limits");
    let fields: Vec<_> = tags(&page)
        .filter(|it| it.starts_with("input "))
        .filter_map(|it| attribute(it, "name"))
        .collect();
    assert_eq!(fields, ["revision", "cpu", "wall", "memory", "requests", "store"]);
    assert!(page.contains("Memory of a call, in MiB") && page.contains("1 to 256. Left empty"));
    assert!(page.contains("Left empty, it is 64 MiB.") && page.contains("it is 1000 bytes."));
    assert!(page.contains("that somebody waits for") && page.contains("get 18000 ms at most"));
    assert!(!page.contains("Back to the defaults"), "there is nothing to take back");
    let set = one("plugin-limits-set");
    assert!(set.contains("Back to the defaults"), "{set}");
    assert_eq!(set.matches("action=\"/operator/plugins/").count(), 2);

    let refused = one("plugin-limits-refused");
    assert!(refused.contains("<title>Error: ") && refused.contains("href=\"#field-memory\""));
    assert!(refused.contains("Memory of a call, in MiB: at least 1"), "{refused}");
    for typed in ["99999", "half a minute", "0", "16384"] {
        assert!(refused.contains(&format!("value=\"{typed}\"")), "{typed}");
    }
    for name in ["plugin-limits-refused", "plugin-limits-stale"] {
        let page = one(name);
        assert!(page.contains("Nothing was changed.") && !page.contains("Secrets are"), "{name}");
    }
}

#[test]
fn a_plugins_page_says_what_an_operator_set_and_leads_there() {
    let usual = one("plugin");
    assert!(usual.contains("It has the usual limits.") && usual.contains("/limits\""), "{usual}");
    let set = one("plugin-stopped");
    assert!(set.contains("500 ms at most") && set.contains("128 MiB at most"), "{set}");
    let grows = one("plugin-install-grows");
    let kept = "Memory of a call: 32 MiB, and it asks for 128 MiB. What it remembers: 512 KiB, and \
                it asks for 16384 KiB.";
    assert!(grows.contains("Your limits stay") && grows.contains(kept), "{grows}");
    assert!(!one("plugin-install").contains("Your limits stay"));
}
