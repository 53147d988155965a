//! The operator's settings as a type, and the turns of a plugin's life that most plugins share.

use serde::de::DeserializeOwned;

use crate::{
    answers::error,
    config,
    types::{Error, ErrorKind, Money},
};

/// The settings of this installation.
pub fn settings<T: DeserializeOwned>() -> Result<T, Error> {
    let read = serde_json::from_str(&config::get());
    read.map_err(|it| error(ErrorKind::InvalidConfig, format!("the settings: {it}")))
}

/// What is wrong with settings: JSON pointers, and what to do about what stands there.
pub type Problems = Vec<(&'static str, String)>;

/// What `look` finds in settings that somebody means to save.
pub fn problems<T: DeserializeOwned>(candidate: &str, look: impl Fn(&T) -> Problems) -> Problems {
    match serde_json::from_str(candidate) {
        Ok(settings) => look(&settings),
        Err(why) => vec![("", why.to_string())],
    }
}

/// The sum of some amounts, all of them in one currency.
pub fn total(mut amounts: impl Iterator<Item = Money>) -> Result<Money, Error> {
    let wrong = || error(ErrorKind::InvalidInput, "amounts of one currency that add up");
    let first = amounts.next().ok_or_else(wrong)?;
    amounts.try_fold(first, |sum, it| {
        let minor = sum.minor.checked_add(it.minor).filter(|_| sum.currency == it.currency);
        Ok(Money { minor: minor.ok_or_else(wrong)?, currency: sum.currency })
    })
}

/// Implements `lifecycle` for a plugin that sets nothing up at its provider.
///
/// `$problems` is called as `fn(&str) -> Problems`; `$ready` as `fn() -> Result<String, Error>`: it
/// looks whether everything is in place, and says what the plugin is connected to. A plugin whose
/// memory had another form once hands in `fn(&str) -> Result<(), Error>` as well: it is called with
/// the version before.
#[macro_export]
macro_rules! lifecycle {
    (
        $world:ident, $plugin:ty, $id:literal, $version:expr, $problems:path, $ready:path
        $(, $migrate:path)? $(,)?
    ) => {
        impl $world::exports::myrelay::plugin::lifecycle::Guest for $plugin {
            fn describe() -> $world::exports::myrelay::plugin::lifecycle::Info {
                $world::exports::myrelay::plugin::lifecycle::Info {
                    id: $id.to_owned(),
                    version: $version.to_owned(),
                    api_version: "1.0".to_owned(),
                }
            }

            fn activate(_webhook_url: Option<String>) -> Result<(), $crate::types::Error> {
                $crate::tell_panics();
                $ready().map(drop)
            }

            fn deactivate() -> Result<(), $crate::types::Error> {
                Ok(())
            }

            fn validate_config(
                candidate: String,
            ) -> Result<
                Vec<$world::exports::myrelay::plugin::lifecycle::ConfigProblem>,
                $crate::types::Error,
            > {
                $crate::tell_panics();
                let problems = $problems(&candidate).into_iter().map(|(path, message)| {
                    $world::exports::myrelay::plugin::lifecycle::ConfigProblem {
                        path: path.to_owned(),
                        message,
                    }
                });
                Ok(problems.collect())
            }

            fn migrate(from_version: String) -> Result<(), $crate::types::Error> {
                $crate::tell_panics();
                let turns: &[fn(&str) -> Result<(), $crate::types::Error>] = &[$($migrate)?];
                turns.iter().try_for_each(|turn| turn(&from_version))
            }

            fn health() -> Result<
                $world::exports::myrelay::plugin::lifecycle::HealthReport,
                $crate::types::Error,
            > {
                $crate::tell_panics();
                let (ok, detail) = match $ready() {
                    Ok(detail) => (true, detail),
                    Err(error) => (false, error.message),
                };
                Ok($world::exports::myrelay::plugin::lifecycle::HealthReport { ok, detail })
            }
        }
    };
}
