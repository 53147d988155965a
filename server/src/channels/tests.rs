//! Stories about channels: how an address becomes somebody's.

mod killed;

use myrelay_app::contract::{
    AddChannel, ChannelContract, ChannelState, MessageKind, PluginContract, PortalError, SetQuiet,
};
use myrelay_domain::ids::{ChannelId, InstallationId};
use myrelay_plugin_host::{Failure, Outcome, notifier::Permanent, types::ErrorKind};

use super::{
    MAX_CHANNELS,
    codes::{CODES_AN_HOUR, LIFE_MS, WRONG},
};
use crate::{
    outbox,
    plugins::testing,
    testing::{Actor, World, stories},
};

const MAIL: &str = "dev.example.mail";
const CHAT: &str = "dev.example.chat";

async fn add(
    actor: &Actor<'_>,
    plugin: InstallationId,
    address: &str,
) -> Result<ChannelId, PortalError> {
    let input = AddChannel { plugin: plugin.to_string(), address: address.to_owned() };
    actor.api().add_channel(input).await
}

async fn state(actor: &Actor<'_>, channel: ChannelId) -> ChannelState {
    actor.api().get_channel(&channel.to_string()).await.unwrap().row.state
}

fn field(refused: Result<impl Sized, PortalError>) -> String {
    match refused.err() {
        Some(PortalError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

fn not_found() -> PortalError {
    PortalError::NotFound { what: "channel".to_owned() }
}

async fn verified(world: &World) -> usize {
    outbox::names(&world.context).await.iter().filter(|it| *it == "channel.verified").count()
}

stories! {
    async fn a_customer_confirms_an_address_by_the_code_that_arrives_there(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let view = ana.api().notifications().await.unwrap();
        assert_eq!((view.carriers.len(), view.carriers[0].id, view.channels.len()), (1, mail, 0));
        assert_eq!(view.email, "ana@example.org");
        let channel = add(&ana, mail, " ana@example.org ").await.unwrap();
        let (to, message) = world.host.messages().pop().unwrap();
        assert_eq!((to.as_str(), message.template.as_str()), ("ana@example.org", "channel.code"));
        let code = world.host.code();
        let link = format!("https://vpn.example.org/notifications/channels/{channel}/verify/{code}");
        assert_eq!(message.action_url.as_ref(), Some(&link));
        assert!(message.text.contains(&link) && message.subject.contains(&code));
        assert_eq!(state(&ana, channel).await, ChannelState::Unverified);

        let id = channel.to_string();
        let loose = format!(" {} ", code.to_lowercase().replace('-', " "));
        ana.api().verify_channel(&id, &loose).await.unwrap();
        assert_eq!(state(&ana, channel).await, ChannelState::Verified);
        ana.api().verify_channel(&id, &code).await.unwrap();
        ana.api().send_code(&id).await.unwrap();
        assert_eq!((verified(&world).await, world.host.messages().len()), (1, 1), "twice is once");
        let view = ana.api().get_channel(&id).await.unwrap();
        assert!(view.guide.is_none() && view.code_ends_at.is_none());
        assert_eq!(view.row.kinds, MessageKind::CHOSEN);
    }

    async fn a_chat_needs_no_address_but_a_link_that_only_its_owner_sees(world) {
        let chat = world.carrier(CHAT).await;
        let ana = world.customer("ana").await;
        let channel = add(&ana, chat, "ana@example.org").await.unwrap();
        assert_eq!(world.host.messages().len(), 0, "nobody is there yet");
        let view = ana.api().get_channel(&channel.to_string()).await.unwrap();
        let guide = view.guide.unwrap();
        assert_eq!(guide.text, "Press Start", "nothing turns the direction of writing");
        let code = guide.link.unwrap();
        let code = code.strip_prefix("https://chat.example/start?").unwrap().to_owned();
        assert!(view.row.address.is_none() && code.len() == 43);

        world.host.carries(|_| testing::failed(ErrorKind::NotFound, None));
        let early = ana.api().send_code(&channel.to_string()).await;
        assert!(matches!(early, Err(PortalError::Unavailable { .. })), "{early:?}");
        ana.api().send_code(&channel.to_string()).await.unwrap();
        assert_eq!(world.host.messages().pop().unwrap().0, code);
        ana.api().verify_channel(&channel.to_string(), &world.host.code()).await.unwrap();
        assert_eq!(state(&ana, channel).await, ChannelState::Verified);
    }

    async fn a_code_ends_and_wrong_ones_end_it_sooner(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let channel = add(&ana, mail, "ana@example.org").await.unwrap().to_string();
        let first = world.host.code();
        world.clock.advance(LIFE_MS);
        assert_eq!(field(ana.api().verify_channel(&channel, &first).await), "code");
        ana.api().send_code(&channel).await.unwrap();
        let second = world.host.code();
        assert_ne!(first, second);
        for wrong in ["", "AAAAA-AAAAA", &first, "x", &format!("{second}2")].into_iter().take(5) {
            assert_eq!(field(ana.api().verify_channel(&channel, wrong).await), "code", "{wrong}");
        }
        assert_eq!(WRONG, 5);
        assert_eq!(field(ana.api().verify_channel(&channel, &second).await), "code", "too many");
        ana.api().send_code(&channel).await.unwrap();
        ana.api().verify_channel(&channel, &world.host.code()).await.unwrap();
    }

    async fn somebody_elses_channel_does_not_exist_and_its_code_opens_no_other(world) {
        let mail = world.carrier(MAIL).await;
        let (ana, eve) = (world.customer("ana").await, world.customer("eve").await);
        let channel = add(&ana, mail, "ana@example.org").await.unwrap().to_string();
        let code = world.host.code();
        let own = add(&eve, mail, "eve@example.org").await.unwrap().to_string();
        assert_eq!(eve.api().verify_channel(&channel, &code).await, Err(not_found()));
        assert!(eve.api().get_channel(&channel).await.err() == Some(not_found()));
        assert_eq!(eve.api().send_code(&channel).await, Err(not_found()));
        assert_eq!(eve.api().set_kinds(&channel, Vec::new()).await, Err(not_found()));
        assert_eq!(eve.api().remove_channel(&channel).await, Err(not_found()));
        assert_eq!(field(eve.api().verify_channel(&own, &code).await), "code");
        ana.api().verify_channel(&channel, &code).await.unwrap();
    }

    async fn nobody_is_flooded_with_codes(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let channel = add(&ana, mail, "victim@example.org").await.unwrap().to_string();
        for _ in 1..CODES_AN_HOUR {
            ana.api().send_code(&channel).await.unwrap();
        }
        let refused = ana.api().send_code(&channel).await;
        assert!(matches!(refused, Err(PortalError::Limit { .. })), "{refused:?}");
        ana.api().remove_channel(&channel).await.unwrap();
        assert!(add(&ana, mail, "victim@example.org").await.is_err(), "not by adding it anew");
        assert!(add(&ana, mail, "other@example.org").await.is_err(), "nor to others");
        let eve = world.customer("eve").await;
        assert!(add(&eve, mail, "Victim@Example.org").await.is_err(), "nor by another account");
        add(&eve, mail, "eve@example.org").await.unwrap();
        world.clock.advance(3_600_001);
        add(&ana, mail, "victim@example.org").await.unwrap();
        crate::channels::prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM channel_codes").await, 1);
    }

    async fn an_account_has_a_few_channels_each_once(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let mut channels = Vec::new();
        for number in 0..MAX_CHANNELS {
            channels.push(add(&ana, mail, &format!("a{number}@example.org")).await.unwrap());
        }
        let refused = add(&ana, mail, "more@example.org").await;
        assert!(matches!(refused, Err(PortalError::Limit { .. })), "{refused:?}");
        ana.api().remove_channel(&channels[1].to_string()).await.unwrap();
        assert_eq!(field(add(&ana, mail, "A0@example.org").await), "address", "it is there");
        add(&ana, mail, "more@example.org").await.unwrap();
    }

    async fn what_is_no_address_and_no_carrier_is_refused_by_field(world) {
        let mail = world.carrier(MAIL).await;
        let deaf = world.plugin("dev.example.events", &["account.created.v1"]).await;
        let ana = world.customer("ana").await;
        for (plugin, address, expected) in [
            (mail.to_string(), String::new(), "address"),
            (mail.to_string(), "nobody".to_owned(), "address"),
            (mail.to_string(), "a@example.org\r\nBcc: b".to_owned(), "address"),
            (mail.to_string(), "a".repeat(1025), "address"),
            (deaf.to_string(), "a@example.org".to_owned(), "plugin"),
            ("nonsense".to_owned(), "a@example.org".to_owned(), "plugin"),
        ] {
            let refused = ana.api().add_channel(AddChannel { plugin, address }).await;
            assert_eq!(field(refused), expected);
        }
        let olga = world.operator("olga").await;
        let view = olga.api().get_plugin(&mail.to_string()).await.unwrap();
        assert!(view.calls.iter().any(|it| it.failure.is_some()), "it was asked about nobody");
        assert_eq!(view.health.failed, 0, "what a customer typed is no failure of its own");
        world.host.fails(ErrorKind::InvalidInput);
        olga.api().ask_plugin(&mail.to_string()).await.unwrap();
        let view = olga.api().get_plugin(&mail.to_string()).await.unwrap();
        assert_eq!(view.health.failed, 1, "and of anything else it is one");
        world.host.carries(|_| testing::rejected(Permanent::InvalidAddress("no".to_owned())));
        assert_eq!(field(add(&ana, mail, "gone@example.org").await), "address");
        assert_eq!(ana.api().notifications().await.unwrap().channels.len(), 0);
        olga.api().disable_plugin(&mail.to_string()).await.unwrap();
        assert_eq!(field(add(&ana, mail, "ana@example.org").await), "plugin");
    }

    async fn a_carrier_that_does_not_work_is_not_offered_and_says_so(world) {
        let mail = world.carrier(MAIL).await;
        let (ana, olga) = (world.customer("ana").await, world.operator("olga").await);
        let channel = add(&ana, mail, "ana@example.org").await.unwrap().to_string();
        let code = world.host.code();
        let sees = async || {
            let view = ana.api().notifications().await.unwrap();
            (view.carriers.len(), view.stopped, view.channels[0].away)
        };
        let refused = async |what: &str| {
            for refused in [
                add(&ana, mail, "other@example.org").await.map(drop),
                ana.api().send_code(&channel).await,
            ] {
                let said = refused.unwrap_err().to_string();
                assert!(said.contains(what), "{said}");
            }
        };
        assert_eq!(sees().await, (1, false, false));
        let asked = world.host.heard().len();
        // A rest is over before long: it is offered, and who comes meanwhile comes again.
        world.tire(mail).await;
        assert_eq!(sees().await, (1, false, true));
        refused("does not work at the moment: try again in a few minutes").await;
        world.clock.advance(30_000);
        assert_eq!(sees().await, (1, false, false));
        world.stop(mail).await;
        assert_eq!(sees().await, (0, true, true));
        refused("is stopped until the people who run this service look at it").await;
        assert_eq!(world.host.heard().len(), asked, "it is left in peace");
        // Nobody is called to look at a code that arrived before.
        assert_eq!(ana.api().get_channel(&channel).await.unwrap().row.state, ChannelState::Unverified);
        ana.api().verify_channel(&channel, &code).await.unwrap();
        olga.api().enable_plugin(&mail.to_string()).await.unwrap();
        assert_eq!(sees().await, (1, false, false));
        let other = add(&ana, mail, "other@example.org").await.unwrap().to_string();
        ana.api().send_code(&other).await.unwrap();
        olga.api().disable_plugin(&mail.to_string()).await.unwrap();
        assert_eq!(sees().await, (0, false, false));
        assert_eq!(state(&ana, channel.parse().unwrap()).await, ChannelState::Off);
        let said = ana.api().send_code(&other).await.unwrap_err().to_string();
        assert!(said.contains("have switched it off"), "{said}");
    }

    async fn p44_an_address_lies_sealed_and_stands_in_nothing_else(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        let says = |outcome: Failure| Outcome::failed(outcome);
        world.host.carries(move |_| says(Failure::Host("550 Secret.Ana@Example.net is full".to_owned())));
        assert!(add(&ana, mail, "secret.ana@example.net").await.is_err());
        let channel = add(&ana, mail, "secret.ana@example.net").await.unwrap().to_string();
        ana.api().verify_channel(&channel, &world.host.code()).await.unwrap();
        let calls: Vec<String> = sqlx::query_scalar(
            "SELECT call || COALESCE(about, '') || COALESCE(failure, '') || log || http FROM plugin_calls",
        ).fetch_all(world.context.database.read()).await.unwrap();
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT sealed || COALESCE(guide, '') || kinds FROM channels",
        ).fetch_all(world.context.database.read()).await.unwrap();
        let all = format!("{}{calls:?}{rows:?}", world.stored_text().await).to_lowercase();
        assert!(all.contains("[address] is full"), "what was said is kept without it: {all}");
        assert!(!all.contains("secret.ana") && all.contains("channel.verified"));
        assert_eq!(ana.api().get_channel(&channel).await.unwrap().row.address.unwrap(), "secret.ana@example.net");
    }

    async fn quiet_hours_are_read_kept_and_taken_away(world) {
        let ana = world.customer("ana").await;
        let set = async |begins: &str, ends: &str, zone: &str| {
            let (begins, ends, zone) = (begins.to_owned(), ends.to_owned(), zone.to_owned());
            ana.api().set_quiet(SetQuiet { begins, ends, zone }).await
        };
        set("22:00", "7:30", "europe/berlin").await.unwrap();
        let quiet = ana.api().notifications().await.unwrap().quiet.unwrap();
        assert_eq!((quiet.begins.as_str(), quiet.ends.as_str()), ("22:00", "07:30"));
        assert_eq!(quiet.zone, "Europe/Berlin");
        for (begins, ends, zone, expected) in [
            ("", "07:00", "Europe/Berlin", "begins"),
            ("22:00", "25:00", "Europe/Berlin", "ends"),
            ("22:00", "22:00", "Europe/Berlin", "ends"),
            ("22:00", "07:00", "Mars/Dome", "zone"),
            ("22:00", "07:00", "", "zone"),
        ] {
            assert_eq!(field(set(begins, ends, zone).await), expected);
        }
        set("", "", "").await.unwrap();
        assert!(ana.api().notifications().await.unwrap().quiet.is_none());
    }
}
