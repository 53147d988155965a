//! Stories about the run log, which operators read in pages.

use myrelay_app::contract::{
    CallsWanted, PAGE_ROWS, PluginCallRow, PluginCallsView, PluginContract, PortalError,
};
use myrelay_plugin_host::{Failure, types::ErrorKind};

use super::life::{ONE, heard, next};
use crate::{
    deliveries,
    plugins::{install, testing},
    testing::{Actor, World, stories},
};

const CREATED: &str = "account.created.v1";

fn failed() -> CallsWanted {
    CallsWanted { failed: true, delivery: None }
}

fn tries(delivery: impl ToString) -> CallsWanted {
    CallsWanted { failed: false, delivery: Some(delivery.to_string()) }
}

async fn page(
    olga: &Actor<'_>,
    id: &str,
    wanted: &CallsWanted,
    after: Option<&str>,
) -> PluginCallsView {
    olga.api().plugin_calls(id, wanted.clone(), after).await.unwrap()
}

/// All that is looked for, and on how many pages it stands.
async fn read(olga: &Actor<'_>, id: &str, wanted: &CallsWanted) -> (Vec<PluginCallRow>, usize) {
    let (mut rows, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let view = page(olga, id, wanted, after.as_deref()).await;
        assert!(view.calls.rows.len() <= PAGE_ROWS);
        pages += 1;
        rows.extend(view.calls.rows);
        after = view.calls.next;
        if after.is_none() {
            return (rows, pages);
        }
    }
}

async fn settle(world: &World) {
    while deliveries::round(&world.context).await.unwrap() {}
}

