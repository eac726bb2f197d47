//! Sequence numbers.

use super::number;
use super::text::{is_space, text, trim};
use crate::limits::MAX_CSEQ;
use crate::message::{HeaderError, Method};

/// `314159 INVITE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number, below 2³¹.
    pub number: u32,
    /// The method.
    pub method: Method,
    /// The method as written, for [`Method::Other`].
    pub method_text: &'a str,
}

impl<'a> CSeq<'a> {
    /// Reads a value.
    ///
    /// # Errors
    /// [`HeaderError::Malformed`] when the number is missing or not below 2³¹ (RFC 3261 §8.1.1.5), or there is no method.
    pub fn parse(value: &'a [u8]) -> Result<CSeq<'a>, HeaderError> {
        let value = trim(text(value)?);
        let (digits, method) =
            value.split_once(is_space).ok_or(HeaderError::Malformed("CSeq without a method"))?;
        let number = number(digits.as_bytes()).filter(|number| *number <= MAX_CSEQ);
        let number = number.ok_or(HeaderError::Malformed("CSeq number"))?;
        let method_text = trim(method);
        if method_text.is_empty() || method_text.contains(is_space) {
            return Err(HeaderError::Malformed("CSeq method"));
        }
        Ok(CSeq { number, method: Method::parse(method_text.as_bytes()), method_text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_31_bits() {
        let cseq = CSeq::parse(b"0009\r\n INVITE").unwrap();
        assert_eq!((cseq.number, cseq.method, cseq.method_text), (9, Method::Invite, "INVITE"));
        assert_eq!(CSeq::parse(b"2147483647 X").unwrap().method, Method::Other);
        for text in
            ["2147483648 INVITE", "36893488147419103232 REGISTER", "-1 ACK", "1", "INVITE", "1 A B", ""]
        {
            assert!(CSeq::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
