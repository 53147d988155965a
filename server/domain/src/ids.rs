//! Every id has its own type and says what it names: `pod_…`, `peer_…`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};
use uuid::Uuid;

/// Text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that starts with `{prefix}_`, followed by 32 hexadecimal digits")]
pub struct IdError {
    prefix: &'static str,
}

/// An id that a new row can be given.
pub trait TypedId: From<Uuid> + fmt::Display + FromStr<Err = IdError> {
    /// The word before the underscore.
    const PREFIX: &'static str;
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| rest.len() == 32)
                    .filter(|rest| rest.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')))
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

// In alphabetical order. A prefix is part of URLs and logs: it never changes.
typed_ids! {
    /// A customer.
    AccountId = "acct";
    /// One call of a plugin.
    CallId = "call";
    /// One way to reach one account.
    ChannelId = "chan";
    /// One way of paying an invoice, as a customer began it.
    CheckoutId = "chk";
    /// One event on its way to one plugin, or one message on its way to one channel.
    DeliveryId = "dlv";
    /// One installation of the service: part of every node's certificate name.
    DeploymentId = "dep";
    /// One entry of the books.
    EntryId = "ent";
    /// A fact in the outbox.
    EventId = "evt";
    /// One plugin as an operator installed it.
    InstallationId = "inst";
    /// What an account owes for a period.
    InvoiceId = "inv";
    /// Where nodes stand: what a customer picks.
    LocationId = "loc";
    /// One WireGuard server.
    NodeId = "node";
    /// A person who runs the service.
    OperatorId = "op";
    /// Money that arrived.
    PaymentId = "pay";
    /// One device's key in a pod.
    PeerId = "peer";
    /// What is sold.
    PlanId = "plan";
    /// One account's own WireGuard interface on one node.
    PodId = "pod";
    /// One account's holding of a plan.
    SubscriptionId = "sub";
    /// A token for one pod.
    TokenId = "tok";
    /// A package that an operator sent and did not install yet.
    UploadId = "upl";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = PodId::from(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "pod_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_or_another_spelling_is_refused() {
        let peer = PeerId::from(Uuid::from_u128(7)).to_string();
        assert_eq!(peer.parse::<PodId>(), Err(IdError { prefix: "pod" }));
        for text in ["", "pod_", "pod_7", "pod_0000000000000000000000000000000G"] {
            assert!(text.parse::<PodId>().is_err(), "{text}");
        }
        let upper = PodId::from(Uuid::from_u128(0xabc)).to_string().replace("abc", "ABC");
        assert!(upper.parse::<PodId>().is_err(), "one spelling per id");
    }
}
