//! Stories about more events at a time than one statement is about.

use std::collections::BTreeMap;

use myrelay_domain::ids::AccountId;
use myrelay_plugin_host::Call;
use serde_json::json;

use crate::{
    Error,
    context::{Caller, Context},
    deliveries, messages,
    outbox::{self, Event},
    testing::{World, stories},
};

const FAILED: &str = "payment.failed.v1";
/// Events of each account.
const EACH: u64 = 75;

async fn account(world: &World, name: &str) -> AccountId {
    let Caller::Account(account) = world.customer(name).await.caller else { panic!() };
    account
}

/// Payments of these accounts fail in turn, all of them at once.
async fn payments_fail(world: &World, accounts: &[AccountId]) {
    let mut tx = world.context.database.write().await.unwrap();
    for number in 0..EACH {
        for account in accounts {
            let payload = json!({ "code": number.to_string() });
            let (context, event) = (&world.context, Event::PaymentFailed);
            outbox::record(context, &mut tx, event, Some(*account), payload).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

/// What the plugins heard: for each and each account the numbers and what they were about, in order.
fn heard(world: &World) -> BTreeMap<(String, String), Vec<(u64, String)>> {
    let mut heard: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for request in world.host.heard() {
        let Call::Event(event) = request.call else { continue };
        let payload: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        let about = (event.sequence, payload["code"].as_str().unwrap().to_owned());
        heard.entry((request.installation, event.account.unwrap())).or_default().push(about);
    }
    heard
}

/// One portal's work until nothing is left of it.
async fn works(context: &Context) {
    for _ in 0..10_000 {
        let (events, told) = futures::join!(deliveries::round(context), messages::round(context));
        // Who loses a race is told to come back.
        let goes_on = |it: crate::Result<bool>| match it {
            Ok(more) => more,
            Err(Error::Busy { .. }) => true,
            Err(error) => panic!("{error}"),
        };
        if !goes_on(events) & !goes_on(told) {
            return;
        }
    }
    panic!("it never ends");
}

stories! {
    async fn many_events_of_few_accounts_are_numbered_without_gaps_and_heard_once(world) {
        for plugin in ["dev.example.one", "dev.example.two"] {
            world.plugin(plugin, &[FAILED]).await;
        }
        let accounts = [account(&world, "ana").await, account(&world, "bob").await];
        payments_fail(&world, &accounts).await;
        let other = world.another_portal().await;
        futures::join!(works(&world.context), works(&other));
        // What one of them had taken when the other was done.
        works(&world.context).await;
        let heard = heard(&world);
        assert_eq!(heard.len(), 4, "two plugins, two accounts");
        let expected: Vec<_> = (0..EACH).map(|it| (it + 1, it.to_string())).collect();
        for (whose, told) in heard {
            assert_eq!(told, expected, "{whose:?}");
        }
        let left = "SELECT COUNT(*) FROM outbox WHERE dispatched_at IS NULL OR told_at IS NULL";
        assert_eq!(world.count(left).await, 0);
    }
}
