//! Where settings come from: a flag before a variable before the file before the default.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{
    ConfigError,
    table::{Kind, SETTINGS, Setting, find},
};

/// The file that is read when it is there and no other is named.
pub const DEFAULT_FILE: &str = "/etc/myrelay/myrelay.toml";

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Flag,
    Variable(String),
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One setting's text and where it came from.
#[derive(Clone)]
pub struct Value {
    pub text: String,
    pub source: Source,
}

/// Every setting's value.
#[derive(Clone)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Collects the values.
    ///
    /// `flags` holds what was given on the command line; `file` the path of `--config`; `variable`
    /// reads the environment.
    ///
    /// # Errors
    /// When the file cannot be read or has a key that is no setting, or a secret's file is away.
    pub fn collect(
        flags: &BTreeMap<&'static str, String>,
        file: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let default_file = Path::new(DEFAULT_FILE);
        let path = file.or_else(|| default_file.exists().then_some(default_file));
        let from_file = path.map(read_file).transpose()?.unwrap_or_default();
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            let flag = flags.get(setting.name).map(|it| (it.clone(), Source::Flag));
            let value = match flag {
                Some(found) => Some(found),
                None => from_environment(setting, variable)?.or_else(|| {
                    let text = from_file.get(setting.name)?.clone();
                    Some((text, Source::File(path?.to_owned())))
                }),
            };
            let (text, source) =
                value.unwrap_or_else(|| (setting.default.to_owned(), Source::Default));
            values.insert(setting.name, Value { text, source });
        }
        Ok(Self(values))
    }

    /// The value of a setting of the table.
    pub fn get(&self, name: &str) -> Value {
        let missing = || Value { text: String::new(), source: Source::Default };
        self.0.get(name).cloned().unwrap_or_else(missing)
    }
}

/// As `myrelay config` prints it: a file that can be read back, with who said what.
impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in SETTINGS {
            let Value { text, source } = self.get(setting.name);
            let shown = match setting.kind {
                Kind::Switch => text,
                Kind::Secret if !text.is_empty() => "\"(hidden)\"".to_owned(),
                Kind::List => toml::Value::from(split(&text).collect::<Vec<_>>()).to_string(),
                Kind::Text | Kind::Secret => toml::Value::from(text).to_string(),
            };
            writeln!(f, "{:<44} # {source}", format!("{} = {shown}", setting.name))?;
        }
        Ok(())
    }
}

/// The parts of a list.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn from_environment(
    setting: &Setting,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(String, Source)>, ConfigError> {
    let name = setting.variable();
    if let Some(text) = variable(&name) {
        return Ok(Some((text, Source::Variable(name))));
    }
    if setting.kind != Kind::Secret {
        return Ok(None);
    }
    let name = format!("{name}_FILE");
    let Some(path) = variable(&name) else { return Ok(None) };
    let text = fs::read_to_string(&path)
        .map_err(|error| ConfigError::new(setting.name, format!("{name} names {path}: {error}")))?;
    Ok(Some((text.trim().to_owned(), Source::Variable(name))))
}

fn read_file(path: &Path) -> Result<BTreeMap<&'static str, String>, ConfigError> {
    let fault =
        |message: String| ConfigError::new("config", format!("{}: {message}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    parse_file(&text).map_err(fault)
}

/// Reads the TOML of a configuration file; the error names the key.
pub(super) fn parse_file(text: &str) -> Result<BTreeMap<&'static str, String>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The rest of the error quotes the line, which may hold a secret.
        format!("it is not TOML: {}", error.message())
    })?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let setting = find(&key).ok_or_else(|| {
            format!("`{}` is no setting; `myrelay serve --help` lists them", key.escape_default())
        })?;
        let text = plain(&value, setting.kind)
            .ok_or_else(|| format!("`{key}`: expected {}", setting.value))?;
        values.insert(setting.name, text);
    }
    Ok(values)
}

fn plain(value: &toml::Value, kind: Kind) -> Option<String> {
    match (value, kind) {
        (toml::Value::Boolean(it), Kind::Switch) => Some(it.to_string()),
        (toml::Value::String(it), Kind::Text | Kind::Secret) => Some(it.clone()),
        (toml::Value::Integer(it), Kind::Text) => Some(it.to_string()),
        (toml::Value::Array(parts), Kind::List) => {
            let parts: Option<Vec<&str>> = parts.iter().map(toml::Value::as_str).collect();
            Some(parts?.join(","))
        }
        _ => None,
    }
}
