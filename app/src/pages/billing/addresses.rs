//! Where a provider sends people: links that a page may hold, and what they lead to.

/// What wallets listen to. A link of another scheme is not made: `javascript:` is one too.
const WALLETS: &[&str] = &[
    "bitcoin",
    "bitcoincash",
    "dash",
    "dogecoin",
    "ethereum",
    "lightning",
    "liquidnetwork",
    "litecoin",
    "monero",
    "zcash",
];

/// The site of an `https` address, to be shown beside its link. None where it is not plainly one:
/// a name before an `@` would read as the site.
pub(crate) fn site_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let site = rest.get(..end)?;
    let plain = |it: char| it.is_ascii_alphanumeric() || ".-:[]".contains(it);
    (!site.is_empty() && site.chars().all(plain)).then_some(site)
}

/// Whether an address opens a wallet and nothing else.
pub(crate) fn wallet_link(uri: &str) -> bool {
    let scheme = uri.split_once(':').map(|it| it.0.to_ascii_lowercase());
    scheme.is_some_and(|it| WALLETS.contains(&it.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_what_the_browser_goes_to() {
        for (url, site) in [
            ("https://pay.example.org/c/1?a=b", Some("pay.example.org")),
            ("https://pay.example.org:8443", Some("pay.example.org:8443")),
            ("https://[2001:db8::1]/", Some("[2001:db8::1]")),
            ("https://pay.example.org#x", Some("pay.example.org")),
            ("https://pay.example.org@evil.example/", None),
            ("https://pay.example.org\\@evil.example/", None),
            ("https:///", None),
            ("http://pay.example.org/", None),
            ("javascript:alert(1)", None),
            ("//pay.example.org/", None),
        ] {
            assert_eq!(site_of(url), site, "{url}");
        }
    }

    #[test]
    fn only_wallets_are_opened() {
        for uri in ["bitcoin:bc1q?amount=1", "BITCOIN:BC1Q", "lightning:lnbc1", "monero:4"] {
            assert!(wallet_link(uri), "{uri}");
        }
        for uri in ["javascript:alert(1)", "data:text/html,x", " javascript:x", "bc1q", "/x:y"] {
            assert!(!wallet_link(uri), "{uri}");
        }
    }
}
