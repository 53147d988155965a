//! What plugins put into the lines at the top of a mail and into its envelope.

use mail_send::mail_builder::headers::address::Address;

use crate::{bindings::smtp::Error, egress::rules::is_plain_name, limits::URL_BYTES, text};

/// The longest line that a plugin puts at the top of a mail.
const LINE_BYTES: usize = 500;

/// An address, perhaps with a name.
pub(super) struct Mailbox {
    name: Option<String>,
    pub(super) address: String,
}

impl Mailbox {
    pub(super) fn header(&self) -> Address<'_> {
        Address::new_address(self.name.as_deref(), self.address.as_str())
    }
}

/// What a plugin puts into a line at the top of a mail.
pub(super) fn line(what: &str, text: &str) -> Result<(), Error> {
    is_line(what, text).map_err(Error::InvalidMail)
}

fn is_line(what: &str, text: &str) -> Result<(), String> {
    if LINE_BYTES < text.len() {
        return Err(format!("{what} has at most {LINE_BYTES} bytes"));
    }
    if text.chars().any(text::is_hostile) {
        return Err(format!("{what} has no control characters or line breaks"));
    }
    Ok(())
}

/// An address that stands in a header, and is followed.
pub(super) fn link(url: &str) -> Result<(), Error> {
    let plain = |it: u8| it.is_ascii_graphic() && !b"<>".contains(&it);
    let sound = url.starts_with("https://") && url.len() <= URL_BYTES && url.bytes().all(plain);
    let wrong = "where mails are ended is an address that begins with https://";
    if sound { Ok(()) } else { Err(Error::InvalidMail(wrong.to_owned())) }
}

/// `Example VPN <hello@example.org>`, or the address alone.
pub(super) fn mailbox(what: &str, written: &str) -> Result<Mailbox, String> {
    is_line(what, written)?;
    let Some((name, rest)) = written.rsplit_once('<') else {
        return Ok(Mailbox { name: None, address: address(what, written.trim())? });
    };
    let inner = rest.trim_end().strip_suffix('>');
    let inner = inner.ok_or_else(|| format!("{what}: its address ends with >"))?;
    let name = name.trim().trim_matches('"').to_owned();
    Ok(Mailbox { name: Some(name).filter(|it| !it.is_empty()), address: address(what, inner)? })
}

/// An address as servers take it: its domain in ASCII (RFC 5891), and nothing in it that a command
/// would read differently (RFC 5321 section 4.1.2).
pub(super) fn address(what: &str, written: &str) -> Result<String, String> {
    let wrong = || format!("{what} is an address in ASCII: ada@example.org");
    let (name, domain) = written.rsplit_once('@').ok_or_else(wrong)?;
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-.".contains(&it);
    let domain = match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) if domain.contains('.') && is_plain_name(&domain) => domain,
        _ => return Err(wrong()),
    };
    let sound = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    let address = format!("{name}@{domain}");
    if sound && address.len() <= 254 { Ok(address) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address_and_no_command() {
        for (written, read) in [
            ("ada@example.org", "ada@example.org"),
            ("Ada.Love+vpn@EXAMPLE.org", "Ada.Love+vpn@example.org"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ] {
            assert_eq!(address("it", written).unwrap(), read);
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "ada@example..org@",
            "a b@example.org",
            "\"ada\"@example.org",
            "<ada@example.org>",
            "ada@example.org>",
            "ada@example.org> SIZE=1",
            "ada@example.org\r\nRCPT TO:<eve@example.org",
            "ada@example.org\0",
            "a,b@example.org",
            "ada@b.example, eve@c.example",
            "ada\u{2066}@example.org",
            "günther@example.org",
            "ada@exa;mple.org",
            "ada@example.org.",
            "ada@(x)example.org",
            "ada@example.%6frg,",
            &long,
        ] {
            assert!(address("it", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_sender_may_have_a_name() {
        let read = |text| {
            let it = mailbox("it", text).unwrap();
            (it.name.unwrap_or_default(), it.address)
        };
        let both = |name: &str| (name.to_owned(), "hello@example.org".to_owned());
        assert_eq!(read("hello@example.org"), both(""));
        assert_eq!(read("<hello@example.org>"), both(""));
        assert_eq!(read("Example VPN <hello@example.org>"), both("Example VPN"));
        assert_eq!(read("\"Example, VPN\" <hello@example.org> "), both("Example, VPN"));
        for bad in
            ["Example <hello@example.org", "a <b <hello@example.org> x", "a\r\nBcc: <b@c.de>"]
        {
            assert!(mailbox("it", bad).is_err(), "{bad:?}");
        }
        assert!(mailbox("it", &format!("{} <a@b.example>", "x".repeat(LINE_BYTES))).is_err());
    }

    #[test]
    fn where_mails_are_ended_is_an_address_and_no_header() {
        assert_eq!(link("https://vpn.example.org/unsubscribe/1.x.Y-z_"), Ok(()));
        for bad in ["", "http://a.example/", "javascript:x", "https://a.example/>\r\nBcc: b@c.de"] {
            assert!(link(bad).is_err(), "{bad:?}");
        }
        assert!(link(&format!("https://a.example/{}", "x".repeat(URL_BYTES))).is_err());
    }
}
