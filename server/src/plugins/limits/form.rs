//! The form on which an operator sets what a plugin may use.

use std::collections::BTreeMap;

use myrelay_app::contract::{LimitField, LimitKind, LimitsChange, PluginLimitsView, TypedFields};
use myrelay_plugin_host::Limits;

use super::{Chosen, number, set_limits};
use crate::{
    Error, Result,
    context::{Caller, Context},
    plugins::{
        Installed,
        change::{CHANGED, REVISION},
    },
};

/// What is said where there is no number, without the sign.
const NO_NUMBER: &str = "expected a whole number, or nothing for the default";

/// What is wrong, by its field.
type Wrong = BTreeMap<LimitKind, String>;

/// For operators: what a plugin may use.
pub(crate) async fn limits_view(
    context: &Context,
    caller: Caller,
    plugin: &str,
) -> Result<PluginLimitsView> {
    caller.operator()?;
    view(&crate::plugins::get(context, plugin).await?, None, &Wrong::new())
}

/// For operators: sets what a plugin may use. What is set already is set, whoever did so.
pub(crate) async fn change_limits(
    context: &Context,
    caller: Caller,
    plugin: &str,
    sent: TypedFields,
) -> Result<LimitsChange> {
    caller.operator()?;
    let found = crate::plugins::get(context, plugin).await?;
    let typed = Typed::sort(sent)?;
    let (chosen, mut wrong) = typed.read();
    if wrong.is_empty() && chosen == found.chosen()? {
        return Ok(LimitsChange::Saved);
    }
    let refused = |view| Ok(LimitsChange::Refused(Box::new(view)));
    if typed.revision != found.revision.to_string() {
        let mut view = view(&found, None, &Wrong::new())?;
        view.problems.push(CHANGED.to_owned());
        return refused(view);
    }
    if !wrong.is_empty() {
        return refused(view(&found, Some(&typed), &wrong)?);
    }
    let error = match set_limits(context, &found, chosen).await {
        Ok(()) => return Ok(LimitsChange::Saved),
        Err(Error::Invalid { field, message }) => match named(field) {
            Some(kind) => {
                wrong.insert(kind, message);
                None
            }
            None => Some(Error::Invalid { field, message }),
        },
        Err(error) => Some(error),
    };
    let mut view = view(&found, Some(&typed), &wrong)?;
    view.error = error.map(Error::beside_a_form).transpose()?;
    refused(view)
}

/// The limit that forms call so.
fn named(name: &str) -> Option<LimitKind> {
    LimitKind::ALL.into_iter().find(|it| it.name() == name)
}

/// What was typed, by its field.
#[derive(Default)]
struct Typed {
    revision: String,
    texts: BTreeMap<LimitKind, String>,
}

impl Typed {
    /// Sorts what was sent; what nobody asked for is refused, and so is what is there twice.
    fn sort(sent: TypedFields) -> Result<Self> {
        let (mut typed, mut revision) = (Self::default(), None);
        for (name, text) in sent.0 {
            let before = match named(&name) {
                Some(kind) => typed.texts.insert(kind, text),
                None if name == REVISION => revision.replace(text),
                None => return Err(Error::invalid("form", format!("nobody asked for {name}"))),
            };
            if before.is_some() {
                return Err(Error::invalid("form", format!("{name} is there twice")));
            }
        }
        Ok(Self { revision: revision.unwrap_or_default(), ..typed })
    }

    fn read(&self) -> (Chosen, Wrong) {
        let (mut chosen, mut wrong) = (Chosen::default(), Wrong::new());
        for (kind, text) in &self.texts {
            match read_limit(*kind, text) {
                Ok(number) => chosen.set(*kind, number),
                Err(why) => drop(wrong.insert(*kind, why)),
            }
        }
        (chosen, wrong)
    }
}

/// A number as it is typed; none where nothing is, so that it is as usual.
///
/// # Errors
/// What is wrong with it, without the field's name.
pub(crate) fn read_limit(kind: LimitKind, text: &str) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (least, most) = (bound(&Limits::LEAST, kind), bound(&Limits::CAPS, kind));
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(NO_NUMBER.to_owned());
    }
    // One that is too long for the type is too large.
    let number = digits.parse().unwrap_or(u32::MAX);
    if digits != text || u64::from(number) < least {
        return Err(format!("at least {least}"));
    }
    if most < u64::from(number) {
        return Err(format!("at most {most}, which is the hard cap"));
    }
    Ok(Some(number))
}

/// A bound as it is typed. Each limit has both.
fn bound(limits: &Limits, kind: LimitKind) -> u64 {
    number(limits, kind).unwrap_or_default() / kind.unit()
}

/// The form, as it stands or as it was typed.
fn view(plugin: &Installed, typed: Option<&Typed>, wrong: &Wrong) -> Result<PluginLimitsView> {
    let (chosen, asked) = (plugin.chosen()?, Limits::asked(&plugin.manifest()?));
    let stands = |kind| chosen.get(kind).map_or_else(String::new, |it| it.to_string());
    let field = |kind: LimitKind| LimitField {
        kind,
        value: match typed {
            Some(typed) => typed.texts.get(&kind).cloned().unwrap_or_default(),
            None => stands(kind),
        },
        usual: number(&asked, kind),
        least: number(&Limits::LEAST, kind).unwrap_or_default(),
        most: number(&Limits::CAPS, kind).unwrap_or_default(),
        error: wrong.get(&kind).cloned(),
    };
    Ok(PluginLimitsView {
        id: plugin.id,
        name: plugin.name.clone(),
        revision: plugin.revision,
        fields: LimitKind::ALL.into_iter().map(field).collect(),
        is_set: chosen != Chosen::default(),
        problems: Vec::new(),
        error: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_inside_its_bounds_and_nothing_else_is() {
        for kind in LimitKind::ALL {
            let (least, most) = (bound(&Limits::LEAST, kind), bound(&Limits::CAPS, kind));
            assert!(0 < least && least < most, "{kind:?}");
            assert_eq!(read_limit(kind, ""), Ok(None));
            for good in [least, most] {
                assert_eq!(read_limit(kind, &format!(" {good} ")), Ok(u32::try_from(good).ok()));
            }
            let low = format!("at least {least}");
            for text in ["0", "-1", "-99999999999", &(least - 1).to_string()] {
                assert_eq!(read_limit(kind, text), Err(low.clone()), "{kind:?} {text}");
            }
            let high = format!("at most {most}, which is the hard cap");
            for text in [&(most + 1).to_string(), "99999999999999999999999"] {
                assert_eq!(read_limit(kind, text), Err(high.clone()), "{kind:?} {text}");
            }
            for text in ["x", "-", "1.5", "1e3", "+5", "5 MiB", "٣", "0x10", "1\0"] {
                assert_eq!(read_limit(kind, text), Err(NO_NUMBER.to_owned()), "{kind:?} {text}");
            }
        }
    }
}
