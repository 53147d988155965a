//! The line an operator copies to a new node: read exactly, or not at all.

use myrelay_node_protocol::JoinToken;

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let mut read = false;
    if let Ok(token) = text.parse::<JoinToken>() {
        read = true;
        assert_eq!(token.expose(), text.trim(), "a token has one spelling");
        let redeemed = token.redeem();
        let (node, secret) = JoinToken::parse_redeem(&redeemed).expect("its first part parses");
        assert_eq!((node, secret.expose()), (token.node, token.secret.expose()));
        assert!(text.trim().starts_with(&redeemed) && text.trim().len() < 200);
    }
    if let Ok((node, secret)) = JoinToken::parse_redeem(text) {
        read = true;
        assert_eq!(format!("{node}.{}", secret.expose()), text, "a first part has one spelling");
    }
    read
}
