//! Rust as text: what is code in it, and how long its functions are.

/// The text with blanks in the place of comments and of what stands in quotes; lines stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut at) = (String::with_capacity(text.len()), 0);
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |end| at + end)
            }
            '/' if chars.get(at + 1) == Some(&'*') => after(&chars, at + 2, &['*', '/']),
            '"' => end_of_string(&chars, at + 1),
            'r' if is_raw(&chars, at) => end_of_raw(&chars, at + 1),
            '\'' if chars.get(at + 1) == Some(&'\\') => after(&chars, at + 3, &['\'']),
            '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
            _ => at,
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            // A comment is nothing, and a text is a value, whatever it says.
            code.push(if chars[at] == '/' { ' ' } else { '"' });
            code.extend(chars[at + 1..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn after(chars: &[char], from: usize, end: &[char]) -> usize {
    let found = chars.get(from..).and_then(|rest| rest.windows(end.len()).position(|at| at == end));
    found.map_or(chars.len(), |found| from + found + end.len())
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    std::cmp::min(at + 1, chars.len())
}

/// Whether a raw string begins here, rather than a name.
fn is_raw(chars: &[char], at: usize) -> bool {
    let goes_on = at.checked_sub(1).is_some_and(|before| {
        let before = chars[before];
        before.is_alphanumeric() && before != 'b' || before == '_'
    });
    let quote = chars[at + 1..].iter().position(|c| *c != '#').map(|hashes| chars[at + 1 + hashes]);
    !goes_on && quote == Some('"')
}

fn end_of_raw(chars: &[char], at: usize) -> usize {
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    after(chars, at + hashes + 1, &end)
}

/// The functions of a text, each with the line where it begins and how many lines of code are in its body.
pub(crate) fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let code = code_only(text);
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() || before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(body) = body_of(&code[at..]) else { continue };
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        functions.push((name, code[..at].matches('\n').count() + 1, lines));
    }
    functions
}

/// What is between the braces of a function; `None` where it has none.
fn body_of(function: &str) -> Option<&str> {
    let (mut brackets, mut braces, mut begin) = (0, 0, None);
    for (at, c) in function.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && begin.is_none() => return None,
            '{' if brackets == 0 || begin.is_some() => {
                braces += 1;
                begin.get_or_insert(at + 1);
            }
            '}' if begin.is_some() => {
                braces -= 1;
                if braces == 0 {
                    return function.get(begin?..at);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn the_length_of_a_function_is_that_of_its_code() {
    let text = r##"
/// Not `fn one() {`.
fn two(a: [u8; 2]) -> char {
    // A comment.
    let brace = r#"{ "fn three() {" "#;

    let (a, b) = ('{', "{\"");
    '}'
}
trait T { fn four(&self); fn five<'a>(&'a self) -> &'a str { "" } }
"##;
    let found = functions(text);
    let names: Vec<_> =
        found.iter().map(|(name, line, lines)| (name.as_str(), *line, *lines)).collect();
    assert_eq!(names, [("two", 3, 3), ("five", 10, 1)]);
}
