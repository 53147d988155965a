//! Stories about what plugins do at set times.

use myrelay_app::contract::{PluginContract, PluginJobRow, PortalError};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{Answer, Failure, KvChange, KvCondition, KvWrite, types::ErrorKind};

use super::{LEASE_MS, lease, round, store};
use crate::{
    plugins::{self, install, testing},
    testing::{World, stories},
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const HOURLY: (&str, &str) = ("hourly", "0 * * * *");

/// Runs until nothing is due.
async fn settle(world: &World) {
    while round(&world.context).await.unwrap() {}
}

/// Brings the clock to the next full hour.
async fn to_the_hour(world: &World) {
    let now = world.context.now();
    world.clock.advance(HOUR_MS - now % HOUR_MS);
    settle(world).await;
}

async fn row(world: &World, plugin: InstallationId) -> PluginJobRow {
    let olga = world.operator(&format!("olga{}", world.context.now())).await;
    olga.api().get_plugin(&plugin.to_string()).await.unwrap().jobs.remove(0)
}

fn remembers(value: &str) -> KvChange {
    let write = KvWrite::Put { value: value.into(), version: 1, expires_at_ms: None };
    KvChange { key: "k".to_owned(), condition: KvCondition::Any, write }
}

stories! {
    async fn a_plugin_that_hears_of_nothing_has_its_jobs_run(world) {
        let job = "[[jobs]]\nname = \"hourly\"\ncron = \"0 * * * *\"\n";
        let deaf = |more: &str| {
            let input = testing::input("dev.example.one", &[]);
            let manifest = input.manifest.replace("events = []\n", "") + more;
            plugins::Input { manifest, ..input }
        };
        let refused = install(&world.context, deaf("")).await.unwrap_err();
        assert!(refused.to_string().contains("never be called"), "{refused}");
        let (id, enabled) = install(&world.context, deaf(job)).await.unwrap();
        enabled.unwrap();
        world.customer("ana").await;
        settle(&world).await;
        to_the_hour(&world).await;
        assert_eq!(world.host.jobs().len(), 1);
        assert_eq!(world.host.events(), []);
        assert_eq!(row(&world, id).await.name, "hourly");
        // One that the portal asks for nothing is not installed for its jobs alone.
        let mut invoicing = deaf(job);
        invoicing.manifest = invoicing.manifest.replace("\"event\"", "\"invoicing\"");
        invoicing.manifest = invoicing.manifest.replace("dev.example.one", "dev.example.two");
        let refused = install(&world.context, invoicing).await.unwrap_err();
        assert!(refused.to_string().contains("plugin.kind"), "{refused}");
    }

    async fn a_job_runs_at_its_times_once_and_what_it_remembers_stays(world) {
        let plugin = world.worker("dev.example.one", &[HOURLY]).await;
        settle(&world).await;
        assert_eq!(world.host.jobs(), [], "it waits for its time");
        world.host.works(|_| testing::with(Ok(Answer::Done), vec![remembers("one")]));
        to_the_hour(&world).await;
        let jobs = world.host.jobs();
        let (name, _, attempt, at) = &jobs[0];
        assert_eq!((jobs.len(), name.as_str(), *attempt), (1, "hourly", 1));
        assert_eq!(i64::try_from(*at).unwrap() % HOUR_MS, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 1);
        settle(&world).await;
        world.clock.advance(59 * MINUTE_MS);
        settle(&world).await;
        assert_eq!(world.host.jobs().len(), 1, "the hour is not over");
        to_the_hour(&world).await;
        let jobs = world.host.jobs();
        assert_eq!(jobs.len(), 2);
        assert_ne!(jobs[0].1, jobs[1].1, "each run has an id of its own");
        let row = row(&world, plugin).await;
        assert_eq!((row.name.as_str(), row.cron.as_str()), HOURLY);
        let now = world.context.now();
        assert_eq!((row.ended_at, row.next_at, row.failure), (Some(now), Some(now + HOUR_MS), None));
    }

    async fn a_run_that_fails_is_tried_again_under_its_id_until_its_next_time(world) {
        let plugin = world.worker("dev.example.one", &[HOURLY]).await;
        settle(&world).await;
        world.host.works(|_| testing::failed(ErrorKind::Unavailable, None));
        world.host.works(|_| {
            testing::with(Err(Failure::Trap { what: "a panic".to_owned(), backtrace: String::new() }), vec![remembers("lost")])
        });
        to_the_hour(&world).await;
        assert_eq!(row(&world, plugin).await.failure.unwrap(), "unavailable: the provider said so");
        world.clock.advance(7_000);
        settle(&world).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0);
        world.clock.advance(7 * MINUTE_MS);
        settle(&world).await;
        let jobs = world.host.jobs();
        let tries: Vec<u32> = jobs.iter().map(|it| it.2).collect();
        assert_eq!(tries, [1, 2, 3]);
        assert!(jobs.iter().all(|it| (&it.1, it.3) == (&jobs[0].1, jobs[0].3)), "{jobs:?}");
        assert_eq!(row(&world, plugin).await.failure, None);

        // What cannot be done is not tried again before its time.
        world.host.works(|_| testing::failed(ErrorKind::Denied, None));
        to_the_hour(&world).await;
        let denied = row(&world, plugin).await;
        assert_eq!(denied.failure.unwrap(), "denied: the provider said so");
        assert_eq!(denied.next_at, Some(world.context.now() + HOUR_MS));
        // A wait that is longer than until then ends then, with a new run.
        world.host.works(|_| testing::failed(ErrorKind::RateLimited, Some(5 * 3_600_000)));
        to_the_hour(&world).await;
        to_the_hour(&world).await;
        let jobs = world.host.jobs();
        let last: Vec<u32> = jobs[4..].iter().map(|it| it.2).collect();
        assert_eq!(last, [1, 1]);
    }

    async fn times_that_passed_while_a_plugin_stood_still_are_made_up_for_once(world) {
        let plugin = world.worker("dev.example.one", &[HOURLY]).await;
        settle(&world).await;
        let olga = world.operator("olga").await;
        let id = plugin.to_string();
        olga.api().disable_plugin(&id).await.unwrap();
        world.clock.advance(7 * HOUR_MS);
        settle(&world).await;
        assert_eq!(world.host.jobs(), []);
        assert_eq!(row(&world, plugin).await.next_at, None);
        let refused = olga.api().run_plugin_job(&id, "hourly").await.unwrap_err();
        assert!(refused.to_string().contains("stands still"), "{refused}");
        olga.api().enable_plugin(&id).await.unwrap();
        settle(&world).await;
        let jobs = world.host.jobs();
        assert_eq!(jobs.len(), 1, "once, not seven times");
        assert_eq!(i64::try_from(jobs[0].3), Ok(world.context.now()), "its clock is not seven hours slow");
        olga.api().remove_plugin(&id, false).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_jobs").await, 0);
    }

    async fn an_operator_has_a_job_run_now(world) {
        let plugin = world.worker("dev.example.one", &[("yearly", "0 0 1 1 *")]).await;
        settle(&world).await;
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let id = plugin.to_string();
        olga.api().run_plugin_job(&id, "yearly").await.unwrap();
        olga.api().run_plugin_job(&id, "yearly").await.unwrap();
        settle(&world).await;
        assert_eq!(world.host.jobs().len(), 1);
        assert!(world.context.now() + HOUR_MS < row(&world, plugin).await.next_at.unwrap());
        let not_found = |what: &str| Err(PortalError::NotFound { what: what.to_owned() });
        assert_eq!(olga.api().run_plugin_job(&id, "hourly").await, not_found("job"));
        assert_eq!(olga.api().run_plugin_job("nobody", "yearly").await, not_found("plugin"));
        assert!(ana.api().run_plugin_job(&id, "yearly").await.is_err());
    }

    async fn two_portals_run_a_job_once_and_one_that_ends_in_mid_run_leaves_it_to_the_other(world) {
        let plugin = world.worker("dev.example.one", &[HOURLY]).await;
        settle(&world).await;
        let now = world.context.now();
        world.clock.advance(HOUR_MS - now % HOUR_MS);
        // One takes it and is never heard of again.
        let due = store::due(world.context.database.read(), plugin, world.context.now()).await.unwrap();
        assert_eq!(lease(&world.context, plugin, due.clone()).await.unwrap().len(), 1);
        assert_eq!(lease(&world.context, plugin, due).await.unwrap().len(), 0);
        settle(&world).await;
        assert_eq!(world.host.jobs(), []);
        world.clock.advance(LEASE_MS);
        settle(&world).await;
        let jobs = world.host.jobs();
        assert_eq!((jobs.len(), jobs[0].2), (1, 2), "the lost try counts");
    }

    async fn another_version_brings_its_own_times(world) {
        let plugin = world.worker("dev.example.one", &[HOURLY, ("gone", "30 * * * *")]).await;
        settle(&world).await;
        let mut next = testing::working("dev.example.one", &[("hourly", "15 * * * *")]);
        next.manifest = next.manifest.replace("1.2.3", "1.3.0");
        install(&world.context, next).await.unwrap().1.unwrap();
        settle(&world).await;
        let rows = world.count("SELECT COUNT(*) FROM plugin_jobs").await;
        assert_eq!((rows, row(&world, plugin).await.cron.as_str()), (1, "15 * * * *"));
        // The world begins at a full hour.
        world.clock.advance(14 * MINUTE_MS);
        settle(&world).await;
        assert_eq!(world.host.jobs(), []);
        world.clock.advance(MINUTE_MS);
        settle(&world).await;
        assert_eq!(world.host.jobs().len(), 1);
        assert_eq!(plugins::all(&world.context).await.unwrap().len(), 1);
    }
}
