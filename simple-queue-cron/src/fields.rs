//! Parses an expression, and says which of its fields is wrong.

use std::ops::Range;

use croner::parser::{CronParser, Seconds, Year};

/// A mistake, and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong, and the fix.
    pub message: String,
    /// Its bytes.
    pub place: Range<usize>,
}

struct Field {
    name: &'static str,
    /// What it takes.
    takes: &'static str,
}

const FIELDS: [Field; 6] = [
    Field { name: "second", takes: "0 to 59, like `0`, `*/10` or `0,30`" },
    Field { name: "minute", takes: "0 to 59, like `0`, `*/15` or `0,30`" },
    Field { name: "hour", takes: "0 to 23, like `9`, `*/2` or `9-17`" },
    Field {
        name: "day of month",
        takes: "1 to 31, like `1`, `1,15`, `L` (the last) or `15W` (the nearest weekday)",
    },
    Field { name: "month", takes: "1 to 12 or jan to dec, like `1`, `*/3` or `jan-mar`" },
    Field {
        name: "day of week",
        takes: "0 to 7 or sun to sat, like `mon`, `mon-fri`, `mon#1` (the first) or `fri#L` (the last)",
    },
];

const NICKNAMES: [&str; 6] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"];

/// Any value of all six fields, in which one of them is tried alone.
const NEUTRAL: [&str; 6] = ["0", "0", "0", "*", "*", "*"];

pub(crate) fn parse(text: &str) -> Result<croner::Cron, Wrong> {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    let whole = || 0..text.len();
    let words = words(text);
    if let [nickname] = words.as_slice()
        && text[nickname.clone()].starts_with('@')
    {
        let written = &text[nickname.clone()];
        if !NICKNAMES.iter().any(|known| known.eq_ignore_ascii_case(written)) {
            let names = NICKNAMES.map(|name| format!("`{name}`")).join(", ");
            let message = format!("unknown schedule `{written}`; the names are {names}");
            return Err(Wrong { message, place: nickname.clone() });
        }
    } else if !(5..=6).contains(&words.len()) {
        return Err(Wrong { message: miscounted(words.len()), place: whole() });
    }
    let cron = parser.parse(text).map_err(|error| {
        // Which of them it is.
        let numbers = FIELDS.len().saturating_sub(words.len())..;
        let wrong = words.iter().zip(numbers).find_map(|(word, number)| {
            let message = problem_of_field(parser, &text[word.clone()], number)?;
            Some(Wrong { message, place: word.clone() })
        });
        let message = || format!("\"{text}\" is not a cron expression: {error}");
        wrong.unwrap_or_else(|| Wrong { message: message(), place: whole() })
    })?;
    if words.len() == 6 && cron.pattern.seconds.values().len() == 60 {
        let message = "the first of six fields is the second, so this fires every second; leave it out to begin with \
                       the minute, write `0` in its place, or `every = \"1s\"` if that is meant";
        return Err(Wrong { message: message.to_owned(), place: words[0].clone() });
    }
    Ok(cron)
}

fn miscounted(fields: usize) -> String {
    if fields == 0 {
        return "expected a cron expression, like \"0 9 * * mon-fri\"".to_owned();
    }
    let fields = if fields == 1 { "1 field".to_owned() } else { format!("{fields} fields") };
    format!(
        "a cron expression has five fields, minute, hour, day of month, month, day of week, or six with the second \
         first; this has {fields}"
    )
}

/// Tries a field among others that are right.
fn problem_of_field(parser: CronParser, word: &str, number: usize) -> Option<String> {
    let Field { name, takes } = &FIELDS[number];
    let mut fields = NEUTRAL;
    fields[number] = word;
    if parser.parse(&fields.join(" ")).is_ok() {
        return None;
    }
    // What is often meant by a start with a step.
    let fix = match word.split_once('/') {
        Some((start, step))
            if start.is_empty() || start.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            let from = if start.is_empty() || start == "0" { "*" } else { start };
            let to = ["59", "59", "23", "31", "12", "6"][number];
            let range = if from == "*" { "*".to_owned() } else { format!("{from}-{to}") };
            format!("; did you mean `{range}/{step}`?")
        }
        _ => String::new(),
    };
    Some(format!("`{word}` is no {name}: it takes {takes}{fix}"))
}

/// An expression that is well formed and names no day of any year.
pub(crate) fn never(text: &str) -> Wrong {
    let words = words(text);
    let place = match words.as_slice() {
        [.., day, month, _] => day.start..month.end,
        _ => 0..text.len(),
    };
    let message = format!("`{}` is no day of any year, so this never fires", &text[place.clone()]);
    Wrong { message, place }
}

/// The places of the words of a text.
fn words(text: &str) -> Vec<Range<usize>> {
    let start_of = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|word| start_of(word)..start_of(word) + word.len()).collect()
}
