//! Changes to a received message that is passed on.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{HeaderLine, Message};
use crate::header::{Name, Values, unfold};

/// What to change in a message; everything else is passed on byte for byte.
#[derive(Clone, Debug, Default)]
pub struct EditList {
    uri: Option<Vec<u8>>,
    edits: SmallVec<[Edit; 4]>,
}

#[derive(Clone, Debug)]
enum Edit {
    Remove(Name),
    RemoveFirst(Name),
    RemoveOther(String),
    Replace(Name, Vec<u8>),
    ReplaceFirst(Name, Vec<u8>),
    Prepend(Name, Vec<u8>),
    Append(Name, Vec<u8>),
    AppendOther(String, Vec<u8>),
}

impl EditList {
    /// No change.
    #[must_use]
    pub fn new() -> EditList {
        EditList::default()
    }

    /// Another request-URI; without effect on a response.
    pub fn replace_uri(&mut self, uri: impl AsRef<[u8]>) -> &mut EditList {
        self.uri = Some(uri.as_ref().to_vec());
        self
    }

    /// Drops all lines of this name.
    pub fn remove(&mut self, name: Name) -> &mut EditList {
        self.push(Edit::Remove(name))
    }

    /// Drops the first value of this name (one of a comma list, too): one's own Via or Route.
    pub fn remove_first(&mut self, name: Name) -> &mut EditList {
        self.push(Edit::RemoveFirst(name))
    }

    /// Drops all lines whose name is this text, in any case.
    pub fn remove_other(&mut self, name: &str) -> &mut EditList {
        self.push(Edit::RemoveOther(name.to_owned()))
    }

