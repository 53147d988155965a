//! Stories about messages on their way to customers.

mod killed;
mod many;
mod outgoing;
mod replayed;
mod with_real_plugins;

use myrelay_app::contract::{
    AccountContract, AddChannel, AddPlan, ChannelContract, ChannelState, CreateToken, MessageKind,
    MessageState, PlanContract, PluginContract, PortalError, SetQuiet, TokenContract,
};
use myrelay_domain::ids::{ChannelId, InstallationId, PodId};
use myrelay_plugin_host::{
    notifier::{Message, Permanent},
    types::ErrorKind,
};

use super::{AN_HOUR, HOUR_MS, attempt, lease, round, store, tell};
use crate::{
    channels,
    context::Caller,
    deliveries,
    plugins::testing,
    testing::{Actor, World, stories},
};

const MAIL: &str = "dev.example.mail";

/// Delivers until nothing is due.
async fn settle(world: &World) {
    while round(&world.context).await.unwrap() {}
}

/// A plugin that carries messages, and hears of accounts that work again.
async fn hears_and_carries(world: &World) -> InstallationId {
    let mut input = testing::input(MAIL, &["account.resumed.v1"]);
    input.manifest = input.manifest.replace("[\"event\"]", "[\"event\", \"notification\"]");
    crate::plugins::install(&world.context, input).await.unwrap().0
}

/// A confirmed channel; what was sent to get there is past.
async fn channel(actor: &Actor<'_>, plugin: InstallationId, address: &str) -> ChannelId {
    let input = AddChannel { plugin: plugin.to_string(), address: address.to_owned() };
    let channel = actor.api().add_channel(input).await.unwrap();
    let code = actor.world.host.code();
    actor.api().verify_channel(&channel.to_string(), &code).await.unwrap();
    settle(actor.world).await;
    channel
}

/// Messages about events, without those that carry codes.
fn told(world: &World) -> Vec<(String, Message)> {
    let mut all = world.host.messages();
    all.retain(|it| it.1.template != "channel.code");
    all
}

fn templates(world: &World) -> Vec<String> {
    told(world).into_iter().map(|it| it.1.template).collect()
}

async fn make_token(actor: &Actor<'_>, pod: PodId, name: &str) {
    let (pod, name, expiry) = (pod.to_string(), name.to_owned(), "never".to_owned());
    actor.api().create_token(CreateToken { pod, name, expiry }).await.unwrap();
}

fn account(actor: &Actor<'_>) -> String {
    let Caller::Account(account) = actor.caller else { panic!("a customer") };
    account.to_string()
}

/// Something that is about the account and can be switched off.
async fn resume(world: &World, actor: &Actor<'_>) {
    let olga = world.operator(&format!("o{}", world.host.heard().len())).await;
    olga.api().suspend_account(&account(actor)).await.unwrap();
    olga.api().resume_account(&account(actor)).await.unwrap();
}

