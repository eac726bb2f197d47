//! Identities: 16 bytes that sort by time and carry the node and the boot epoch that made them.

use std::fmt;
use std::str::FromStr;

use clock::{Random, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const TEXT_LENGTH: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";
const RANDOM_BITS: u32 = 48;
const NANOS_PER_MILLI: u64 = 1_000_000;

/// Sixteen bytes that sort by time: 48 bits of milliseconds since the Unix epoch, 16 of node, 16 of boot epoch,
/// 48 of randomness. The text form is 32 lower-case hexadecimal digits, and sorts alike.
///
/// In binary formats an id is its 16 bytes, in text formats its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uid(u128);

/// A text that is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct IdError;

impl Uid {
    /// From the parts: `random` gives its low 48 bits.
    #[must_use]
    pub const fn from_parts(at: Time, node: u16, epoch: u16, random: u64) -> Uid {
        let millis = (at.as_nanos() / NANOS_PER_MILLI) as u128;
        let random = (random & ((1 << RANDOM_BITS) - 1)) as u128;
        Uid((millis << 80) | ((node as u128) << 64) | ((epoch as u128) << 48) | random)
    }

    /// From the 16 bytes, most significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Uid {
        Uid(u128::from_be_bytes(bytes))
    }

    /// The 16 bytes, most significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// When it was made, to the millisecond.
    #[must_use]
    pub const fn made_at(self) -> Time {
        Time::from_nanos(((self.0 >> 80) as u64).saturating_mul(NANOS_PER_MILLI))
    }

    /// The node that made it.
    #[must_use]
    pub const fn node(self) -> u16 {
        (self.0 >> 64) as u16
    }

    /// The boot epoch of the node that made it.
    #[must_use]
    pub const fn epoch(self) -> u16 {
        (self.0 >> 48) as u16
    }

    fn text(self) -> [u8; TEXT_LENGTH] {
        let mut text = [b'0'; TEXT_LENGTH];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            *slot = HEX.get((rest & 15) as usize).copied().unwrap_or(b'0');
            rest >>= 4;
        }
        text
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Uid, IdError> {
        if text.len() != TEXT_LENGTH {
            return Err(IdError);
        }
        let digit = |value: u128, byte: u8| Some((value << 4) | u128::from(char::from(byte).to_digit(16)?));
        text.bytes().try_fold(0, digit).map(Uid).ok_or(IdError)
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
        } else {
            self.to_bytes().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Uid, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Uid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("32 hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Uid, E> {
                text.parse().map_err(E::custom)
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Uid::from_bytes)
        }
    }
}

/// Makes ids for one node in one boot epoch. One per shard, each with a [`Random`] of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uids {
    node: u16,
    epoch: u16,
    random: Random,
}

impl Uids {
    /// A maker of ids.
    #[must_use]
    pub fn new(node: u16, epoch: u16, random: Random) -> Uids {
        Uids { node, epoch, random }
    }

    /// The next id of any kind: `let uid: CallUid = uids.next(now);`.
    pub fn next<T: From<Uid>>(&mut self, now: Time) -> T {
        T::from(Uid::from_parts(now, self.node, self.epoch, self.random.u64()))
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uid);

        impl From<Uid> for $name {
            fn from(uid: Uid) -> $name {
                $name(uid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$name, IdError> {
                text.parse().map($name)
            }
        }
    };
}

id!(
    /// Who may register: one [`crate::Account`].
    AccountId
);
id!(
    /// One [`crate::Tenant`].
    TenantId
);
id!(
    /// One call. Never the SIP header, which is called Call-ID.
    CallUid
);
id!(
    /// One leg of a call.
    LegUid
);
id!(
    /// A person who may use the API or the console.
    UserId
);
id!(
    /// An API token.
    TokenId
);

impl TenantId {
    /// The tenant that always exists.
    pub const DEFAULT: TenantId = TenantId(Uid(1));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn carries_time_node_and_epoch() {
        let at = Time::from_secs(1_763_711_951) + Duration::from_millis(250);
        let uid = Uid::from_parts(at, 7, 0xabcd, u64::MAX);
        assert_eq!((uid.made_at(), uid.node(), uid.epoch()), (at, 7, 0xabcd));
        assert_eq!(uid.to_string(), "019aa56ca1920007abcdffffffffffff");
        assert_eq!(Uid::from_bytes(uid.to_bytes()), uid);
    }

    #[test]
    fn later_ids_sort_later_as_values_and_as_text() {
        let mut uids = Uids::new(1, 1, Random::seeded(3));
        let made: Vec<CallUid> = (0..100).map(|n| uids.next(Time::from_secs(n))).collect();
        assert!(made.is_sorted());
        assert!(made.iter().map(ToString::to_string).is_sorted());
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let mut uids = Uids::new(1, 1, Random::seeded(3));
        let made: std::collections::BTreeSet<LegUid> = (0..1_000).map(|_| uids.next(Time::ZERO)).collect();
        assert_eq!(made.len(), 1_000);
    }

    #[test]
    fn text_and_binary_forms_are_read_back() {
        let id: AccountId = Uids::new(2, 3, Random::seeded(5)).next(Time::from_secs(1_000));
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), id);
        let bytes = postcard::to_allocvec(&id).unwrap();
        assert_eq!(bytes.len(), 16);
        assert_eq!(postcard::from_bytes::<AccountId>(&bytes).unwrap(), id);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1",
            "019aa56ca1920007abcdfffffffffff",
            "g19aa54c6a920007abcdffffffffffff",
            "0x19aa54c6a920007abcdffffffffffff",
        ] {
            assert_eq!(text.parse::<Uid>(), Err(IdError), "{text}");
        }
        assert!("+19aa54c6a920007abcdffffffffffff".parse::<Uid>().is_err());
    }
}
