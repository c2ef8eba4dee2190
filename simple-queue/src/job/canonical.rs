//! Canonical JSON: equal values have one text, from which keys are made.

use super::json::MAX_DEPTH;

/// Returns the same JSON with the members of each object sorted by name, no space between tokens,
/// and one zero: `-0.0` equals `0.0`, and the database stores only one.
///
/// serde wrote the text, so equal names are spelled alike. A text that is nested too deep to be
/// stored is returned as it is.
pub(crate) fn canonical(json: &str) -> String {
    let mut open = vec![Container::of_root()];
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => string_length(rest),
            b'{' | b'[' | b'}' | b']' | b',' | b':' => 1,
            byte if byte.is_ascii_whitespace() => {
                rest = &rest[1..];
                continue;
            }
            _ => rest
                .find(|c: char| ",:{}[]\"".contains(c) || c.is_ascii_whitespace())
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        take(&mut open, token);
        if open.len() > MAX_DEPTH + 1 {
            return json.to_owned();
        }
    }
    open.pop().map(|root| root.members.concat()).unwrap_or_default()
}

/// What was read so far of an object, of an array, or of the top level.
struct Container {
    brackets: (&'static str, &'static str),
    /// Complete items: `"name":value` each, or a value.
    members: Vec<String>,
    /// The item that is being read.
    member: String,
}

impl Container {
    fn of_root() -> Self {
        Self { brackets: ("", ""), members: Vec::new(), member: String::new() }
    }

    fn opened(open: &'static str, close: &'static str) -> Self {
        Self { brackets: (open, close), ..Self::of_root() }
    }

    fn complete(&mut self) {
        if !self.member.is_empty() {
            self.members.push(std::mem::take(&mut self.member));
        }
    }

    fn closed(mut self) -> String {
        self.complete();
        let (open, close) = self.brackets;
        if open == "{" {
            // A stable sort: members of one name stay in order, and the last one counts.
            self.members.sort_by(|one, other| name(one).cmp(name(other)));
        }
        [open, &self.members.join(","), close].concat()
    }
}

fn take(open: &mut Vec<Container>, token: &str) {
    match token {
        "{" => open.push(Container::opened("{", "}")),
        "[" => open.push(Container::opened("[", "]")),
        "}" | "]" => {
            let closed = open.pop().map(Container::closed).unwrap_or_default();
            append(open, &closed);
        }
        "," => {
            if let Some(innermost) = open.last_mut() {
                innermost.complete();
            }
        }
        "-0.0" => append(open, "0.0"),
        _ => append(open, token),
    }
    if let [root] = open.as_mut_slice() {
        root.complete();
    }
}

fn append(open: &mut [Container], text: &str) {
    if let Some(innermost) = open.last_mut() {
        innermost.member.push_str(text);
    }
}

/// Returns the name in `"name":value`, with its quotes.
fn name(member: &str) -> &str {
    &member[..string_length(member)]
}

/// Returns the length of the string at the beginning of a text, quotes included.
fn string_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_of_their_names_at_every_depth() {
        let cases = [
            (
                r#"{"b":1,"a":{"d":[{"z":-0.0,"y":"}"}],"c":null}}"#,
                r#"{"a":{"c":null,"d":[{"y":"}","z":0.0}]},"b":1}"#,
            ),
            (r#"{ "a\"b" : [ 1 , 2.50 ] , "a" : {} }"#, r#"{"a":{},"a\"b":[1,2.50]}"#),
            (r#"[3,1,2,"-0.0",[]]"#, r#"[3,1,2,"-0.0",[]]"#),
            ("-0.0", "0.0"),
            (r#""a, [b: {""#, r#""a, [b: {""#),
            ("null", "null"),
            ("{}", "{}"),
        ];
        for (json, expected) in cases {
            assert_eq!(canonical(json), expected);
            let read = |json| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(read(json), read(expected), "{json}");
            assert_eq!(canonical(expected), expected);
        }
    }

    #[test]
    fn what_is_too_deep_to_be_stored_stays_as_it_is() {
        let nested = |depth| "[".repeat(depth) + r#"{"b":1,"a":2}"# + &"]".repeat(depth);
        assert_ne!(canonical(&nested(MAX_DEPTH - 1)), nested(MAX_DEPTH - 1));
        for depth in [MAX_DEPTH, 500_000] {
            assert_eq!(canonical(&nested(depth)), nested(depth));
        }
    }
}
