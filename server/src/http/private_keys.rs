//! Finds a private key that somebody is about to send. No door has a field for one; this is for
//! the customer who pastes a whole configuration, and for the program that means well.

use serde_json::Value;

/// The explanation that whoever sent one gets.
pub(crate) const EXPLANATION: &str = "this request carries a private key, and a private key never leaves your device: nothing of \
     it was kept. Send the public key only, and if this was a real key, make a new pair";

/// Whether a body, in whatever form a door could read it, has a private key's field or line.
pub(crate) fn in_body(body: &[u8]) -> bool {
    if body.is_empty() {
        return false;
    }
    // UTF-16 of Latin letters is the letters with zeros between.
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| *c != '\0').collect();
    in_text(&text)
        || in_form(&text)
        || serde_json::from_str::<Value>(&text).is_ok_and(|value| in_json(&value))
}

/// Whether a query has one.
pub(crate) fn in_query(query: &str) -> bool {
    in_text(query) || in_form(query)
}

fn in_form(text: &str) -> bool {
    serde_urlencoded::from_str::<Vec<(String, String)>>(text)
        .is_ok_and(|pairs| pairs.iter().any(|(name, value)| is_name(name) || in_text(value)))
}

fn in_json(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| is_name(name) || in_json(value)),
        Value::Array(parts) => parts.iter().any(in_json),
        Value::String(text) => in_text(text),
        _ => false,
    }
}

/// `private_key`, `PrivateKey`, `interface[private-key]`, `wgPrivateKey` …
fn is_name(name: &str) -> bool {
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    letters.contains("privatekey")
}

/// A line such as `PrivateKey = …`, or the name in quotes as JSON, YAML and multipart write it.
/// "My private key phone" is a name like any other.
fn in_text(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.match_indices("private").any(|(start, word)| {
        let before = text.get(..start).and_then(|it| it.chars().next_back());
        let rest = text.get(start + word.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "_-.".contains(c));
        let Some(after) = rest.strip_prefix("key") else { return false };
        let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '\\');
        let quoted = before.is_some_and(is_quote) && after.starts_with(is_quote);
        let unquoted = after.trim_start_matches(|c: char| {
            c.is_whitespace() || is_quote(c) || matches!(c, ']' | ')' | '}')
        });
        quoted || unquoted.starts_with(['=', ':'])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

    #[test]
    fn p05_a_private_key_is_found_in_many_spellings() {
        for name in ["private_key", "PrivateKey", "privatekey", "PRIVATE-KEY", "private key"] {
            for body in [
                format!("{{\"{name}\":\"{KEY}\"}}"),
                format!("{{\"input\":{{\"deep\":[{{\"{name}\":1}}]}}}}"),
                format!("name=phone&{}={KEY}", name.replace(' ', "+")),
                format!("name=phone&interface%5B{}%5D=x", name.replace(' ', "%20")),
                format!("[Interface]\n{name} = {KEY}\n"),
                format!("{name}={KEY}"),
                format!("\t{name}\t:\t{KEY}"),
                format!("{{\"name\":\"{name} = {KEY}\"}}"),
                format!("name={}%3D{KEY}", name.replace(' ', "%20")),
                format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{KEY}"),
            ] {
                assert!(in_body(body.as_bytes()), "{body}");
                let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert!(in_body(&utf16), "{body} in UTF-16");
            }
        }
        assert!(in_body(br#"{"\u0070rivate_key":"x"}"#));
        assert!(in_body(b"%70rivateKey=x"));
        assert!(in_query("wg.privateKey=x"));
    }

    #[test]
    fn what_is_no_private_key_passes() {
        for body in [
            "".to_owned(),
            format!("name=phone&public_key={KEY}"),
            format!(
                "{{\"input\":{{\"pod\":\"pod_1\",\"name\":\"private\",\"public_key\":\"{KEY}\"}}}}"
            ),
            "name=my+private+key+phone&public_key=x".to_owned(),
            "email=private@key.example.org&password=private".to_owned(),
        ] {
            assert!(!in_body(body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_search(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            in_body(&body);
        }

        #[test]
        fn text_around_it_hides_nothing(before in "[^\0]{0,40}", after in "[^\0]{0,40}") {
            let body = format!("{before}\nPrivateKey = {KEY}\n{after}");
            prop_assert!(in_body(body.as_bytes()));
        }
    }
}
