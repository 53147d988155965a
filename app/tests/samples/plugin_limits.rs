//! The limits of a plugin in every state.

use myrelay_app::{
    Content, Frame, PluginForm,
    contract::{LimitField, LimitKind, PluginLimitsView, PortalError},
};

use super::{HOSTILE, id, operator};

fn field(kind: LimitKind, value: &str) -> LimitField {
    let (usual, least, most) = match kind {
        LimitKind::Cpu => (None, 10, 5_000),
        LimitKind::Wall => (None, 100, 60_000),
        LimitKind::Memory => (Some(64 << 20), 1 << 20, 256 << 20),
        LimitKind::Requests => (Some(10), 1, 50),
        LimitKind::Store => (Some(1_000), 1 << 10, 16 << 20),
    };
    LimitField { kind, value: value.to_owned(), usual, least, most, error: None }
}

fn view(name: &str, values: [&str; 5]) -> PluginLimitsView {
    let fields = LimitKind::ALL.into_iter().zip(values);
    PluginLimitsView {
        id: id(1),
        name: name.to_owned(),
        revision: 3,
        fields: fields.map(|(kind, value)| field(kind, value)).collect(),
        is_set: values.iter().any(|it| !it.is_empty()),
        problems: Vec::new(),
        error: None,
    }
}

pub(crate) fn all() -> Vec<(&'static str, Content, Frame)> {
    let show = |name, view| {
        let frame = operator("/operator/plugins/1/limits");
        (name, Content::PluginForm(PluginForm::Limits(view)), frame)
    };
    let mut wrong = view("Help desk", ["99999", "half a minute", "0", HOSTILE, "16384"]);
    wrong.fields[0].error = Some("at most 5000, which is the hard cap".to_owned());
    wrong.fields[1].error = Some("expected a whole number, or nothing".to_owned());
    wrong.fields[2].error = Some("at least 1".to_owned());
    wrong.fields[3].error = Some("expected a whole number, or nothing".to_owned());
    let mut stale = view(HOSTILE, ["", "", "128", "", ""]);
    stale.problems.push("Somebody changed this plugin while you typed.".to_owned());
    let mut away = view("Help desk", ["500", "", "", "", ""]);
    away.error = Some(PortalError::Unavailable { message: "there is no host".to_owned() });
    vec![
        show("plugin-limits", view("Help desk", [""; 5])),
        show("plugin-limits-set", view("Help desk", ["500", "", "128", "", ""])),
        show("plugin-limits-refused", wrong),
        show("plugin-limits-stale", stale),
        show("plugin-limits-away", away),
    ]
}
