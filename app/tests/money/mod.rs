//! What the screens about money have to say, and what they must not offer.

use super::{attribute, one, tags};

/// Where the page of a plugin is.
const PLUGIN: &str = "/operator/plugins/inst_";

/// Where the forms of a page go, without the navigation's.
fn actions(page: &str) -> Vec<String> {
    let forms = tags(page).filter(|it| it.starts_with("form "));
    let actions = forms.filter_map(|it| attribute(it, "action"));
    actions.filter(|it| !it.ends_with("sign-out")).map(str::to_owned).collect()
}

fn loads_again(page: &str) -> bool {
    tags(page).any(|it| attribute(it, "http-equiv") == Some("refresh"))
}

#[test]
fn forms_about_money_hold_exactly_the_fields_that_doors_take() {
    for (name, fields) in [
        ("plan-active", vec!["plan"; 3]),
        ("plan-free", vec!["plan"; 3]),
        ("plan-changeable", vec!["plan"; 3]),
        ("plan-cancel", vec![]),
        ("invoice-open", vec!["method"; 3]),
        ("invoice-coins", vec!["method"; 3]),
        ("invoice-coins-seen", vec![]),
        ("invoice-paid", vec![]),
        ("payments", vec!["after"]),
        ("operator-invoice", vec!["amount", "reference"]),
        ("operator-invoice-elsewhere", vec![]),
        ("operator-invoice-paid", vec![]),
        ("refund", vec!["amount", "reason"]),
        ("refund-cannot", vec![]),
        ("refund-no-answer", vec![]),
        ("refund-stopped", vec![]),
        ("refund-disabled", vec![]),
        ("refund-gone", vec![]),
        ("subscription-end", vec![]),
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
fn a_plan_says_how_it_stands_and_until_when() {
    for (name, words) in [
        ("plan-free", "You have the Free plan. Nothing is due for it."),
        ("plan-free", "No invoices yet"),
        ("plan-nothing", "No plans to choose from"),
        ("plan-to-pay", "Choose a plan and pay for it first"),
        ("plan-pending", ">Not paid yet</span>"),
        ("plan-pending", "9.99 EUR for Family: the money is on its way."),
        ("plan-active", ">Active</span>"),
        ("plan-active", "It is paid until 31 March 2026."),
        ("plan-active", "your locations rest from 3 April 2026, 09:30 UTC on"),
        ("plan-renewed", "Stripe collects for it then."),
        ("plan-renewed", "href=\"/plan/cancel\""),
        ("plan-stopped", "nobody collects for it after that"),
        ("plan-past-due", ">Past due</span>"),
        ("plan-past-due", "before 22 March 2026, 09:30 UTC, or your locations rest"),
        ("plan-ended", ">Ended</span>"),
        ("plan-ended", "Your locations rest until you pay"),
        ("plan-given", "The limits of the Free plan count for you now."),
        ("plan-given", "2.50 EUR, 1200 JPY"),
        ("plan-active", "99.99 EUR</strong>"),
        ("plan-active", "1200000 JPY</strong>"),
        ("plan-cancel", "Stripe collects nothing more from you."),
        ("home-unpaid", "href=\"/plan\""),
        ("subscription-end", "Its 2 pods rest until a plan is paid for."),
    ] {
        assert!(one(name).contains(words), "{name}: {words}");
    }
    assert!(!one("plan-given").contains("rest until you pay"), "nothing rests there");
    assert!(!one("plan-stopped").contains("/plan/cancel"), "it is stopped already");
    assert!(!one("plan-active").contains("/plan/cancel"), "nobody collects");
    let pay = |name: &str| actions(&one(name)).contains(&"/plan/renew".to_owned());
    assert!(
        pay("plan-active") && pay("plan-ended") && !pay("plan-renewed") && !pay("plan-pending")
    );
    assert!(!pay("plan-past-due"), "the open invoice is to be paid");
}

#[test]
fn who_has_a_page_at_the_provider_changes_there_how_they_pay() {
    let change = |name: &str| actions(&one(name)).contains(&"/plan/provider".to_owned());
    for name in ["plan-changeable", "plan-lapsed", "plan-change-refused"] {
        let page = one(name);
        assert!(change(name) && page.contains("Change how you pay"), "{name}");
        assert!(page.contains("on a page of Stripe, and come back here"), "{name}");
        // The address is for them alone and asked for when they press the button.
        assert!(!page.contains("billing.stripe.example"), "{name}");
    }
    for name in ["plan-renewed", "plan-active", "plan-free", "plan-ended"] {
        assert!(!change(name), "{name}");
    }
    assert!(one("plan-change-refused").contains("try again in a few minutes"));
}

#[test]
fn nothing_is_added_where_the_plan_is_not_paid_for() {
    for name in ["home-unpaid", "home-unpaid-new"] {
        assert_eq!(actions(&one(name)), Vec::<String>::new(), "{name}");
    }
    assert!(one("home-unpaid-new").contains("Choose a plan and pay for it first"));
    assert!(!one("home-room").contains("rest until you pay"));
}

#[test]
fn who_comes_back_is_told_to_wait_and_not_that_it_is_paid() {
    for (name, again) in [
        ("invoice-back", true),
        ("invoice-coins-seen", true),
        ("invoice-charged", true),
        ("invoice-redirect", false),
        ("invoice-coins", false),
        // Transfers take days, and what failed does not succeed by waiting.
        ("invoice-transfer", false),
        ("invoice-failed", false),
        ("invoice-paid", false),
    ] {
        let page = one(name);
        assert_eq!(loads_again(&page), again, "{name}");
        assert_eq!(page.contains("We wait for the confirmation of "), again, "{name}");
        assert_eq!(page.contains(">Paid</span>"), name == "invoice-paid", "{name}");
    }
    assert!(one("invoice-back").contains("We wait for the confirmation of Stripe"));
    assert!(one("invoice-failed").contains("The last payment did not succeed"));
    let paid = one("invoice-paid");
    assert!(paid.contains("19 March 2026 to 19 April 2026"), "{paid}");
    assert_eq!(actions(&paid), Vec::<String>::new());
    assert_eq!(actions(&one("invoice-void")), Vec::<String>::new(), "nobody pays it by mistake");
    let seen = one("invoice-coins-seen");
    assert_eq!(actions(&seen).len(), 1, "nobody pays twice: only a check");
    assert!(!seen.contains("bc1q"), "nor sees where to");
}

#[test]
fn who_pays_elsewhere_sees_where_and_is_sent_nowhere_else() {
    let page = one("invoice-redirect");
    assert!(!page.contains("A transfer takes"), "that was before");
    assert!(one("invoice-transfer").contains("A transfer takes"));
    assert!(page.contains("You pay on checkout.stripe.example, and come back"));
    let link = tags(&page).find(|it| it.contains("href=\"https://")).unwrap();
    assert_eq!(attribute(link, "rel"), Some("noreferrer"));
    for name in ["invoice-unsafe", "invoice-coins-strange"] {
        let page = one(name);
        assert!(tags(&page).all(|it| !it.contains("javascript:")), "{name}");
    }
    assert!(one("invoice-unsafe").contains("We cannot send you there"));
    assert!(
        one("invoice-coins-strange").contains("class=\"qr-code\""),
        "a camera can still read it"
    );
}

#[test]
fn what_is_to_be_sent_stands_there_as_text() {
    for (name, words) in [
        ("invoice-transfer", ">DE89370400440532013000</span>"),
        ("invoice-transfer", ">MR-7K2P-9QXD</code>"),
        ("invoice-transfer", "26 March 2026, 09:30 UTC"),
        ("invoice-coins", ">0.00012345 BTC</code>"),
        ("invoice-coins", ">bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq</code>"),
        ("invoice-coins", "href=\"bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount="),
        ("invoice-coins", "class=\"qr-code\""),
        ("invoice-coins-seen", "1 of 2 confirmations. There is nothing more to do"),
        ("invoice-partly", "7.49 EUR</strong>"),
        ("invoice-no-way", "There is no way to pay now"),
        ("invoice-no-way", "have to set one up"),
        ("invoice-no-answer", "does not answer at the moment"),
        ("invoice-no-answer", "try again in a few minutes"),
        ("invoice-open", "Collects the following periods too"),
    ] {
        assert!(one(name).contains(words), "{name}: {words}");
    }
    assert_eq!(actions(&one("invoice-transfer")).len(), 3, "a check finds no transfer");
}

#[test]
fn who_cannot_pay_before_somebody_acts_is_not_told_to_try_in_minutes() {
    for (name, words) in [
        ("invoice-no-way", "come back later"),
        ("invoice-stopped", "is stopped until the people who run this service look at it"),
        ("invoice-stopped", "write to them if nothing changed"),
        ("invoice-disabled", "have switched off what takes payments here"),
        ("invoice-disabled", "write to them if you want to pay it"),
    ] {
        let page = one(name);
        assert!(page.contains(words), "{name}: {words}");
        assert!(page.contains("The invoice stays as it is"), "{name}");
        assert!(!page.contains("minutes") && !page.contains("plugin"), "{name}");
        assert_eq!(actions(&page), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn operators_see_which_plugin_gives_nothing_back_now_and_are_led_to_it() {
    for (name, words) in [
        ("refund-no-answer", "Try again in a few minutes"),
        ("refund-stopped", "The plugin Bank transfer is stopped"),
        ("refund-stopped", "let it go on there"),
        ("refund-disabled", "The plugin Bank transfer is disabled. Enable it on its page"),
    ] {
        let page = one(name);
        assert!(page.contains(words), "{name}: {words}");
        assert!(page.contains("This payment cannot be given back now"), "{name}");
        let leads = |it: &&str| attribute(it, "href").is_some_and(|it| it.starts_with(PLUGIN));
        assert_eq!(tags(&page).filter(leads).count(), 1, "{name}");
    }
    for name in ["refund", "refund-cannot", "refund-gone"] {
        assert!(!one(name).contains(PLUGIN), "{name}");
    }
    assert!(!one("refund-stopped").contains("minutes"));
}

#[test]
fn operators_see_what_arrived_and_what_can_go_back() {
    let page = one("payments");
    assert_eq!(page.matches(">Refund</a>").count(), 2, "not what went back or cannot");
    for words in [">Disputed</span>", "2.50 EUR", "120000 JPY", "MR-7K2P-9QXD", "Awaited transfers"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(one("payments-empty").contains("No payments yet"));
    for (name, field, value) in [
        ("operator-invoice", "field-amount", "9.99"),
        ("refund", "field-amount", "7.49"),
        ("refund-refused", "field-amount", "8"),
    ] {
        let page = one(name);
        let input = tags(&page).find(|it| attribute(it, "id") == Some(field)).unwrap();
        assert_eq!(attribute(input, "value"), Some(value), "{name}");
    }
    assert!(one("refund-disputed").contains("you pay it twice"));
    assert!(one("refund-cannot").contains("BTCPay Server gives nothing back through this page"));
    assert!(one("refund-no-answer").contains("Bank transfer does not answer at the moment"));
    assert!(one("refund-gone").contains("All of it went back"));
    assert!(one("operator-invoice-elsewhere").contains("No transfer is awaited for it"));

    let account = one("account");
    for words in [">Past due</span>", "/operator/invoices/", "/refund\"", "/end-subscription\""] {
        assert!(account.contains(words), "{words}");
    }
    assert!(!one("account-new").contains("/end-subscription"), "there is none");
}

#[test]
fn a_plan_that_is_withdrawn_is_offered_to_nobody() {
    let page = one("plans");
    assert!(page.contains(">Withdrawn</span>") && page.contains(">9.99\u{a0}EUR a month</span>"));
    assert_eq!(page.matches("/withdraw\"").count(), 2, "what is free or withdrawn is not offered");
    assert_eq!(page.matches(">Free</span>").count(), 1, "its price");
}
