//! Values about people, which logs must not show.

use std::fmt;

/// A number, address or body that identifies a person: its `Debug` and `Display` show only the last two characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pii<T>(pub T);

impl<T: fmt::Display> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let kept = text.chars().count().saturating_sub(2).max(2);
        f.write_str("…")?;
        text.chars().skip(kept).try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

impl<T: fmt::Display> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_end_only() {
        assert_eq!(Pii("+4930123456").to_string(), "…56");
        assert_eq!(format!("{:?}", Pii("6001")), "…01");
        assert_eq!(Pii("42").to_string(), "…");
        assert_eq!(Pii("").to_string(), "…");
    }
}
