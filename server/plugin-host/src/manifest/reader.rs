//! Reads a table of TOML so that every error names the field and the rule, and nothing is left over.

use toml::{Table, Value};

use crate::{manifest::ManifestError, text};

/// The most entries of any list.
const LIST: usize = 64;

/// One table, of which fields are taken out.
pub(super) struct Reader {
    path: String,
    table: Table,
}

/// An error of one field.
pub(super) fn wrong(field: &str, rule: impl Into<String>) -> ManifestError {
    ManifestError { field: text::line(field, 120), rule: rule.into() }
}

impl Reader {
    pub(super) fn new(path: &str, table: Table) -> Self {
        Self { path: path.to_owned(), table }
    }

    /// The whole name of a field.
    pub(super) fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    pub(super) fn wrong(&self, field: &str, rule: impl Into<String>) -> ManifestError {
        wrong(&self.name(field), rule)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// What was not taken is not known.
    pub(super) fn end(self) -> Result<(), ManifestError> {
        match self.table.keys().next() {
            Some(field) => Err(self.wrong(field, "there is no such field")),
            None => Ok(()),
        }
    }

    /// A text that `is_sound`, by a rule in words.
    pub(super) fn text(
        &mut self,
        field: &str,
        rule: &str,
        is_sound: impl Fn(&str) -> bool,
    ) -> Result<String, ManifestError> {
        match self.table.remove(field) {
            Some(Value::String(text)) if is_sound(&text) => Ok(text),
            Some(_) => Err(self.wrong(field, rule)),
            None => Err(self.wrong(field, format!("it is missing; {rule}"))),
        }
    }

    pub(super) fn optional_text(
        &mut self,
        field: &str,
        rule: &str,
        is_sound: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, ManifestError> {
        self.has(field).then(|| self.text(field, rule, is_sound)).transpose()
    }

    /// A text that parses.
    pub(super) fn parsed<T>(
        &mut self,
        field: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ManifestError> {
        let text = self.text(field, rule, |_| true)?;
        parse(&text).ok_or_else(|| self.wrong(field, rule))
    }

    pub(super) fn number(
        &mut self,
        field: &str,
        from: i64,
        to: i64,
    ) -> Result<Option<i64>, ManifestError> {
        let rule = || format!("a number from {from} to {to}");
        match self.table.remove(field) {
            None => Ok(None),
            Some(Value::Integer(number)) if (from..=to).contains(&number) => Ok(Some(number)),
            Some(_) => Err(self.wrong(field, rule())),
        }
    }

    pub(super) fn switch(&mut self, field: &str) -> Result<bool, ManifestError> {
        match self.table.remove(field) {
            None => Ok(false),
            Some(Value::Boolean(on)) => Ok(on),
            Some(_) => Err(self.wrong(field, "true or false")),
        }
    }

    /// A list of texts that parse, none of them twice; empty where there is none.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        field: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ManifestError> {
        let values = match self.table.remove(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) if values.len() <= LIST => values,
            Some(_) => return Err(self.wrong(field, format!("a list of at most {LIST}; {rule}"))),
        };
        let mut list = Vec::new();
        for value in values {
            let entry = value.as_str().and_then(&parse);
            let entry = entry.ok_or_else(|| self.wrong(field, rule))?;
            if list.contains(&entry) {
                return Err(self.wrong(field, "nothing stands in it twice"));
            }
            list.push(entry);
        }
        Ok(list)
    }

    /// A table inside this one.
    pub(super) fn inner(&mut self, field: &str) -> Result<Option<Self>, ManifestError> {
        match self.table.remove(field) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self::new(&self.name(field), table))),
            Some(_) => Err(self.wrong(field, "a table")),
        }
    }

    /// A list of tables inside this one; empty where there is none.
    pub(super) fn tables(&mut self, field: &str) -> Result<Vec<Self>, ManifestError> {
        let values = match self.table.remove(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) if values.len() <= LIST => values,
            Some(_) => return Err(self.wrong(field, format!("at most {LIST} tables"))),
        };
        let mut tables = Vec::new();
        for (at, value) in values.into_iter().enumerate() {
            let Value::Table(table) = value else { return Err(self.wrong(field, "tables only")) };
            tables.push(Self::new(&format!("{}[{at}]", self.name(field)), table));
        }
        Ok(tables)
    }
}
