//! Stories about operators who look after messages that did not arrive.

use myrelay_app::contract::{
    ChannelContract, MessageState, OutgoingContract, OutgoingRow, OutgoingState, OutgoingView,
    OutgoingWanted, PAGE_ROWS, PluginContract, PortalError, SetQuiet,
};
use myrelay_plugin_host::{Failure, Outcome, types};

use super::{HOUR_MS, MAIL, channel, fact, settle, tell, told};
use crate::{
    plugins::testing,
    testing::{Actor, World, stories},
};

const LATE_MS: i64 = 72 * HOUR_MS;

async fn look(olga: &Actor<'_>, given_up: bool) -> OutgoingView {
    let wanted = OutgoingWanted { given_up, plugin: None };
    olga.api().outgoing(wanted, None).await.unwrap()
}

/// What they are about and how they stand, in their order.
fn states(view: &OutgoingView) -> Vec<(&str, OutgoingState)> {
    view.messages.rows.iter().map(|it| (it.about.as_str(), it.state)).collect()
}

fn row<'a>(view: &'a OutgoingView, about: &str) -> &'a OutgoingRow {
    view.messages.rows.iter().find(|it| it.about == about).unwrap()
}

/// The plugin does not carry the next message, and says why.
fn refuses(world: &World, kind: types::ErrorKind, message: &str) {
    let error = types::Error {
        kind,
        message: message.to_owned(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    };
    world.host.carries(move |_| Outcome::failed(Failure::Reported(error)));
}

fn unknown() -> Result<(), PortalError> {
    Err(PortalError::NotFound { what: "message".to_owned() })
}

stories! {
    async fn an_operator_reads_what_waits_and_why_and_not_to_whom(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        channel(&ana, mail, "a@example.org").await;
        channel(&bob, mail, "b@example.org").await;
        assert_eq!(states(&look(&olga, false).await), []);
        // Every story begins at midnight in UTC.
        let quiet = SetQuiet { begins: "23:00".to_owned(), ends: "07:00".to_owned(), zone: "Europe/London".to_owned() };
        bob.api().set_quiet(quiet).await.unwrap();
        refuses(&world, types::ErrorKind::Unavailable, "a@example.org is busy");
        fact(&world, &ana, "account.resumed", "{}").await;
        fact(&world, &ana, "payment.received", "{}").await;
        fact(&world, &bob, "payment.failed", "{}").await;
        settle(&world).await;
        let view = look(&olga, false).await;
        let [first, second, third] = states(&view).try_into().unwrap();
        let (now, seven) = (world.context.now(), world.context.now() + 7 * HOUR_MS);
        assert!(matches!(first, ("Your account works again", OutgoingState::Later(at)) if now < at), "{view:?}");
        assert_eq!(second, ("Your payment arrived", OutgoingState::InTurn));
        assert!(matches!(third, ("A payment failed", OutgoingState::Quiet(at)) if now < at && at <= seven), "{view:?}");
        let tried = row(&view, first.0);
        assert_eq!((tried.attempts, tried.plugin, tried.carrier.as_str()), (1, mail, "Plugin dev.example.mail"));
        let why = tried.failure.as_deref().unwrap();
        assert!(why.contains("unavailable") && why.contains("is busy"), "{why}");
        let shown = format!("{view:?}");
        assert!(!shown.contains("example.org"), "no address stands there: {shown}");
        assert_eq!((view.waiting, view.given_up, view.carrier.as_deref()), (3, 0, None));

        // Nothing is tried where the plugin is not called.
        olga.api().disable_plugin(&mail.to_string()).await.unwrap();
        let view = look(&olga, false).await;
        assert!(states(&view).iter().all(|it| it.1 == OutgoingState::StandsStill), "{view:?}");
        for nobody in [ana.api(), bob.api()] {
            let refused = nobody.outgoing(OutgoingWanted::default(), None).await;
            assert_eq!(refused, Err(PortalError::NotAllowed));
            assert_eq!(nobody.send_all_again(None).await, Err(PortalError::NotAllowed));
            let one = tried.id.to_string();
            assert_eq!(nobody.send_again(&one).await, Err(PortalError::NotAllowed));
        }
    }

    async fn what_was_given_up_is_sent_again_but_for_what_is_not_true_any_more(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        for kind in ["usage.quota_80", "token.created", "account.resumed"] {
            world.host.carries(|_| testing::failed(types::ErrorKind::Denied, None));
            fact(&world, &ana, kind, "{}").await;
            settle(&world).await;
        }
        let view = look(&olga, true).await;
        assert!(states(&view).iter().all(|it| matches!(it.1, OutgoingState::GivenUp(_))), "{view:?}");
        assert_eq!((view.waiting, view.given_up), (0, 3));
        world.clock.advance(LATE_MS + 1);
        let view = look(&olga, true).await;
        let late = |about: &str| matches!(row(&view, about).state, OutgoingState::TooLate(_));
        assert!(late("80 % of the data is used"), "it is about a month that may be over");
        assert!(!late("A token was made"), "what happened has happened");

        // What is about security as well: it holds no code, and no link that ends.
        let before = told(&world).len();
        let token = row(&view, "A token was made").id.to_string();
        olga.api().send_again(&token).await.unwrap();
        assert_eq!(look(&olga, false).await.waiting, 1);
        settle(&world).await;
        let again = told(&world).split_off(before);
        assert_eq!((again.len(), again[0].1.template.as_str()), (1, "token.created"));
        assert!(!again[0].1.data.contains("code") && !again[0].1.text.contains("/verify/"));
        assert_eq!(olga.api().send_again(&token).await, unknown(), "it arrived");
        assert_eq!(olga.api().send_again("nonsense").await, unknown());

        olga.api().send_all_again(None).await.unwrap();
        settle(&world).await;
        let all: Vec<_> = told(&world).into_iter().skip(before + 1).map(|it| it.1.template).collect();
        assert_eq!(all, ["account.resumed"]);
        let view = look(&olga, true).await;
        assert_eq!((view.waiting, view.given_up, view.messages.rows.len()), (0, 0, 0));
        let rows = ana.api().notifications().await.unwrap().messages;
        let quota = rows.iter().find(|it| it.subject == "80 % of the data is used").unwrap();
        assert_eq!(quota.state, MessageState::Dropped, "its customer sees that it was not sent");
    }

    async fn what_waits_for_too_long_is_not_told_as_if_it_were_news(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        for kind in ["subscription.expiring", "subscription.past_due", "subscription.ended"] {
            fact(&world, &ana, kind, "{}").await;
        }
        tell(&world.context).await.unwrap();
        world.stop(mail).await;
        let before = told(&world).len();
        world.clock.advance(LATE_MS + 1);
        olga.api().enable_plugin(&mail.to_string()).await.unwrap();
        settle(&world).await;
        let heard: Vec<_> = told(&world).into_iter().skip(before).map(|it| it.1.template).collect();
        assert_eq!(heard, ["subscription.ended"]);
    }

    async fn each_plugin_has_its_own_and_there_are_pages_of_them(world) {
        let mail = world.carrier(MAIL).await.to_string();
        let other = world.carrier("dev.example.post").await;
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        channel(&ana, mail.parse().unwrap(), "a@example.org").await;
        channel(&ana, other, "b@example.org").await;
        let of = |plugin: &str| OutgoingWanted { given_up: false, plugin: Some(plugin.to_owned()) };
        let count = PAGE_ROWS + 3;
        for _ in 0..count {
            fact(&world, &ana, "account.resumed", "{}").await;
        }
        tell(&world.context).await.unwrap();
        let first = olga.api().outgoing(of(&mail), None).await.unwrap();
        assert_eq!((first.messages.rows.len(), usize::try_from(first.waiting).unwrap()), (PAGE_ROWS, count));
        assert_eq!(first.carrier.as_deref(), Some("Plugin dev.example.mail"));
        let next = first.messages.next.clone().unwrap();
        let second = olga.api().outgoing(of(&mail), Some(&next)).await.unwrap();
        assert_eq!((second.messages.rows.len(), second.messages.next), (3, None));
        let seen: std::collections::BTreeSet<_> = first.messages.rows.iter().chain(&second.messages.rows)
            .map(|it| it.id.to_string()).collect();
        assert_eq!(seen.len(), count, "none is missing, and none stands there twice");
        let both = look(&olga, false).await;
        assert_eq!(usize::try_from(both.waiting).unwrap(), 2 * count);

        // What one plugin gave up is not sent again with another one's.
        world.host.carries(|_| testing::failed(types::ErrorKind::Denied, None));
        settle(&world).await;
        let dead = look(&olga, true).await.messages.rows.pop().unwrap();
        let its = dead.plugin.to_string();
        let not_its = if its == mail { other.to_string() } else { mail.clone() };
        olga.api().send_all_again(Some(&not_its)).await.unwrap();
        assert_eq!(look(&olga, true).await.given_up, 1);
        olga.api().send_all_again(Some(&its)).await.unwrap();
        assert_eq!(look(&olga, true).await.given_up, 0);
        let missing = Err(PortalError::NotFound { what: "plugin".to_owned() });
        assert_eq!(olga.api().send_all_again(Some("nonsense")).await, missing);
        let wrong = olga.api().outgoing(OutgoingWanted::default(), Some("nonsense")).await;
        assert!(matches!(wrong, Err(PortalError::Invalid { field, .. }) if field == "after"));
    }
}
