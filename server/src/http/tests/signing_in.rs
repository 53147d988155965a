//! Signing in and out: cookies, their rotation, their end, and what is stored of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use myrelay_app::contract::AccountContract;

use super::{Answer, PASSWORD, Portal, Setup};
use crate::{context::Caller, testing::stories};

const COOKIE: &str = "__Host-myrelay_account";
const MINUTE: i64 = 60_000;

fn cookie_line(answer: &Answer) -> &str {
    answer.header("set-cookie")
}

stories! {
    async fn p25_a_session_is_a_host_cookie_and_its_hash(world) {
        let portal = Portal::of(world, Setup::default());
        let mut ana = portal.browser();
        let form = [("email", "ana@example.org"), ("password", PASSWORD)];
        let answer = ana.post("/sign-up", &form).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/home"));
        let line = cookie_line(&answer);
        for part in [COOKIE, "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
            assert!(line.contains(part), "{line}: {part}");
        }
        assert!(!line.contains("Domain") && line.len() < 4096, "{line}");
        assert_eq!(ana.get("/home").await.status, 200);

        let value = ana.cookies[COOKIE].clone();
        let raw = BASE64_URL_SAFE_NO_PAD.decode(&value).unwrap();
        assert_eq!(raw.len(), 16, "128 bits");
        let rows = portal.world.count("SELECT COUNT(*) FROM sessions").await;
        assert_eq!(rows, 1);
        let stored = portal.database_bytes_or_rows().await;
        let holds = |part: &[u8]| stored.windows(part.len()).any(|it| it == part);
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!holds(value.as_bytes()) && !holds(&raw) && !holds(hex.as_bytes()));
        assert!(!holds(PASSWORD.as_bytes()));
    }

    async fn signing_in_rotates_and_signing_out_ends_the_session_everywhere(world) {
        let portal = Portal::of(world, Setup::default());
        portal.world.customer("ana").await;
        let mut ana = portal.signed_in("ana").await;
        let before = ana.clone();
        let form = [("email", "ana@example.org"), ("password", PASSWORD)];
        assert_eq!(ana.post("/sign-in", &form).await.status, 303);
        assert_ne!(ana.cookies[COOKIE], before.cookies[COOKIE], "a new sign-in, a new cookie");
        assert_eq!(before.clone().get("/home").await.status, 303, "the one before is dead");

        // A cookie that somebody planted is worth nothing, and does not become the session's.
        let mut planted = portal.browser();
        let id = BASE64_URL_SAFE_NO_PAD.encode([7; 16]);
        planted.cookies.insert(COOKIE.to_owned(), id.clone());
        assert_eq!(planted.post("/sign-in", &form).await.status, 303);
        assert_ne!(planted.cookies[COOKIE], id);

        let kept = ana.clone();
        let out = ana.post("/sign-out", &[]).await;
        assert_eq!((out.status, out.header("location")), (303, "/"));
        assert_eq!(out.header("clear-site-data"), r#""cookies", "storage""#);
        let line = cookie_line(&out);
        assert!(line.contains("; Secure") && line.contains("Max-Age=0"), "{line}");
        assert!(!ana.cookies.contains_key(COOKIE));
        assert_eq!(kept.clone().get("/home").await.status, 303, "who copied the cookie is out too");
        assert_eq!(planted.get("/home").await.status, 200, "another device stays signed in");
    }

    async fn whoever_had_to_sign_in_first_gets_where_they_wanted_to_go(world) {
        let portal = Portal::of(world, Setup::default());
        portal.world.customer("ana").await;
        let mut ana = portal.browser();
        let form = [("email", "ana@example.org"), ("password", PASSWORD)];
        assert_eq!(ana.get("/notifications?from=mail").await.header("location"), "/sign-in");
        let there = ana.post("/sign-in", &form).await;
        assert_eq!((there.status, there.header("location")), (303, "/notifications?from=mail"));
        // Once.
        assert_eq!(ana.post("/sign-in", &form).await.header("location"), "/home");
        // What did something leads nowhere, and neither does another site.
        let mut bob = portal.browser();
        assert_eq!(bob.post("/pods", &[("location", "node_1")]).await.status, 401);
        let planted = BASE64_URL_SAFE_NO_PAD.encode("//example.org/");
        bob.cookies.insert("__Host-myrelay_onward".to_owned(), planted);
        assert_eq!(bob.post("/sign-in", &form).await.header("location"), "/home");
    }

    async fn a_session_ends_when_idle_for_an_hour_and_after_a_day(world) {
        let portal = Portal::of(world, Setup::default());
        portal.world.customer("ana").await;
        let mut ana = portal.signed_in("ana").await;
        for _ in 0..4 {
            portal.world.clock.advance(59 * MINUTE);
            assert_eq!(ana.get("/home").await.status, 200, "in use");
        }
        portal.world.clock.advance(61 * MINUTE);
        assert_eq!(ana.get("/home").await.status, 303, "idle");

        let mut ana = portal.signed_in("ana").await;
        for _ in 0..28 {
            portal.world.clock.advance(50 * MINUTE);
            assert_eq!(ana.get("/home").await.status, 200, "in use");
        }
        portal.world.clock.advance(50 * MINUTE);
        assert_eq!(ana.get("/home").await.status, 303, "24 hours are over");
    }
}

