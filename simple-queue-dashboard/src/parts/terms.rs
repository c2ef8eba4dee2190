//! The terms of a filter as it is typed, to take one out and put one in.

/// The terms, of which a quoted one may have spaces.
pub(crate) fn terms(query: &str) -> Vec<&str> {
    let (mut terms, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in query.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if letter.is_whitespace() && !is_quoted => {
                terms.push(&query[begin..at]);
                begin = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    terms.push(&query[begin..]);
    terms.retain(|term| !term.is_empty());
    terms
}

/// The word after `state:`.
pub(crate) fn state_word(query: &str) -> &str {
    terms(query).into_iter().find_map(|term| term.strip_prefix("state:")).unwrap_or("any")
}

/// The same filter about another state; `any` is left out.
pub(crate) fn with_state(query: &str, state: &str) -> String {
    let others = terms(query).into_iter().filter(|term| !term.starts_with("state:"));
    let state = (state != "any").then(|| format!("state:{state}"));
    let all: Vec<String> = state.into_iter().chain(others.map(str::to_owned)).collect();
    all.join(" ")
}

/// The filter without this one of its terms.
pub(crate) fn without_term(query: &str, position: usize) -> String {
    let mut terms = terms(query);
    if position < terms.len() {
        terms.remove(position);
    }
    terms.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_term_stays_whole() {
        let query = r#" state:dead  error:"a \" b" kind:x "#;
        assert_eq!(terms(query), ["state:dead", r#"error:"a \" b""#, "kind:x"]);
        assert_eq!(with_state(query, "live"), r#"state:live error:"a \" b" kind:x"#);
        assert_eq!(with_state(query, "any"), r#"error:"a \" b" kind:x"#);
        assert_eq!(without_term(query, 1), "state:dead kind:x");
        assert_eq!((state_word(query), state_word("kind:x")), ("dead", "any"));
        assert_eq!(without_term("", 0), "");
    }
}
