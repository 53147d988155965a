//! The screens of a pod's tokens.

use myrelay_app::{
    Content, FormState, Frame,
    contract::{CreatedToken, Millis, PortalError, TokenRow, TokenView, TokensView},
};

use super::{HOSTILE, MINUTE, NOW, account, id, refused};

const DAY: Millis = 24 * 60 * MINUTE;
/// 20 March 2026, 00:00 UTC.
const TODAY: Millis = NOW - NOW % DAY;

fn token(
    number: u128,
    name: &str,
    used_at: Option<Millis>,
    expires_at: Option<Millis>,
) -> TokenRow {
    let created_at = NOW - DAY * 40;
    TokenRow { id: id(200 + number), name: name.to_owned(), created_at, used_at, expires_at }
}

fn some() -> Vec<TokenRow> {
    vec![
        token(4, &"a-very-long-name-without-spaces-".repeat(2), None, Some(NOW + 30 * DAY)),
        token(3, "office router", Some(TODAY), Some(NOW + 325 * DAY)),
        token(2, HOSTILE, Some(TODAY - 9 * DAY), None),
        token(1, "trial", Some(TODAY - 20 * DAY), Some(NOW - 10 * DAY)),
    ]
}

fn view(tokens: Vec<TokenRow>) -> TokensView {
    TokensView { pod: id(10), location: "Frankfurt".to_owned(), tokens, limit: 20 }
}

pub(super) fn screens() -> Vec<(&'static str, Content, Frame)> {
    let at = || account("/pods/1/tokens");
    let show = |tokens, form| Content::Tokens { view: view(tokens), form };
    let full = (0..20).map(|it| token(it, &format!("router {it}"), None, None)).collect();
    let taken = PortalError::invalid("name", "another token here has this name");
    let typed = [("name", "office router"), ("expiry", "never")];
    let new = CreatedToken {
        pod: id(10),
        location: "Frankfurt".to_owned(),
        name: "office router".to_owned(),
        token: format!("myr_pod_{}", "k3Jq".repeat(11).get(..43).expect("44 characters")),
        expires_at: Some(NOW + 365 * DAY),
    };
    let endless = CreatedToken { name: HOSTILE.to_owned(), expires_at: None, ..new.clone() };
    let revoked = some().swap_remove(1);
    let revoke = TokenView { pod: id(10), location: "Frankfurt".to_owned(), token: revoked };
    vec![
        ("tokens", show(some(), FormState::default()), at()),
        ("tokens-empty", show(Vec::new(), FormState::default()), at()),
        ("tokens-full", show(full, FormState::default()), at()),
        ("tokens-refused", show(some(), refused(&typed, taken)), at()),
        ("token-new", Content::NewToken(new), at()),
        ("token-new-endless", Content::NewToken(endless), at()),
        ("token-revoke", Content::RevokeToken(revoke), account("/pods/1/tokens/1/revoke")),
    ]
}
