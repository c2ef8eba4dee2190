//! Whether an act is to be done: every one says what it does and where, and asks where that is called for.

use std::{
    fmt,
    io::{BufRead, IsTerminal},
};

use anyhow::Result;

use crate::{context::Target, exit::Mistake, output::Hue};

/// The answer was no.
#[derive(Debug)]
pub(crate) struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was done")
    }
}

impl std::error::Error for Declined {}

/// Says what is to be done and where, and lets it pass or fails. Of a production context the name is to be typed, and an
/// act on several things is to be agreed to; `--yes` answers both.
pub(crate) fn pass(target: &Target, words: &str, of_several: bool, yes: bool) -> Result<()> {
    let style = target.colour.map(Hue::style).unwrap_or_default();
    anstream::eprintln!("{words}, in {style}{}{style:#}", target.words());
    if yes || agrees(target, of_several, answer)? { Ok(()) } else { Err(Declined.into()) }
}

fn agrees(
    target: &Target,
    of_several: bool,
    answer: impl FnOnce(&str) -> Result<String>,
) -> Result<bool> {
    Ok(match target.context.as_deref().filter(|_| target.is_production) {
        Some(name) => {
            answer(&format!("`{name}` is in production; type its name to go on: "))? == name
        }
        None if of_several => matches!(answer("go on? [y/N] ")?.as_str(), "y" | "Y" | "yes"),
        None => true,
    })
}

/// Asks on the terminal. Without one there is no answer.
fn answer(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let problem = "the question cannot be answered, because the input is no terminal";
        return Err(Mistake::new(problem, "pass `--yes`").into());
    }
    anstream::eprint!("{question}");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_asks_for_its_name_and_others_only_before_acts_on_several_things() {
        let target = |is_production| Target {
            url: "postgres://db/app".to_owned(),
            schema: None,
            context: Some("prod".to_owned()),
            is_production,
            colour: None,
        };
        let answers = |is_production, of_several, typed: &str| {
            agrees(&target(is_production), of_several, |_| Ok(typed.to_owned())).unwrap()
        };
        assert!(answers(true, false, "prod") && answers(true, true, "prod"));
        assert!(!answers(true, false, "y") && !answers(true, true, "prod2"));
        assert!(answers(false, true, "y") && !answers(false, true, ""));
        let unasked = |_: &str| -> Result<String> { unreachable!("there is no question") };
        assert!(agrees(&target(false), false, unasked).unwrap());
    }
}
