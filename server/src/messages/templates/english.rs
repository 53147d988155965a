//! The words of messages, in English.

use super::{Facts, Words};

const LOOK: &str = "Look at it";
const HOME: &str = "/home";
const PAY: &str = "Pay";
const PLAN: &str = "/plan";
const NOTIFICATIONS: &str = "/notifications";

fn words(subject: &str, paragraphs: &[&str], action: (&'static str, &str)) -> Words {
    Words {
        subject: subject.to_owned(),
        paragraphs: paragraphs.iter().map(|it| (*it).to_owned()).collect(),
        action: (action.0, action.1.to_owned()),
    }
}

pub(super) fn token_created(facts: &Facts) -> Words {
    let place = facts.place();
    words(
        &format!("A token was made for {place}"),
        &[&format!(
            "A new API token can add and remove devices in {place}. If you did not make it, \
                 revoke it and change your password."
        )],
        (LOOK, &facts.pod_page()),
    )
}

pub(super) fn token_revoked(facts: &Facts) -> Words {
    let place = facts.place();
    words(
        &format!("A token was revoked for {place}"),
        &[&format!("The program that used this API token in {place} is refused from now on.")],
        (LOOK, &facts.pod_page()),
    )
}

pub(super) fn channel_verified(_: &Facts) -> Words {
    words(
        "Messages go to one more channel",
        &["A channel was confirmed in your account, and gets your messages too. If it was not \
           you, remove it and change your password."],
        (LOOK, NOTIFICATIONS),
    )
}

pub(super) fn channel_removed(_: &Facts) -> Words {
    words(
        "A channel was removed",
        &["A channel of your account gets no messages any more. If it was not you, change your \
           password."],
        (LOOK, NOTIFICATIONS),
    )
}

pub(super) fn quota_80(facts: &Facts) -> Words {
    let place = facts.place();
    words(
        &format!("80 % of the data in {place} is used"),
        &[&format!("You have used 80 % of this month's data in {place}.")],
        (LOOK, &facts.pod_page()),
    )
}

pub(super) fn quota_100(facts: &Facts) -> Words {
    let place = facts.place();
    words(
        &format!("All of the data in {place} is used"),
        &[&format!(
            "You have used this month's data in {place}. As your plan says, it is slower or \
             stopped until the next month begins."
        )],
        (LOOK, &facts.pod_page()),
    )
}

pub(super) fn suspended(_: &Facts) -> Words {
    words(
        "Your account is suspended",
        &["Your devices cannot connect and you cannot sign in until your account is resumed. \
           Your locations and devices are kept. Ask whoever runs this service why."],
        ("The service", "/"),
    )
}

pub(super) fn resumed(_: &Facts) -> Words {
    words(
        "Your account works again",
        &["Your devices connect again as they did before; there is nothing to set up."],
        (LOOK, HOME),
    )
}

pub(super) fn plan_changed(facts: &Facts) -> Words {
    let subject = match &facts.plan {
        Some(plan) => format!("Your plan is {plan}"),
        None => "You have another plan".to_owned(),
    };
    words(
        &subject,
        &[
            &format!("{subject} from now on."),
            "Speed and data count at once. Locations and devices beyond it stay, and none can be \
             added to them.",
        ],
        (LOOK, HOME),
    )
}

pub(super) fn moved(facts: &Facts) -> Words {
    let place = facts.place();
    let endpoint = facts.endpoint.as_ref().map_or_else(
        || "Its page says whether your devices need a new configuration.".to_owned(),
        |it| {
            format!(
                "The server is {it} now. Devices that have the old address need a new \
                 configuration: take it from the page, before the old server ends."
            )
        },
    );
    words(
        &format!("{place} moved to another server"),
        &[&format!("{place} is served by another server now."), &endpoint],
        ("Look what to do", &facts.pod_page()),
    )
}

/// `9.90 EUR`, or nothing where the event has no amount.
fn of_amount(facts: &Facts) -> String {
    facts.amount.as_ref().map_or_else(String::new, |it| format!(" of {it}"))
}

pub(super) fn payment_received(facts: &Facts) -> Words {
    let amount = of_amount(facts);
    words(
        &format!("Your payment{amount} arrived"),
        &[&format!("Thank you. Your payment{amount} arrived.")],
        (LOOK, PLAN),
    )
}

pub(super) fn payment_failed(facts: &Facts) -> Words {
    let amount = of_amount(facts);
    words(
        &format!("A payment{amount} failed"),
        &[&format!("A payment{amount} did not go through. Nothing was taken.")],
        (LOOK, PLAN),
    )
}

pub(super) fn payment_refunded(facts: &Facts) -> Words {
    let amount = of_amount(facts);
    words(
        &format!("A payment{amount} was returned"),
        &[&format!("A payment{amount} is on its way back to you; banks take some days.")],
        (LOOK, PLAN),
    )
}

pub(super) fn subscription_started(facts: &Facts) -> Words {
    let plan = facts.plan.as_ref().map_or_else(String::new, |it| format!(" to {it}"));
    words(
        &format!("Your subscription{plan} began"),
        &[&format!("Your subscription{plan} is running.")],
        (LOOK, PLAN),
    )
}

pub(super) fn subscription_expiring(facts: &Facts) -> Words {
    let plan = facts.plan.as_ref().map_or_else(String::new, |it| format!(" to {it}"));
    words(
        &format!("Your subscription{plan} runs out in three days"),
        &["Pay for the next period on the page of your plan, and nothing stops."],
        (PAY, PLAN),
    )
}

pub(super) fn subscription_past_due(facts: &Facts) -> Words {
    let plan = facts.plan.as_ref().map_or_else(String::new, |it| format!(" to {it}"));
    words(
        &format!("Your subscription{plan} ran out"),
        &["Your locations stop in less than three days unless you pay for the next period."],
        (PAY, PLAN),
    )
}

pub(super) fn subscription_ended(facts: &Facts) -> Words {
    let plan = facts.plan.as_ref().map_or_else(String::new, |it| format!(" to {it}"));
    words(
        &format!("Your subscription{plan} ended"),
        &[&format!(
            "Your subscription{plan} is over. Your devices work again, with the same configurations, when you pay for it again."
        )],
        (LOOK, PLAN),
    )
}
