//! The parameters of the authentication headers: `name=token` and `name="quoted"`, separated by commas.

use std::borrow::Cow;

use crate::header::{Values, unquote};

/// Why an authentication header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Another scheme than Digest: Basic, Bearer.
    #[error("not the Digest scheme")]
    OtherScheme,
    /// A parameter without an equals sign, or with a value that is none.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A parameter that must be there is not.
    #[error("missing: {0}")]
    Missing(&'static str),
    /// A parameter stands twice: who reads the other one sees another user.
    #[error("repeated: {0}")]
    Repeated(&'static str),
    /// An algorithm that is none of [`super::Algorithm`].
    #[error("unknown algorithm")]
    UnknownAlgorithm,
    /// A quality of protection that is neither `auth` nor `auth-int`.
    #[error("unknown qop")]
    UnknownQop,
}

/// Splits off the scheme and walks the parameters.
pub(crate) fn params(
    value: &[u8],
) -> Result<impl Iterator<Item = Result<(&str, Cow<'_, str>), DigestError>>, DigestError> {
    let value = value.trim_ascii_start();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Err(DigestError::OtherScheme);
    }
    Ok(Values::new(rest).map(|param| {
        let param = std::str::from_utf8(param).map_err(|_| DigestError::NotUtf8)?;
        let (name, value) =
            param.split_once('=').ok_or(DigestError::Malformed("a parameter without a value"))?;
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if value.starts_with('"') && (value.len() < 2 || !value.ends_with('"')) {
            return Err(DigestError::Malformed("a quote that does not close"));
        }
        Ok((name, unquote(value)))
    }))
}

/// Keeps a parameter that may stand once.
pub(crate) fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), DigestError> {
    if slot.is_some() {
        return Err(DigestError::Repeated(name));
    }
    *slot = Some(value);
    Ok(())
}
