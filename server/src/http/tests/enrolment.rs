//! Joining: one token, one certificate, whatever is sent and however often.

use myrelay_app::contract::{AddNode, NodeContract};
use serde_json::json;

use super::{Browser, Portal, Setup};
use crate::testing::{World, csr_pem, join_token, stories};

const MINUTE: i64 = 60_000;

async fn token(world: &World, name: &str) -> String {
    let operator = world.operator(&format!("op-{name}")).await;
    let input = AddNode {
        name: name.to_owned(),
        location: name.to_owned(),
        endpoint: "vpn.example.org".to_owned(),
    };
    join_token(&operator.api().add_node(input).await.unwrap().line)
}

fn request(token: &str) -> serde_json::Value {
    json!({ "token": token, "csr_pem": csr_pem(), "agent_version": "0.1.0" })
}

stories! {
    async fn fifty_redemptions_of_one_token_give_one_certificate(world) {
        let portal = Portal::of(world, Setup::default());
        let token = token(&portal.world, "berlin").await;
        let tries = (0..50).map(|_| {
            let (mut agent, input) = (Browser::at(&portal.nodes), request(&token));
            async move { agent.call("/enrol", &input).await }
        });
        let answers = futures::future::join_all(tries).await;
        let taken = answers.iter().filter(|it| it.status == 200).count();
        assert_eq!(taken, 1);
        for refused in answers.iter().filter(|it| it.status != 200) {
            assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("token")));
        }
    }

    async fn a_wrong_a_late_and_a_malformed_token_change_nothing(world) {
        let portal = Portal::of(world, Setup::default());
        let good = token(&portal.world, "berlin").await;
        let (node, secret) = good.split_once('.').unwrap();
        let other = token(&portal.world, "paris").await;
        let (other_node, _) = other.split_once('.').unwrap();
        let mut agent = Browser::at(&portal.nodes);
        let wrong = format!("{node}.{}", "A".repeat(43));
        let of_another = format!("{other_node}.{secret}");
        for bad in ["", "x", secret, &wrong, &of_another, &format!("{good}.x")] {
            let answer = agent.call("/enrol", &request(bad)).await;
            assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("token")), "{bad}");
        }
        let mut extra = request(&good);
        extra["is_admin"] = json!(true);
        assert_eq!(agent.call("/enrol", &extra).await.status, 422, "an unknown field");
        let mut csr = request(&good);
        csr["csr_pem"] = json!("nonsense");
        let answer = agent.call("/enrol", &csr).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("csr_pem")));
        assert_eq!(portal.world.count("SELECT COUNT(*) FROM nodes WHERE joined_at IS NOT NULL").await, 0);

        assert_eq!(agent.call("/enrol", &request(&good)).await.status, 200, "it is still good");
        portal.world.clock.advance(11 * MINUTE);
        let late = agent.call("/enrol", &request(&other)).await;
        assert_eq!((late.status, &late.json()["field"]), (422, &json!("token")));
        assert!(!late.text().contains(&other), "a token is not said back");
    }
}

#[tokio::test]
async fn p25_a_join_token_is_in_no_file_of_the_database() {
    let portal = Portal::open().await;
    let token = token(&portal.world, "berlin").await;
    let (_, secret) = token.split_once('.').unwrap();
    let holds = |text: &str| {
        let stored = portal.database_bytes();
        stored.windows(text.len()).any(|part| part == text.as_bytes())
    };
    assert!(holds("vpn.example.org"), "the files were read");
    assert!(!holds(secret), "before it was used");
    let mut agent = Browser::at(&portal.nodes);
    assert_eq!(agent.call("/enrol", &request(&token)).await.status, 200);
    assert!(!holds(secret), "after it was used");
}