stories! {
    async fn an_operator_reads_all_calls_page_by_page_to_the_end(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        for number in 0..PAGE_ROWS - 2 {
            world.customer(&format!("c{number}")).await;
        }
        settle(&world).await;
        let all = CallsWanted::default();
        // It looked at its settings and made itself ready, too: that is one page to the last row.
        let (rows, pages) = read(&olga, &id, &all).await;
        assert_eq!((rows.len(), pages), (PAGE_ROWS, 1));
        for name in ["ana", "bob"] {
            world.customer(name).await;
        }
        settle(&world).await;
        let (rows, pages) = read(&olga, &id, &all).await;
        assert_eq!((rows.len(), pages), (PAGE_ROWS + 2, 2));
        let ids: Vec<_> = rows.iter().map(|it| it.id.to_string()).collect();
        assert!(ids.windows(2).all(|it| it[1] < it[0]), "newest first, and none twice");
        assert_eq!(rows[PAGE_ROWS + 1].call, "validate-config");
        let view = page(&olga, &id, &all, Some(&ids[0])).await;
        assert_eq!((view.plugin.name.as_str(), view.wanted), ("Plugin dev.example.one", all));
        assert_eq!(view.calls.rows[0].id.to_string(), ids[1]);
        // The plugin's page has the first of them, with all that is known of each.
        let shown = olga.api().get_plugin(&id).await.unwrap().calls;
        assert_eq!((shown.len(), shown.as_slice()), (20, &rows[..20]));
        assert!(rows[0].input.is_some());
    }

    async fn a_call_says_which_version_it_was(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        install(&world.context, next("2.0.0")).await.unwrap().1.unwrap();
        world.customer("bob").await;
        settle(&world).await;
        let (rows, _) = read(&olga, &id, &CallsWanted::default()).await;
        let events = rows.iter().filter(|it| it.call == "events.handle");
        let versions: Vec<_> = events.map(|it| it.version.as_deref()).collect();
        assert_eq!(versions, [Some("2.0.0"), Some("1.2.3")]);
        let again = olga.api().try_call(&id, &rows.last().unwrap().id.to_string()).await.unwrap();
        assert_eq!(again.before.version.as_deref(), Some("1.2.3"));
        assert_eq!(again.again.version.as_deref(), Some("2.0.0"));
    }

    async fn only_those_that_failed_or_the_tries_of_one_delivery_are_shown(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let two = world.plugin("dev.example.two", &["pod.created.v1"]).await.to_string();
        assert_eq!(read(&olga, &id, &failed()).await.0, []);
        for kind in [ErrorKind::RateLimited, ErrorKind::Denied] {
            world.host.fails(kind);
        }
        world.customer("bob").await;
        settle(&world).await;
        world.clock.advance(60_000);
        settle(&world).await;
        let dead = olga.api().get_plugin(&id).await.unwrap().dead.remove(0);
        let (rows, _) = read(&olga, &id, &failed()).await;
        let of: Vec<_> = rows.iter().map(|it| (it.attempt, it.delivery.clone().unwrap())).collect();
        assert_eq!(of, [(2, dead.id.to_string()), (1, dead.id.to_string())]);
        let both = CallsWanted { failed: true, ..tries(dead.id) };
        for wanted in [tries(dead.id), both] {
            assert_eq!(read(&olga, &id, &wanted).await.0, rows);
            assert_eq!(read(&olga, &two, &wanted).await.0, [], "it is another one's");
        }
        assert_eq!(read(&olga, &id, &tries("dlv_0' OR '1' = '1")).await.0, []);
    }

    async fn a_call_that_broke_says_where_and_how_much_its_log_lacks(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        let broken = |backtrace: String| {
            let what = "a panic".to_owned();
            let mut outcome = testing::with(Err(Failure::Trap { what, backtrace }), Vec::new());
            outcome.logs_dropped = 7;
            outcome
        };
        let names = "0: <handle>\r\n1:\u{1b}[2J main\0".to_owned();
        let long = "é".repeat(5000);
        for backtrace in [names, long, String::new()] {
            world.host.answers(move |_| broken(backtrace));
        }
        for name in ["ana", "bob", "cleo"] {
            world.customer(name).await;
            deliveries::round(&world.context).await.unwrap();
        }
        let (rows, _) = read(&olga, &id, &failed()).await;
        let traces: Vec<_> = rows.iter().rev().map(|it| it.backtrace.clone()).collect();
        assert_eq!(traces[0].as_deref(), Some("0: <handle>\n1:[2J main"));
        assert_eq!(traces[1].as_deref().map(str::len), Some(4096));
        assert_eq!(traces[2], None);
        assert!(rows.iter().all(|it| it.logs_dropped == 7));
        let well = read(&olga, &id, &CallsWanted::default()).await.0.pop().unwrap();
        assert_eq!((well.backtrace, well.logs_dropped), (None, 0));

        let call = rows[2].id.to_string();
        world.host.replays(move |_| broken("0: again".to_owned()));
        let again = olga.api().try_call(&id, &call).await.unwrap().again;
        assert_eq!((again.backtrace.as_deref(), again.logs_dropped), (Some("0: again"), 7));
    }

    async fn nobody_but_an_operator_reads_calls_and_an_unknown_plugin_has_none(world) {
        let (olga, zoe) = (world.operator("olga").await, world.customer("zoe").await);
        let id = heard(&world).await;
        let ask = async |actor: &Actor<'_>, id: &str, after| {
            actor.api().plugin_calls(id, CallsWanted::default(), after).await
        };
        assert_eq!(ask(&zoe, &id, None).await, Err(PortalError::NotAllowed));
        let missing = PortalError::NotFound { what: "plugin".to_owned() };
        for unknown in ["", "inst_0", "inst_00000000000000000000000000000000"] {
            assert_eq!(ask(&olga, unknown, None).await, Err(missing.clone()));
        }
        for nowhere in ["", "call_0", "dlv_00000000000000000000000000000001"] {
            let error = ask(&olga, &id, Some(nowhere)).await.unwrap_err();
            assert!(matches!(&error, PortalError::Invalid { field, .. } if field == "after"));
        }
    }
}