/// A fact that another part of the portal writes down.
async fn fact(world: &World, actor: &Actor<'_>, kind: &str, payload: &str) {
    let mut tx = world.context.database.write().await.unwrap();
    let sql = "INSERT INTO outbox (id, kind, account_id, payload, created_at) VALUES ($1, $2, $3, $4, $5)";
    let id: myrelay_domain::ids::EventId = world.context.new_id();
    let query = sqlx::query(sql).bind(id.to_string()).bind(kind).bind(account(actor)).bind(payload);
    query.bind(world.context.now()).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

fn link(message: &Message) -> String {
    let data: serde_json::Value = serde_json::from_str(&message.data).unwrap();
    let url = data["unsubscribe_url"].as_str().unwrap();
    assert!(message.text.contains(url) && message.html.as_ref().unwrap().contains(url));
    url.strip_prefix("https://vpn.example.org/unsubscribe/").unwrap().to_owned()
}

stories! {
    async fn an_event_reaches_each_channel_of_its_account_that_wants_it_once(world) {
        let mail = world.carrier(MAIL).await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let first = channel(&ana, mail, "a@example.org").await;
        channel(&ana, mail, "b@example.org").await;
        channel(&bob, mail, "c@example.org").await;
        let unconfirmed = AddChannel { plugin: mail.to_string(), address: "d@example.org".to_owned() };
        ana.api().add_channel(unconfirmed).await.unwrap();
        assert_eq!(templates(&world), ["channel.verified"], "the first hears of the second");
        ana.api().set_kinds(&first.to_string(), vec![MessageKind::Usage]).await.unwrap();
        resume(&world, &ana).await;
        settle(&world).await;
        settle(&world).await;
        let told = told(&world);
        let heard: Vec<_> = told.iter().skip(1).map(|it| (it.0.as_str(), it.1.template.as_str())).collect();
        assert_eq!(heard, [("b@example.org", "account.suspended"), ("b@example.org", "account.resumed")]);
        let message = &told[2].1;
        assert_eq!(message.subject, "Your account works again");
        assert_eq!(message.action_url.as_deref(), Some("https://vpn.example.org/home"));
        let rows = ana.api().notifications().await.unwrap().messages;
        let states: Vec<_> = rows.iter().map(|it| (it.subject.as_str(), it.state)).collect();
        assert_eq!(states[0], ("Your account works again", MessageState::Delivered));
        assert_eq!(rows.len(), 3);
        assert!(bob.api().notifications().await.unwrap().messages.is_empty());
    }

    async fn what_is_about_security_cannot_be_switched_off(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        world.node(&olga, "Oslo").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Oslo").await;
        let channel = channel(&ana, mail, "a@example.org").await;
        ana.api().set_kinds(&channel.to_string(), Vec::new()).await.unwrap();
        make_token(&ana, pod, "router").await;
        resume(&world, &ana).await;
        settle(&world).await;
        assert_eq!(templates(&world), ["token.created"]);
        let message = told(&world).pop().unwrap().1;
        assert_eq!(message.subject, "A token was made for Oslo");
        assert!(!message.text.contains("unsubscribe") && !message.data.contains("unsubscribe"));
        assert_eq!(channels::unsubscribe_url(&world.context, channel, MessageKind::Security), None);
    }

    async fn quiet_hours_keep_all_back_but_what_is_about_security(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        world.node(&olga, "Oslo").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Oslo").await;
        channel(&ana, mail, "a@example.org").await;
        let quiet = |begins: &str, ends: &str| SetQuiet {
            begins: begins.to_owned(), ends: ends.to_owned(), zone: "Europe/Berlin".to_owned(),
        };
        // Every story begins at midnight in UTC, which is one o'clock there.
        ana.api().set_quiet(quiet("23:00", "07:00")).await.unwrap();
        resume(&world, &ana).await;
        settle(&world).await;
        make_token(&ana, pod, "router").await;
        settle(&world).await;
        assert_eq!(templates(&world), ["token.created"]);
        let rows = ana.api().notifications().await.unwrap().messages;
        assert_eq!(rows[2].state, MessageState::Waiting);
        // An operator who has the plugin tried again wakes nobody.
        olga.api().enable_plugin(&mail.to_string()).await.unwrap();
        world.clock.advance(6 * HOUR_MS - 1);
        settle(&world).await;
        assert_eq!(templates(&world).len(), 1, "a moment too early");
        world.clock.advance(1);
        settle(&world).await;
        assert_eq!(templates(&world), ["token.created", "account.suspended", "account.resumed"]);
    }

    async fn a_link_ends_messages_of_its_kind_for_whoever_has_it(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let channel = channel(&ana, mail, "a@example.org").await;
        resume(&world, &ana).await;
        settle(&world).await;
        let link = link(&told(&world).pop().unwrap().1);
        let visitor = world.api(Caller::Visitor);
        let view = visitor.get_unsubscribe(&link).await.unwrap();
        assert_eq!((view.kind, view.on), (MessageKind::Service, true));
        for forged in [
            link.replace(".service.", ".usage."),
            link.replace(".service.", ".security."),
            link.replace("chan_0", "chan_1"),
            link[..link.len() - 2].to_owned(),
            "nonsense".to_owned(),
        ] {
            let expected = PortalError::NotFound { what: "link".to_owned() };
            assert_eq!(visitor.unsubscribe(&forged).await, Err(expected), "{forged}");
        }
        visitor.unsubscribe(&link).await.unwrap();
        visitor.unsubscribe(&link).await.unwrap();
        assert!(!visitor.get_unsubscribe(&link).await.unwrap().on);
        let row = ana.api().get_channel(&channel.to_string()).await.unwrap().row;
        assert_eq!(row.kinds, [MessageKind::Usage, MessageKind::Billing]);
        let before = templates(&world).len();
        resume(&world, &ana).await;
        settle(&world).await;
        assert_eq!(templates(&world).len(), before);
        ana.api().remove_channel(&channel.to_string()).await.unwrap();
        let gone = visitor.get_unsubscribe(&link).await.err();
        assert!(gone == Some(PortalError::NotFound { what: "channel".to_owned() }));
    }

    async fn a_portal_killed_between_call_and_commit_leaves_the_same_message_to_another(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        fact(&world, &ana, "account.resumed", "{}").await;
        tell(&world.context).await.unwrap();
        let other = world.another_portal().await;
        assert!(!tell(&other).await.unwrap(), "an event is told once");
        let due = store::due(world.context.database.read(), mail, world.context.now(), 8).await.unwrap();
        let gone = lease(&world.context, due).await.unwrap();
        let plugin = crate::plugins::all(&world.context).await.unwrap().remove(0);
        // The call is made, and the portal is gone before it writes.
        let late = gone[0].clone();
        round(&other).await.unwrap();
        assert_eq!(told(&world).len(), 0, "it may still be at it");
        world.clock.advance(crate::deliveries::LEASE_MS);
        round(&other).await.unwrap();
        attempt::attempt(&world.context, &plugin, &late).await.unwrap();
        let ids: Vec<_> = world.host.heard().into_iter().filter(|it| it.delivery_id.starts_with("dlv_"))
            .map(|it| (it.delivery_id, it.attempt)).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!((&ids[0].0, ids[0].1, ids[1].1), (&ids[1].0, 2, 1), "a provider knows it again");
        assert_eq!(world.count("SELECT COUNT(*) FROM messages WHERE delivered_at IS NOT NULL").await, 1);
        settle(&world).await;
        assert_eq!(told(&world).len(), 2);
    }

    async fn names_are_plain_text_wherever_they_stand(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        let plan = AddPlan { name: "<b>Gold</b>".to_owned(), pods: "1".to_owned(),
            devices_per_pod: "1".to_owned(), ..AddPlan::default() };
        olga.api().add_plan(plan).await.unwrap();
        let plan = olga.api().list_plans().await.unwrap().into_iter().find(|it| it.name.starts_with('<'));
        olga.api().change_plan(&account(&ana), &plan.unwrap().id.to_string()).await.unwrap();
        settle(&world).await;
        let message = told(&world).pop().unwrap().1;
        assert_eq!(message.subject, "Your plan is <b>Gold</b>", "a subject is no HTML");
        let html = message.html.unwrap();
        assert!(html.contains("&lt;b&gt;Gold&lt;/b&gt;") && !html.contains("<b>"), "{html}");
    }

    async fn what_is_paid_is_told_with_its_amount(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        let payload = r#"{"payment":"pay_1","amount":990,"currency":"eur"}"#;
        for kind in ["payment.received", "payment.failed", "payment.refunded", "subscription.ended", "a.later_one"] {
            fact(&world, &ana, kind, payload).await;
        }
        settle(&world).await;
        let subjects: Vec<_> = told(&world).into_iter().map(|it| it.1.subject).collect();
        assert_eq!(subjects, ["Your payment of 9.90 EUR arrived", "A payment of 9.90 EUR failed",
            "A payment of 9.90 EUR was returned", "Your subscription ended"]);
    }

    async fn a_channel_that_goes_takes_what_is_on_its_way_along(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let id = channel(&ana, mail, "a@example.org").await;
        fact(&world, &ana, "account.resumed", "{}").await;
        tell(&world.context).await.unwrap();
        let due = store::due(world.context.database.read(), mail, world.context.now(), 8).await.unwrap();
        let leased = lease(&world.context, due).await.unwrap();
        ana.api().remove_channel(&id.to_string()).await.unwrap();
        let plugin = crate::plugins::all(&world.context).await.unwrap().remove(0);
        attempt::attempt(&world.context, &plugin, &leased[0]).await.unwrap();
        settle(&world).await;
        assert_eq!(told(&world).len(), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM messages").await, 0);
    }

    async fn an_address_that_refuses_gets_nothing_until_it_is_confirmed_again(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let id = channel(&ana, mail, "a@example.org").await.to_string();
        let why = || Permanent::Unreachable("a@example.org bounced".to_owned());
        world.host.carries(move |_| testing::rejected(why()));
        resume(&world, &ana).await;
        settle(&world).await;
        assert_eq!(told(&world).len(), 1, "the second is not tried");
        let view = ana.api().get_channel(&id).await.unwrap();
        assert_eq!(view.row.state, ChannelState::Unreachable);
        let rows = ana.api().notifications().await.unwrap().messages;
        assert!(rows.iter().all(|it| it.state == MessageState::Dropped), "{rows:?}");
        assert!(!world.stored_text().await.contains("bounced"));
        fact(&world, &ana, "account.resumed", "{}").await;
        settle(&world).await;
        assert_eq!(told(&world).len(), 1);
        ana.api().send_code(&id).await.unwrap();
        ana.api().verify_channel(&id, &world.host.code()).await.unwrap();
        fact(&world, &ana, "account.resumed", "{}").await;
        settle(&world).await;
        assert_eq!(told(&world).len(), 2);
    }

    async fn what_may_have_arrived_is_not_sent_again_unless_an_operator_says_so(world) {
        let mail = world.carrier(MAIL).await.to_string();
        let ana = world.customer("ana").await;
        channel(&ana, mail.parse().unwrap(), "a@example.org").await;
        world.host.carries(|_| testing::failed(ErrorKind::Unavailable, None));
        world.host.carries(|_| testing::failed(ErrorKind::Indeterminate, None));
        fact(&world, &ana, "account.resumed", "{}").await;
        settle(&world).await;
        world.clock.advance(7_000);
        settle(&world).await;
        world.clock.advance(72 * HOUR_MS);
        settle(&world).await;
        assert_eq!(told(&world).len(), 2, "away: again; unknown: not again");
        let olga = world.operator("olga").await;
        let view = olga.api().get_plugin(&mail).await.unwrap();
        assert_eq!((view.row.dead, view.dead.len()), (1, 1));
        assert_eq!(view.dead[0].event, "message: account.resumed");
        assert_eq!(olga.api().list_plugins().await.unwrap()[0].dead, 1);
        let one = view.dead[0].id.to_string();
        olga.api().replay_deliveries(&mail, Some(&one)).await.unwrap();
        settle(&world).await;
        assert_eq!(told(&world).len(), 3);
        let again = olga.api().replay_deliveries(&mail, Some(&one)).await;
        assert_eq!(again, Err(PortalError::NotFound { what: "delivery".to_owned() }));
        olga.api().replay_deliveries(&mail, None).await.unwrap();
    }

    async fn messages_that_were_given_up_are_sent_again_from_a_point_on(world) {
        let mail = world.carrier(MAIL).await.to_string();
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        channel(&ana, mail.parse().unwrap(), "a@example.org").await;
        for _ in 0..3 {
            world.host.carries(|_| testing::failed(ErrorKind::Denied, None));
            fact(&world, &ana, "account.resumed", "{}").await;
            settle(&world).await;
        }
        let dead = olga.api().get_plugin(&mail).await.unwrap().dead;
        assert_eq!((dead.len(), told(&world).len()), (3, 3));
        let point = dead[1].id.to_string();
        olga.api().replay_deliveries_from(&mail, &point).await.unwrap();
        settle(&world).await;
        assert_eq!(told(&world).len(), 3 + 2);
        assert_eq!(olga.api().get_plugin(&mail).await.unwrap().dead, dead[..1]);
        let again = olga.api().replay_deliveries_from(&mail, &point).await;
        assert_eq!(again, Err(PortalError::NotFound { what: "delivery".to_owned() }));
    }

    async fn a_point_is_one_for_events_and_messages(world) {
        let mail = hears_and_carries(&world).await.to_string();
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        channel(&ana, mail.parse().unwrap(), "a@example.org").await;
        let carry = async || {
            settle(&world).await;
            while deliveries::round(&world.context).await.unwrap() {}
        };
        for _ in 0..2 {
            world.host.carries(|_| testing::failed(ErrorKind::Denied, None));
            world.host.fails(ErrorKind::Denied);
            fact(&world, &ana, "account.resumed", "{}").await;
            carry().await;
        }
        let dead = olga.api().get_plugin(&mail).await.unwrap().dead;
        let kinds: Vec<_> = dead.iter().map(|it| it.event.as_str()).collect();
        let (event, message) = ("account.resumed", "message: account.resumed");
        assert_eq!(kinds, [message, event, message, event], "as they were put on their way");
        let point = dead[1].id.to_string();
        olga.api().replay_deliveries_from(&mail, &point).await.unwrap();
        carry().await;
        assert_eq!(olga.api().get_plugin(&mail).await.unwrap().dead, dead[..1]);
    }

    async fn one_channel_gets_so_many_messages_in_an_hour(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        for _ in 0..=AN_HOUR {
            fact(&world, &ana, "account.resumed", "{}").await;
        }
        settle(&world).await;
        assert_eq!(i64::try_from(told(&world).len()).unwrap(), AN_HOUR);
        world.clock.advance(HOUR_MS);
        fact(&world, &ana, "account.resumed", "{}").await;
        settle(&world).await;
        assert_eq!(i64::try_from(told(&world).len()).unwrap(), AN_HOUR + 1);
    }
}
