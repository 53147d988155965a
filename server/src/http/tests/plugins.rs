//! A plugin's page and what hangs on it, as a browser without JavaScript uses them.

use myrelay_plugin_host::types::ErrorKind;

use super::Portal;
use crate::{deliveries, testing::World};

/// A plugin that was given an event and refused it.
async fn refusing(world: &World) -> String {
    let id = world.plugin("dev.example.one", &["account.created.v1"]).await;
    world.host.fails(ErrorKind::Denied);
    world.customer("ana").await;
    while deliveries::round(&world.context).await.unwrap() {}
    format!("/operator/plugins/{id}")
}

#[tokio::test]
async fn an_operator_finds_the_calls_of_what_was_given_up() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let page = refusing(&portal.world).await;
    let mut olga = portal.operator("olga").await;
    let shown = olga.get(&page).await.text();
    let path = format!("{page}/calls");
    assert!(shown.contains(&format!("href=\"{path}\"")), "{shown}");
    let tries = shown.split("href=\"").find(|it| it.starts_with(&format!("{path}?delivery=dlv_")));
    let tries = tries.and_then(|it| it.split('"').next()).unwrap();
    for filtered in [tries, &format!("{path}?failed=1")] {
        let log = olga.get(filtered).await.text();
        assert!(log.contains("denied: the provider said so"), "{log}");
        assert!(!log.contains("validate-config"), "{log}");
    }
    let log = olga.get(&path).await.text();
    assert!(log.contains("validate-config") && log.contains("events.handle"), "{log}");
    assert_eq!(olga.get(&format!("{path}?delivery=%00")).await.status, 200);
    let none = olga.get(&format!("{path}?delivery=%3Cscript%3E&failed=1")).await;
    assert!(none.status == 200 && none.text().contains("&lt;script&gt;"), "{}", none.text());
    assert_eq!(olga.get(&format!("{path}?after=call_0")).await.status, 422);
}

#[tokio::test]
async fn an_operator_asks_a_plugin_how_it_is_and_reads_that_on_its_page() {
    let portal = Portal::open().await;
    portal.world.operator("olga").await;
    let page = refusing(&portal.world).await;
    let mut olga = portal.operator("olga").await;
    let (path, said) = (format!("{page}/health"), "connected to api.example.org");
    let shown = olga.get(&page).await.text();
    assert!(shown.contains(&format!("action=\"{path}\"")) && !shown.contains(said), "{shown}");
    for _ in 0..2 {
        let asked = olga.post(&path, &[]).await;
        assert_eq!((asked.status, asked.header("location")), (303, page.as_str()));
        // And it stays there.
        for _ in 0..2 {
            assert!(olga.get(&page).await.text().contains(said));
        }
    }
    assert_eq!(olga.post(&path, &[("how", "well")]).await.status, 422, "no field is known");
    olga.post(&format!("{page}/disable"), &[]).await;
    let refused = olga.post(&path, &[]).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("<title>Error: ") && text.contains("nothing goes to it"), "{text}");
}
