//! Which destinations a device sends through its tunnel, and which it leaves outside.

mod allowed;
mod list;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize, de};

pub use self::{
    allowed::{AllowedError, Family, Tunnel, allowed_ips},
    list::{CidrError, CidrList},
};

/// What a device sends through its tunnel. The text form is `everything`, or `except` or `only`
/// and the networks, parted by single spaces; nothing else parses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Routes {
    #[default]
    Everything,
    /// Everything but these networks.
    Except(CidrList),
    /// These networks and no others.
    Only(CidrList),
}

/// Text that is not a choice of routes in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("routes are `everything`, `except` or `only`, the last two with a list of networks")]
pub struct RoutesError;

impl Routes {
    /// Everything but the networks that the device is in itself.
    pub fn except_local() -> Self {
        Self::Except(CidrList::local_networks())
    }

    /// The first network that would be left outside although it lies wholly in one that stays
    /// inside: leaving it outside would do nothing.
    pub fn vain(&self, inside: &[IpNet]) -> Option<IpNet> {
        let Self::Except(list) = self else { return None };
        let stays = |it: &&IpNet| inside.iter().any(|own| own.contains(*it));
        list.networks().iter().find(stays).copied()
    }

    /// The networks of a choice that names some.
    pub fn networks(&self) -> Option<&CidrList> {
        match self {
            Self::Everything => None,
            Self::Except(list) | Self::Only(list) => Some(list),
        }
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Except(list) => write!(f, "except {list}"),
            Self::Only(list) => write!(f, "only {list}"),
        }
    }
}

impl FromStr for Routes {
    type Err = RoutesError;

    fn from_str(text: &str) -> Result<Self, RoutesError> {
        if text == "everything" {
            return Ok(Self::Everything);
        }
        let (mode, networks) = text.split_once(' ').ok_or(RoutesError)?;
        let list = CidrList::parse(networks).map_err(|_not_a_list| RoutesError)?;
        let routes = match mode {
            "except" => Self::Except(list),
            "only" => Self::Only(list),
            _ => return Err(RoutesError),
        };
        // One choice has one text: what is stored and sent compares byte for byte.
        if routes.to_string() == text { Ok(routes) } else { Err(RoutesError) }
    }
}

impl Serialize for Routes {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Routes {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}
