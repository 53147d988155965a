//! The forms about plugins in every state.

use myrelay_app::{
    Content, Frame, PluginForm,
    contract::{
        PluginSettingsView, PortalError, SecretField, SettingField, SettingInput, SettingsForm,
    },
};

use super::{HOSTILE, id, operator};

fn field(number: u32, label: &str, input: SettingInput, value: &str) -> SettingField {
    SettingField {
        name: format!("setting-{number}"),
        label: label.to_owned(),
        description: None,
        input,
        value: value.to_owned(),
        required: false,
        least: None,
        most: None,
        default: None,
        error: None,
    }
}

fn text() -> SettingInput {
    SettingInput::Text("text".to_owned())
}

fn fields() -> Vec<SettingField> {
    let choice = |it: &str| (format!("\"{it}\""), it.to_owned());
    let coins = SettingInput::Choice(["BTC", "LTC", "XMR"].map(choice).to_vec());
    let sender = SettingInput::Group(vec![
        SettingField { required: true, ..field(7, "Address", text(), "hello@vpn.example") },
        field(8, "Name", text(), ""),
    ]);
    let url = SettingInput::Text("url".to_owned());
    vec![
        SettingField {
            description: Some("Such as https://btcpay.example.org".to_owned()),
            required: true,
            ..field(0, "Address of your BTCPay Server", url, "https://pay.example.org")
        },
        SettingField {
            required: true,
            least: Some("10".to_owned()),
            most: Some("64".to_owned()),
            ..field(1, "Store id", text(), "8a9SjHNS2rqe3uYNY6xB")
        },
        field(2, "Coin", coins, "\"XMR\""),
        SettingField {
            least: Some("5".to_owned()),
            most: Some("1440".to_owned()),
            default: Some("30".to_owned()),
            ..field(3, "Minutes that a price holds", SettingInput::Number, "30")
        },
        SettingField {
            description: Some("What the account takes, such as EUR.".to_owned()),
            most: Some("20".to_owned()),
            ..field(4, "Currencies", SettingInput::Lines, "EUR\nUSD")
        },
        SettingField {
            description: Some("Whether it tells customers twice".to_owned()),
            ..field(5, "Tell twice", SettingInput::Check, "on")
        },
        SettingField {
            description: Some("Whom messages are from.".to_owned()),
            ..field(6, "Sender", sender, "")
        },
        field(9, "Rules", SettingInput::Json, "[\n  { \"if\": \"a & b\" }\n]"),
        field(10, "", SettingInput::Rest, ""),
        field(11, "What customers read", SettingInput::Long, "Thank you.\n\nYours"),
    ]
}

fn secrets() -> Vec<SecretField> {
    let secret = |number: u32, secret: &str, label: Option<&str>, given| SecretField {
        name: format!("secret-{number}"),
        secret: secret.to_owned(),
        label: label.map(str::to_owned),
        given,
        generated: false,
        error: None,
    };
    vec![
        secret(0, "api_key", Some("API key of the store (view and create invoices)"), true),
        secret(1, "webhook_secret", None, false),
        SecretField { generated: true, ..secret(2, "token", Some("Its session"), true) },
    ]
}

fn view(name: &str, form: SettingsForm) -> PluginSettingsView {
    let (name, version) = (name.to_owned(), "1.4.0".to_owned());
    PluginSettingsView { id: id(1), name, version, revision: 3, form, error: None }
}

/// The form, with something wrong with much of it.
fn wrong() -> SettingsForm {
    let mut fields = fields();
    fields[0].value = HOSTILE.to_owned();
    fields[0].error = Some("it does not look as it must: ^https?://[^/]+$".to_owned());
    fields[3].error = Some("expected a whole number".to_owned());
    fields[3].value = "half an hour".to_owned();
    fields[5].error = Some("not with this coin".to_owned());
    fields[7].error = Some("it is no JSON: expected value at line 1 column 2".to_owned());
    fields[7].value = format!("[{HOSTILE}</textarea>");
    if let SettingInput::Group(inside) = &mut fields[6].input {
        inside[0].error = Some("it is needed".to_owned());
        inside[0].value = String::new();
    }
    let mut secrets = secrets();
    secrets[1].error = Some("a secret has at most 8192 bytes".to_owned());
    SettingsForm {
        fields,
        secrets,
        problems: vec!["the store and the coin do not go together".to_owned()],
    }
}

fn settings() -> Vec<(&'static str, Content, Frame)> {
    let show = |view| Content::PluginForm(PluginForm::Settings(view));
    let at = || operator("/operator/plugins/1/settings");
    let whole = SettingsForm { fields: fields(), secrets: secrets(), problems: Vec::new() };
    let long =
        "An address that is as long as its author's breath, of which there was much ".repeat(2);
    let mut lengthy = SettingsForm { secrets: Vec::new(), ..whole.clone() };
    lengthy.fields.truncate(2);
    lengthy.fields[0].label = long.clone();
    lengthy.fields[1].description = Some("x".repeat(300));
    let away = PortalError::Unavailable { message: "it broke: a panic at lib.rs:7".to_owned() };
    vec![
        ("plugin-settings", show(view("BTCPay Server", whole.clone())), at()),
        ("plugin-settings-refused", show(view("BTCPay Server", wrong())), at()),
        ("plugin-settings-none", show(view("Desk", SettingsForm::default())), at()),
        ("plugin-settings-long", show(view(&long, lengthy)), at()),
        (
            "plugin-settings-away",
            show(PluginSettingsView { error: Some(away), ..view(HOSTILE, whole) }),
            at(),
        ),
    ]
}

pub(crate) fn all() -> Vec<(&'static str, Content, Frame)> {
    settings()
}