    /// One line with this value in place of all lines of this name; added behind the others when there is none.
    pub fn replace(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut EditList {
        self.push(Edit::Replace(name, value.as_ref().to_vec()))
    }

    /// Another first value of this name (one of a comma list, too); without effect when there is none.
    pub fn replace_first(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut EditList {
        self.push(Edit::ReplaceFirst(name, value.as_ref().to_vec()))
    }

    /// A line before the first of this name, or before all headers when there is none. Of several, the last call stands
    /// first.
    pub fn prepend(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut EditList {
        self.push(Edit::Prepend(name, value.as_ref().to_vec()))
    }

    /// A line behind all headers.
    pub fn append(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut EditList {
        self.push(Edit::Append(name, value.as_ref().to_vec()))
    }

    /// A line behind all headers, its name as text.
    pub fn append_other(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut EditList {
        self.push(Edit::AppendOther(name.to_owned(), value.as_ref().to_vec()))
    }

    fn push(&mut self, edit: Edit) -> &mut EditList {
        self.edits.push(edit);
        self
    }

    /// How many bytes the changes may add.
    fn added_bytes(&self) -> usize {
        /// A long name, colon, blank, line end.
        const LINE_BYTES: usize = 32;
        let edits = self.edits.iter().map(|edit| match edit {
            Edit::Remove(_) | Edit::RemoveFirst(_) | Edit::RemoveOther(_) => 0,
            Edit::Replace(_, value)
            | Edit::ReplaceFirst(_, value)
            | Edit::Prepend(_, value)
            | Edit::Append(_, value) => value.len() + LINE_BYTES,
            Edit::AppendOther(name, value) => name.len() + value.len() + LINE_BYTES,
        });
        edits.sum::<usize>() + self.uri.as_ref().map_or(0, Vec::len)
    }

    /// Lines of `Prepend` edits of this name, the last one first.
    fn write_prepended(&self, name: Name, out: &mut Vec<u8>) {
        for edit in self.edits.iter().rev() {
            if let Edit::Prepend(target, value) = edit
                && *target == name
            {
                write_line(out, name.as_str().as_bytes(), value);
            }
        }
    }

    /// Writes the line, changed as the list says.
    fn write_edited(&self, line: &HeaderLine<'_>, is_first: bool, out: &mut Vec<u8>) {
        for edit in &self.edits {
            match edit {
                Edit::Remove(name) if *name == line.name => return,
                Edit::RemoveOther(name) if line.text.eq_ignore_ascii_case(name.as_bytes()) => return,
                Edit::Replace(name, value) if *name == line.name => {
                    if is_first {
                        write_line(out, line.text, value);
                    }
                    return;
                }
                Edit::RemoveFirst(name) if *name == line.name && is_first => {
                    return write_values(out, line, None);
                }
                Edit::ReplaceFirst(name, value) if *name == line.name && is_first => {
                    return write_values(out, line, Some(value));
                }
                _ => {}
            }
        }
        out.extend_from_slice(line.raw);
    }

    /// What stands behind all headers.
    fn write_appended(&self, message: &Message, out: &mut Vec<u8>) {
        for edit in &self.edits {
            match edit {
                Edit::Append(name, value) => write_line(out, name.as_str().as_bytes(), value),
                Edit::AppendOther(name, value) => write_line(out, name.as_bytes(), value),
                Edit::Replace(name, value) if message.header(*name).is_none() => {
                    write_line(out, name.as_str().as_bytes(), value);
                }
                _ => {}
            }
        }
    }
}

impl Message {
    /// The message with these changes: one copy, everything else byte for byte. Bytes behind the body are left out.
    #[must_use]
    pub fn edited(&self, list: &EditList) -> Bytes {
        let mut out = Vec::with_capacity(self.bytes().len() + list.added_bytes());
        self.write_start_line(list, &mut out);
        let mut seen = Seen::default();
        for edit in list.edits.iter().rev() {
            if let Edit::Prepend(name, value) = edit
                && self.header(*name).is_none()
            {
                write_line(&mut out, name.as_str().as_bytes(), value);
            }
        }
        for line in self.lines() {
            let is_first = seen.is_first(line.name);
            if is_first {
                list.write_prepended(line.name, &mut out);
            }
            list.write_edited(&line, is_first, &mut out);
        }
        list.write_appended(self, &mut out);
        out.extend_from_slice(self.empty_line_and_body());
        Bytes::from(out)
    }

    fn write_start_line(&self, list: &EditList, out: &mut Vec<u8>) {
        let line = self.start_line();
        match &list.uri {
            Some(uri) if self.is_request() => {
                let tail = self.method_text().len() + 1 + self.request_uri().len();
                out.extend_from_slice(self.method_text().as_bytes());
                out.push(b' ');
                out.extend_from_slice(&unfold(uri));
                out.extend_from_slice(line.get(tail..).unwrap_or(&[]));
            }
            _ => out.extend_from_slice(line),
        }
    }
}

/// Which names have been met.
#[derive(Default)]
struct Seen(u128);

impl Seen {
    /// Whether this is the first line of its name; unknown names are not counted.
    fn is_first(&mut self, name: Name) -> bool {
        if name == Name::Other {
            return false;
        }
        let bit = 1u128 << (name as u8);
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first
    }
}

fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(&unfold(name));
    out.extend_from_slice(b": ");
    out.extend_from_slice(&unfold(value));
    out.extend_from_slice(b"\r\n");
}

/// The line without its first value, or with another one in its place; no line when nothing is left.
fn write_values(out: &mut Vec<u8>, line: &HeaderLine<'_>, first: Option<&Vec<u8>>) {
    let rest = Values::of(line.name, line.value).skip(1);
    let mut separator: &[u8] = b": ";
    let start = out.len();
    out.extend_from_slice(line.text);
    for value in first.map(Vec::as_slice).into_iter().chain(rest) {
        out.extend_from_slice(separator);
        out.extend_from_slice(&unfold(value));
        separator = b", ";
    }
    if separator == b", " {
        out.extend_from_slice(b"\r\n");
    } else {
        out.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"INVITE sip:bob@example.com;Weird=%zz;lr SIP/2.0\r\nv:SIP/2.0/UDP a , SIP/2.0/UDP b\r\n\
        X-Odd :\xff  folded\r\n  value\r\nVia: SIP/2.0/UDP c\r\nMax-Forwards: 70\r\nRoute: <sip:r1;lr>, <sip:r2;lr>\r\n\
        Content-Length: 2\r\n\r\nhiEXTRA";

    fn edited(edit: impl FnOnce(&mut EditList)) -> String {
        let message = Message::parse(Bytes::from_static(REQUEST)).unwrap();
        let mut list = EditList::new();
        edit(&mut list);
        String::from_utf8_lossy(&message.edited(&list)).into_owned()
    }

    #[test]
    fn without_changes_every_byte_is_kept_but_those_behind_the_body() {
        let message = Message::parse(Bytes::from_static(REQUEST)).unwrap();
        assert_eq!(message.edited(&EditList::new()), REQUEST.strip_suffix(b"EXTRA").unwrap());
    }

    #[test]
    fn a_proxy_hop() {
        let out = edited(|list| {
            list.replace_uri("sip:bob@192.0.2.4")
                .prepend(Name::Via, "SIP/2.0/TCP me")
                .replace(Name::MaxForwards, "69");
            list.remove_first(Name::Route).append(Name::RecordRoute, "<sip:me;lr>");
        });
        assert_eq!(
            out,
            "INVITE sip:bob@192.0.2.4 SIP/2.0\r\nVia: SIP/2.0/TCP me\r\nv:SIP/2.0/UDP a , SIP/2.0/UDP b\r\n\
             X-Odd :\u{fffd}  folded\r\n  value\r\nVia: SIP/2.0/UDP c\r\nMax-Forwards: 69\r\nRoute: <sip:r2;lr>\r\n\
             Content-Length: 2\r\nRecord-Route: <sip:me;lr>\r\n\r\nhi"
        );
    }

    #[test]
    fn first_values_are_changed_inside_a_list() {
        let out = edited(|list| {
            list.replace_first(Name::Via, "SIP/2.0/UDP a;received=192.0.2.9").remove(Name::Route);
        });
        assert!(out.contains("\r\nv: SIP/2.0/UDP a;received=192.0.2.9, SIP/2.0/UDP b\r\n"), "{out}");
        assert!(out.contains("\r\nVia: SIP/2.0/UDP c\r\n") && !out.contains("Route"), "{out}");
    }

    #[test]
    fn the_last_value_takes_its_line_along() {
        let out = edited(|list| {
            list.remove_first(Name::MaxForwards).remove_other("x-odd").prepend(Name::Path, "<sip:p1>");
            list.prepend(Name::Path, "<sip:p2>").replace(Name::Subject, "new").append_other("X-New", "1");
        });
        assert!(out.starts_with(
            "INVITE sip:bob@example.com;Weird=%zz;lr SIP/2.0\r\nPath: <sip:p2>\r\nPath: <sip:p1>\r\n"
        ));
        assert!(!out.contains("Max-Forwards") && !out.contains("X-Odd"), "{out}");
        assert!(out.contains("\r\nSubject: new\r\nX-New: 1\r\n\r\nhi"), "{out}");
    }
}
