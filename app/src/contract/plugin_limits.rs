//! What a plugin may use, as operators set it.

use myrelay_domain::ids::InstallationId;
use serde::{Deserialize, Serialize};

use super::PortalError;

/// A limit that an operator may set for one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitKind {
    /// CPU time of a call, in milliseconds.
    Cpu,
    /// Time of a call by the clock, in milliseconds.
    Wall,
    /// Memory of a call, in bytes.
    Memory,
    /// Requests in a call.
    Requests,
    /// What is remembered altogether, in bytes.
    Store,
}

impl LimitKind {
    /// In the order in which people read them.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Wall, Self::Memory, Self::Requests, Self::Store];

    /// What forms and the command line call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Memory => "memory",
            Self::Requests => "requests",
            Self::Store => "store",
        }
    }

    /// How many bytes one of what is typed is; 1 where it is no number of bytes.
    #[must_use]
    pub const fn unit(self) -> u64 {
        match self {
            Self::Memory => 1 << 20,
            Self::Store => 1 << 10,
            Self::Cpu | Self::Wall | Self::Requests => 1,
        }
    }

    /// An amount of it as people read it.
    #[must_use]
    pub fn amount(self, number: u64) -> String {
        let whole = number / self.unit();
        match self {
            Self::Cpu | Self::Wall => format!("{number} ms"),
            Self::Requests => number.to_string(),
            _ if !number.is_multiple_of(self.unit()) => format!("{number} bytes"),
            Self::Memory => format!("{whole} MiB"),
            Self::Store => format!("{whole} KiB"),
        }
    }
}

/// One limit on a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitField {
    pub kind: LimitKind,
    /// What is set, or what was typed; empty: it is as usual.
    pub value: String,
    /// What it is where nobody sets it; none: that depends on the call.
    pub usual: Option<u64>,
    pub least: u64,
    /// The hard cap.
    pub most: u64,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// The limits of a plugin that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLimitsView {
    pub id: InstallationId,
    pub name: String,
    /// What the form was made of: it is sent along, so that nobody undoes what somebody else did.
    pub revision: i64,
    pub fields: Vec<LimitField>,
    /// An operator set one of them.
    pub is_set: bool,
    /// What is wrong and belongs to no field.
    pub problems: Vec<String>,
    /// Why nothing was changed.
    pub error: Option<PortalError>,
}

/// What came of other limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitsChange {
    Saved,
    /// Nothing was changed; the form is as it was typed, with what is wrong.
    Refused(Box<PluginLimitsView>),
}

/// A limit that an operator set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLimit {
    pub kind: LimitKind,
    pub number: u64,
}

/// A limit that an operator set, where another version asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLimit {
    pub kind: LimitKind,
    /// What was set, and stays.
    pub number: u64,
    pub asked: u64,
}
