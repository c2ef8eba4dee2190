//! Turns a file of `sql/` into the text that is sent: inserts parts, removes comments, numbers parameters.
//!
//! The files are written as `psql` reads them. `\ir parts/claimed.sql` on a line of its own includes that file, also
//! inside parts, where the path is relative to the part; `:worker_id` is a parameter. The tests compile this module
//! too, so they prepare exactly what the library sends.

/// Parts that several statements share, and parts of a long one. The head of each file says what must precede it
/// (`needs:`) and what it defines (`gives:`).
pub(crate) const PARTS: &[(&str, &str)] = &[
    ("parts/act_columns.sql", include_str!("../sql/parts/act_columns.sql")),
    ("parts/answer.sql", include_str!("../sql/parts/answer.sql")),
    ("parts/appended_error.sql", include_str!("../sql/parts/appended_error.sql")),
    ("parts/back.sql", include_str!("../sql/parts/back.sql")),
    ("parts/claim_summary.sql", include_str!("../sql/parts/claim_summary.sql")),
    ("parts/claimed.sql", include_str!("../sql/parts/claimed.sql")),
    ("parts/claimed_columns.sql", include_str!("../sql/parts/claimed_columns.sql")),
    ("parts/claimed_of_keys.sql", include_str!("../sql/parts/claimed_of_keys.sql")),
    ("parts/completed.sql", include_str!("../sql/parts/completed.sql")),
    ("parts/conditions.sql", include_str!("../sql/parts/conditions.sql")),
    ("parts/contents.sql", include_str!("../sql/parts/contents.sql")),
    ("parts/contents_asked.sql", include_str!("../sql/parts/contents_asked.sql")),
    ("parts/contents_wanted.sql", include_str!("../sql/parts/contents_wanted.sql")),
    ("parts/delayed.sql", include_str!("../sql/parts/delayed.sql")),
    ("parts/demand.sql", include_str!("../sql/parts/demand.sql")),
    ("parts/dropped_turns.sql", include_str!("../sql/parts/dropped_turns.sql")),
    ("parts/due.sql", include_str!("../sql/parts/due.sql")),
    ("parts/due_by_age.sql", include_str!("../sql/parts/due_by_age.sql")),
    ("parts/due_of_key.sql", include_str!("../sql/parts/due_of_key.sql")),
    ("parts/ended_places.sql", include_str!("../sql/parts/ended_places.sql")),
    ("parts/first_lane.sql", include_str!("../sql/parts/first_lane.sql")),
    ("parts/first_of_key.sql", include_str!("../sql/parts/first_of_key.sql")),
    ("parts/found.sql", include_str!("../sql/parts/found.sql")),
    ("parts/handed.sql", include_str!("../sql/parts/handed.sql")),
    ("parts/handed_in_order.sql", include_str!("../sql/parts/handed_in_order.sql")),
    ("parts/handed_on.sql", include_str!("../sql/parts/handed_on.sql")),
    ("parts/into_dead_letters.sql", include_str!("../sql/parts/into_dead_letters.sql")),
    ("parts/job_columns.sql", include_str!("../sql/parts/job_columns.sql")),
    ("parts/kept_until.sql", include_str!("../sql/parts/kept_until.sql")),
    ("parts/known_queue.sql", include_str!("../sql/parts/known_queue.sql")),
    ("parts/lane_floor.sql", include_str!("../sql/parts/lane_floor.sql")),
    ("parts/lane_rows.sql", include_str!("../sql/parts/lane_rows.sql")),
    ("parts/left_behind.sql", include_str!("../sql/parts/left_behind.sql")),
    ("parts/left_by_rate.sql", include_str!("../sql/parts/left_by_rate.sql")),
    ("parts/moved_places.sql", include_str!("../sql/parts/moved_places.sql")),
    ("parts/new_jobs.sql", include_str!("../sql/parts/new_jobs.sql")),
    ("parts/next_due.sql", include_str!("../sql/parts/next_due.sql")),
    ("parts/next_of_key.sql", include_str!("../sql/parts/next_of_key.sql")),
    ("parts/next_within_rate.sql", include_str!("../sql/parts/next_within_rate.sql")),
    ("parts/notified.sql", include_str!("../sql/parts/notified.sql")),
    ("parts/other_lanes.sql", include_str!("../sql/parts/other_lanes.sql")),
    ("parts/overwrite_dead_letter.sql", include_str!("../sql/parts/overwrite_dead_letter.sql")),
    ("parts/own_metadata.sql", include_str!("../sql/parts/own_metadata.sql")),
    ("parts/paused_kinds.sql", include_str!("../sql/parts/paused_kinds.sql")),
    ("parts/rate.sql", include_str!("../sql/parts/rate.sql")),
    ("parts/rated_rule.sql", include_str!("../sql/parts/rated_rule.sql")),
    ("parts/rated_visit.sql", include_str!("../sql/parts/rated_visit.sql")),
    ("parts/released_quotas.sql", include_str!("../sql/parts/released_quotas.sql")),
    ("parts/returned.sql", include_str!("../sql/parts/returned.sql")),
    ("parts/ring.sql", include_str!("../sql/parts/ring.sql")),
    ("parts/row_of_archived.sql", include_str!("../sql/parts/row_of_archived.sql")),
    ("parts/row_of_dead_letter.sql", include_str!("../sql/parts/row_of_dead_letter.sql")),
    ("parts/row_of_job.sql", include_str!("../sql/parts/row_of_job.sql")),
    ("parts/rule.sql", include_str!("../sql/parts/rule.sql")),
    ("parts/schedule_rule.sql", include_str!("../sql/parts/schedule_rule.sql")),
    ("parts/suspects.sql", include_str!("../sql/parts/suspects.sql")),
    ("parts/taken_turns.sql", include_str!("../sql/parts/taken_turns.sql")),
    ("parts/tick_jobs.sql", include_str!("../sql/parts/tick_jobs.sql")),
    ("parts/tokens_of_key.sql", include_str!("../sql/parts/tokens_of_key.sql")),
    ("parts/turned.sql", include_str!("../sql/parts/turned.sql")),
    ("parts/turns.sql", include_str!("../sql/parts/turns.sql")),
    ("parts/visit_summary.sql", include_str!("../sql/parts/visit_summary.sql")),
    ("parts/visited.sql", include_str!("../sql/parts/visited.sql")),
    ("parts/waiting_keys.sql", include_str!("../sql/parts/waiting_keys.sql")),
    ("parts/waits_at.sql", include_str!("../sql/parts/waits_at.sql")),
    ("parts/wanted.sql", include_str!("../sql/parts/wanted.sql")),
    ("parts/worker.sql", include_str!("../sql/parts/worker.sql")),
];