impl Portal {
    /// What is stored: the files of SQLite, or the sessions as text.
    async fn database_bytes_or_rows(&self) -> Vec<u8> {
        if self.world.dir.path().join("portal").exists() {
            return self.database_bytes();
        }
        let rows: Vec<(String,)> = sqlx::query_as("SELECT token_hash FROM sessions")
            .fetch_all(self.world.context.database.read())
            .await
            .unwrap();
        rows.into_iter().flat_map(|(hash,)| hash.into_bytes()).collect()
    }
}

#[tokio::test]
async fn customers_and_operators_are_apart() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    portal.world.operator("olga").await;
    let mut both = portal.operator("olga").await;
    let form = [("email", "ana@example.org"), ("password", PASSWORD)];
    assert_eq!(both.post("/sign-in", &form).await.status, 303);
    assert_eq!(both.get("/home").await.status, 200);
    assert_eq!(both.get("/operator").await.status, 200);

    let olga = [("email", "olga@example.org"), ("password", PASSWORD)];
    assert_eq!(both.clone().post("/sign-in", &olga).await.status, 422, "no customer");
    assert_eq!(both.clone().post("/operator/sign-in", &form).await.status, 422, "no operator");
    let mut swapped = portal.browser();
    let account = both.cookies[COOKIE].clone();
    swapped.cookies.insert("__Host-myrelay_operator".to_owned(), account);
    assert_eq!(swapped.get("/operator").await.status, 303);
}

#[tokio::test]
async fn who_is_suspended_is_out_at_the_next_request() {
    let portal = Portal::open().await;
    let ana = portal.world.customer("ana").await;
    let mut browser = portal.signed_in("ana").await;
    let operator = portal.world.operator("olga").await;
    let Caller::Account(account) = ana.caller else { panic!("a customer") };
    operator.api().suspend_account(&account.to_string()).await.unwrap();
    assert_eq!(browser.get("/home").await.status, 303);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let portal = Portal::open().await;
    portal.world.customer("ana").await;
    let mut browser = portal.browser();
    let mut try_in = async |email: &str| {
        let form = [("email", email), ("password", "wrong wrong wrong")];
        let answer = browser.post("/sign-in", &form).await;
        let page = answer.text().replace(email, "…");
        let nonce = answer.header("content-security-policy");
        let nonce = nonce.split("nonce-").nth(1).unwrap().split('\'').next().unwrap();
        (answer.status, page.replace(nonce, "…"))
    };
    let known = try_in("ana@example.org").await;
    assert_eq!(known, try_in("eve@example.org").await);
    assert_eq!(known.0, 422);
    assert!(!known.1.contains("wrong wrong wrong"), "a password is not said back");
}

#[tokio::test]
async fn the_first_link_makes_the_owner_once_and_for_half_an_hour() {
    let portal = Portal::open().await;
    let context = &portal.world.context;
    let link = async || {
        let invite = crate::operators::invite(context).await.unwrap();
        format!("/operator/invite/{}", invite.token.expose())
    };
    let late = link().await;
    portal.world.clock.advance(31 * MINUTE);
    assert!(portal.browser().get(&late).await.status >= 400, "too late");

    let path = link().await;
    let token = path.rsplit('/').next().unwrap().to_owned();
    let mut owner = portal.browser();
    assert_eq!(owner.get(&path).await.status, 200);
    let short = [("email", "owner@example.org"), ("password", "short")];
    assert_eq!(owner.post(&path, &short).await.status, 422);
    let form = [("email", "owner@example.org"), ("password", PASSWORD)];
    let answer = owner.post(&path, &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/operator"));
    assert_eq!(owner.get("/operator").await.status, 200);

    let mut second = portal.browser();
    assert!(second.get(&path).await.status >= 400, "it is used");
    assert!(second.post(&path, &form).await.status >= 400, "it is used");
    let stored = portal.database_bytes();
    assert!(!stored.windows(token.len()).any(|part| part == token.as_bytes()), "only its hash");
}
