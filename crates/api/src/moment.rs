//! Points in time on the wire: RFC 3339, in UTC with milliseconds when we write them.

use std::time::Duration;

use clock::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A [`Time`] in the text form of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Time);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Moment).ok_or_else(|| {
            serde::de::Error::custom("must be a time of RFC 3339 since 1970, as 2026-11-21T07:18:00Z")
        })
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-21T07:18:00.250Z"])
            .into()
    }
}

impl ToSchema for Moment {}

/// Reads `2026-11-21T07:18:00[.25](Z|+07:00)`, RFC 3339 §5.6; `None` for anything else and for times before 1970.
fn parse(text: &str) -> Option<Time> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let day = days(number(date.get(..4)?)?, number(date.get(5..7)?)?, number(date.get(8..)?)?)?;
    let (hour, minute) = (number(clock.get(..2)?)?, number(clock.get(3..5)?)?);
    // A leap second counts as the one after it, as POSIX time does.
    let second = number(clock.get(6..)?)?;
    let separated = date.get(4..5)? == "-"
        && date.get(7..8)? == "-"
        && clock.get(2..3)? == ":"
        && clock.get(5..6)? == ":";
    if !separated || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, zone) = fraction(rest)?;
    let seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - offset(zone)?;
    Some(Time::from_secs(u64::try_from(seconds).ok()?) + Duration::from_nanos(nanos))
}

fn number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// `.25Z` is 250 ms and `Z`.
fn fraction(rest: &str) -> Option<(u64, &str)> {
    let Some(rest) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let end = rest.bytes().position(|b| !b.is_ascii_digit())?;
    let (digits, zone) = rest.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let nanos: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    Some((nanos.parse().ok()?, zone))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, zone) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(zone), _) => (1, zone),
        (_, Some(zone)) => (-1, zone),
        _ => return None,
    };
    let (hours, minutes) = zone.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; `None` for a day that does not exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Counted from 0000-03-01, so that the leap day ends a year.
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_we_read() {
        for secs in [0, 951_782_399, 951_782_400, 951_868_800, 1_763_711_951, 4_102_444_799] {
            let time = Time::from_secs(secs) + Duration::from_millis(250);
            assert_eq!(parse(&time.to_rfc3339()), Some(time));
        }
    }

    #[test]
    fn zones_and_fractions_are_read() {
        let time = Time::from_secs(1_763_711_951);
        for text in [
            "2025-11-21T07:59:11Z",
            "2025-11-21T14:59:11+07:00",
            "2025-11-21T02:29:11.000-05:30",
            "2025-11-21 07:59:11z",
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        assert_eq!(parse("2025-11-21T07:59:11.5Z"), Some(time + Duration::from_millis(500)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2025",
            "2025-11-21",
            "2025-11-21T07:59:11",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-11-21T24:00:00Z",
            "2025-11-21T07:59:11.Z",
            "2025-11-21T07:59:11+7:00",
            "1969-12-31T23:59:59Z",
            "2025/11/21T07:59:11Z",
            "+025-11-21T07:59:11Z",
            "2025-11-21T07:59:11Zjunk",
            "２025-11-21T07:59:11Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