/// A statement in the form that the server reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) sql: String,
    /// The names of `$1`, `$2` and so on, numbered in order of first use.
    pub(crate) parameters: Vec<String>,
}

/// Makes the text of a statement from its file. The only comment that is sent is the first line, the statement's name,
/// by which operators recognize it in `pg_stat_activity`.
pub(crate) fn assemble(file: &str) -> Text {
    let mut text = Text { sql: String::new(), parameters: Vec::new() };
    if let Some(name) = file.lines().next().filter(|line| line.starts_with("--")) {
        text.sql.push_str(name);
        text.sql.push('\n');
    }
    for token in tokens(&with_parts(file, "")) {
        match token {
            Token::Comment(_) => text.sql.push('\n'),
            Token::Code(code) | Token::Quoted(code) => text.sql.push_str(code),
            Token::Parameter(name) => {
                let number = text.number(name);
                text.sql.push('$');
                text.sql.push_str(&number.to_string());
            }
        }
    }
    text
}

impl Text {
    fn number(&mut self, name: &str) -> usize {
        let known = self.parameters.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.parameters.push(name.to_owned());
            self.parameters.len() - 1
        });
        place + 1
    }
}

/// The text with its parts included, recursively. Lines that are comments are removed.
fn with_parts(text: &str, directory: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let begin = line.trim_start();
        if let Some(path) = begin.strip_prefix("\\ir ") {
            let path = format!("{directory}{}", path.trim_end());
            let part = PARTS.iter().find(|(name, _)| *name == path);
            let (_, part) = part.unwrap_or_else(|| panic!("{path} is not in `PARTS`"));
            let directory = path.rfind('/').map_or("", |end| &path[..=end]);
            whole.push_str(&with_parts(part, directory));
        } else if !begin.starts_with("--") {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    whole
}

/// A token of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'s> {
    Code(&'s str),
    /// A literal or a quoted name, with its quotes. A doubled quote inside gives two tokens.
    Quoted(&'s str),
    Comment(&'s str),
    /// The name, without its colon.
    Parameter(&'s str),
}

pub(crate) fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let (token, after) = first_token(rest)?;
        rest = after;
        Some(token)
    })
}

fn first_token(sql: &str) -> Option<(Token<'_>, &str)> {
    let first = sql.chars().next()?;
    let until = |end: &str, from: usize| {
        sql.split_at(sql[from..].find(end).map_or(sql.len(), |at| from + at + end.len()))
    };
    let name = sql.strip_prefix(':').map_or(0, length_of_name);
    let (token, rest) = match first {
        '\'' | '"' => {
            let (quoted, rest) = until(&sql[..1], 1);
            (Token::Quoted(quoted), rest)
        }
        _ if sql.starts_with("--") => {
            let (comment, rest) = until("\n", 0);
            (Token::Comment(comment), rest)
        }
        _ if sql.starts_with("/*") => {
            let (comment, rest) = until("*/", 2);
            (Token::Comment(comment), rest)
        }
        _ if sql.starts_with("::") => (Token::Code("::"), &sql[2..]),
        ':' if name > 0 => (Token::Parameter(&sql[1..=name]), &sql[1 + name..]),
        _ => {
            let special = |c: char| ['\'', '"', '-', '/', ':'].contains(&c);
            let begin = first.len_utf8();
            let end = sql[begin..].find(special).map_or(sql.len(), |at| begin + at);
            (Token::Code(&sql[..end]), &sql[end..])
        }
    };
    Some((token, rest))
}

fn length_of_name(sql: &str) -> usize {
    let is_other = |c: char| !c.is_ascii_lowercase() && c != '_';
    sql.find(is_other).unwrap_or(sql.len())
}
