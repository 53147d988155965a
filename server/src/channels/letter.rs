//! Messages as they are written: the same words as plain text and as HTML.

use std::fmt::Write as _;

use myrelay_plugin_host::notifier::{Message, Urgency};
use serde_json::Value;

/// The language of all messages, so far.
pub(crate) const LOCALE: &str = "en";

/// What a message says. Its words are ours but for names, which are cleaned by [`plain`].
pub(crate) struct Letter {
    /// What it is about.
    pub(crate) template: String,
    pub(crate) subject: String,
    pub(crate) paragraphs: Vec<String>,
    /// Where the reader can do something about it: the link's words and its URL.
    pub(crate) action: Option<(String, String)>,
    /// The URL that ends such messages; none where they cannot be ended.
    pub(crate) unsubscribe: Option<String>,
    pub(crate) urgency: Urgency,
    /// What the words were made of.
    pub(crate) data: Value,
}

const END: &str = "Stop messages of this kind";

impl Letter {
    /// The message for a plugin.
    pub(crate) fn written(mut self) -> Message {
        let (text, html) = (self.text(), self.html());
        let fields = self.data.as_object_mut();
        if let (Some(fields), Some(url)) = (fields, &self.unsubscribe) {
            fields.insert("unsubscribe_url".to_owned(), Value::from(url.as_str()));
        }
        Message {
            template: self.template,
            subject: self.subject,
            text,
            html: Some(html),
            action_url: self.action.map(|(_, url)| url),
            urgency: self.urgency,
            data: self.data.to_string(),
        }
    }

    fn text(&self) -> String {
        let mut parts = self.paragraphs.clone();
        parts.extend(self.action.iter().map(|(words, url)| format!("{words}: {url}")));
        parts.extend(self.unsubscribe.iter().map(|url| format!("{END}: {url}")));
        parts.join("\n\n")
    }

    fn html(&self) -> String {
        let mut html = String::new();
        let link = |words: &str, url: &str| {
            format!("<p><a href=\"{}\">{}</a></p>", escaped(url), escaped(words))
        };
        for paragraph in &self.paragraphs {
            // Writing to a string does not fail.
            write!(html, "<p>{}</p>", escaped(paragraph)).unwrap_or_default();
        }
        html.extend(self.action.iter().map(|(words, url)| link(words, url)));
        html.extend(self.unsubscribe.iter().map(|url| link(END, url)));
        html
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_is_no_html() {
        let letter = Letter {
            template: "t".to_owned(),
            subject: "s".to_owned(),
            paragraphs: vec!["<b>Oslo</b> & \"co\"".to_owned()],
            action: Some(("Look".to_owned(), "https://a.example/?a='b'&c".to_owned())),
            unsubscribe: Some("https://a.example/u".to_owned()),
            urgency: Urgency::Normal,
            data: serde_json::json!({}),
        };
        let message = letter.written();
        assert_eq!(
            message.html.unwrap(),
            "<p>&lt;b&gt;Oslo&lt;/b&gt; &amp; &quot;co&quot;</p>\
             <p><a href=\"https://a.example/?a=&#39;b&#39;&amp;c\">Look</a></p>\
             <p><a href=\"https://a.example/u\">Stop messages of this kind</a></p>"
        );
        assert!(message.text.ends_with("Stop messages of this kind: https://a.example/u"));
        assert!(message.data.contains("unsubscribe_url"));
    }
}
