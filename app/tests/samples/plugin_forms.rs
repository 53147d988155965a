//! The forms about plugins in every state.

use myrelay_app::{
    Content, FormState, Frame, PluginForm,
    contract::{
        AskedRow, CapabilityChange, HostBar, InstallView, KeptLimit, LimitKind, PluginSettingsView,
        PortalError, SecretField, SettingField, SettingInput, SettingsForm,
    },
};

use super::{HOSTILE, id, operator, refused};

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
        optional: false,
        error: None,
    };
    vec![
        secret(0, "api_key", Some("API key of the store (view and create invoices)"), true),
        secret(1, "webhook_secret", None, false),
        SecretField { generated: true, ..secret(2, "token", Some("Its session"), true) },
    ]
}

fn view(name: &str, form: SettingsForm) -> PluginSettingsView {
    PluginSettingsView { id: id(1), name: name.to_owned(), revision: 3, form, error: None }
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

fn asked(change: Option<CapabilityChange>) -> Vec<AskedRow> {
    let row = |what: &str, reason: &str, change| AskedRow {
        what: what.to_owned(),
        reason: reason.to_owned(),
        change,
        bar: None,
    };
    let added = change.map(|_| CapabilityChange::Added);
    let mut rows = vec![
        row("Take payments", "It says what happened, and the portal checks it", change),
        row("Remember things, up to 16 MiB", "Nobody else can read them", change),
        row("GET, POST https://*/api/", "Make invoices, and ask what became of them", added),
        row("Use the secret api_key in requests to *", "API key of the store", change),
        row("Hear of account.created.v1", "Events hold ids, and no names or keys", added),
        row("Hear of pod.deleted.v1", "Events hold ids, and no names or keys", added),
    ];
    if change.is_some() {
        let gone = Some(CapabilityChange::Removed);
        rows.push(row("Hear of pod.created.v1", "Events hold ids, and no names or keys", gone));
    }
    rows
}

/// Requests to machines that are not on the internet.
fn asked_inside() -> Vec<AskedRow> {
    let row = |what: &str, bar| AskedRow {
        what: what.to_owned(),
        reason: "Tell the desk who is new".to_owned(),
        change: None,
        bar: Some(bar),
    };
    let private = HostBar::Private {
        host: "localhost".to_owned(),
        what: "loopback".to_owned(),
        address: "127.0.0.1/32:8025".to_owned(),
    };
    let never = HostBar::Never {
        host: "169.254.169.254".to_owned(),
        what: "a cloud's metadata".to_owned(),
    };
    vec![
        row("POST http://localhost:8025/", private.clone()),
        row("GET http://localhost:8025/tickets/", private),
        row("GET http://169.254.169.254/latest/", never),
    ]
}

fn install(name: &str) -> InstallView {
    let whole = SettingsForm { fields: fields(), secrets: secrets(), problems: Vec::new() };
    InstallView {
        upload: id(5),
        plugin: "dev.myrelay.btcpay".to_owned(),
        name: name.to_owned(),
        version: "1.4.0".to_owned(),
        license: Some("MIT".to_owned()),
        homepage: Some("https://btcpay.example.org".to_owned()),
        publisher: Some("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".to_owned()),
        is_pinned: false,
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        readme: Some(
            "# BTCPay\n\nMake a store first, and a key that may make invoices.".to_owned(),
        ),
        replaces: None,
        asked: asked(None),
        kept_limits: Vec::new(),
        grows: false,
        agreed: false,
        before: String::new(),
        names_hosts: true,
        takes_payments: true,
        makes_requests: true,
        hosts: String::new(),
        any_host: false,
        private: String::new(),
        test_mode: false,
        missing: vec!["API key of the store".to_owned()],
        without: false,
        form: whole,
        errors: [].into(),
        error: None,
    }
}

fn uploads() -> Vec<(&'static str, Content, Frame)> {
    let at = || operator("/operator/plugins/install");
    let send =
        |takes_unsigned, form| Content::PluginForm(PluginForm::Upload { takes_unsigned, form });
    let show = |view| Content::PluginForm(PluginForm::Install(Box::new(view)));
    let error = PortalError::invalid("signature", "the signature is not of this package");
    let grows = InstallView {
        is_pinned: true,
        replaces: Some("1.3.2".to_owned()),
        asked: asked(Some(CapabilityChange::Same)),
        kept_limits: vec![
            KeptLimit { kind: LimitKind::Memory, number: 32 << 20, asked: 128 << 20 },
            KeptLimit { kind: LimitKind::Store, number: 512 << 10, asked: 16 << 20 },
        ],
        grows: true,
        ..install("BTCPay Server")
    };
    let errors = [
        ("growth", "read what is new, and tick that you grant it"),
        ("hosts", "\"pay example\" is no name of a host"),
        ("without", "these are not given: API key of the store"),
        ("private", "\"10.1.2.3\": it is not a network and a port"),
    ];
    let errors = errors.map(|(name, it)| (name.to_owned(), it.to_owned())).into();
    let form = wrong();
    let wrong = InstallView { errors, form, hosts: "pay example".to_owned(), ..grows.clone() };
    let bare = InstallView {
        publisher: None,
        license: None,
        homepage: None,
        readme: Some(HOSTILE.repeat(9)),
        names_hosts: false,
        form: SettingsForm::default(),
        ..install(HOSTILE)
    };
    vec![
        ("plugin-upload", send(false, FormState::default()), at()),
        ("plugin-upload-unsigned", send(true, FormState::default()), at()),
        ("plugin-upload-refused", send(false, refused(&[("publisher", HOSTILE)], error)), at()),
        ("plugin-install", show(install("BTCPay Server")), at()),
        ("plugin-install-grows", show(grows), at()),
        ("plugin-install-refused", show(wrong), at()),
        ("plugin-install-unsigned", show(bare), at()),
        (
            "plugin-install-inside",
            show(InstallView { asked: asked_inside(), ..install("Desk") }),
            at(),
        ),
    ]
}

pub(crate) fn all() -> Vec<(&'static str, Content, Frame)> {
    let mut all = settings();
    all.extend(uploads());
    all
}
