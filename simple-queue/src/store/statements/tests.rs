use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::assemble::{PARTS, Text, Token, assemble, tokens};

fn room() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")
}

/// The files of a directory with this ending, by name, with their texts.
fn files(directory: &Path, ending: &str) -> Vec<(String, String)> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn statements() -> Vec<(String, String)> {
    files(&room().join("sql"), "sql")
}

/// The parameters that the store's methods bind, by statement. What a helper binds counts for each statement of the
/// methods that call it.
fn bound() -> BTreeMap<String, BTreeSet<String>> {
    let rooms = [room(), room().join("admin"), room().join("schedules"), room().join("statements")];
    let sources = rooms.map(|room| files(&room, "rs")).concat();
    let functions: Vec<String> = sources.iter().flat_map(|(_, source)| functions(source)).collect();
    let helpers: Vec<(&str, BTreeSet<String>)> = functions
        .iter()
        .filter(|function| begins_of_statements(function).is_empty())
        .map(|function| (function.split(['(', '<']).next().unwrap(), binds(function)))
        .filter(|(_, binds)| !binds.is_empty())
        .collect();
    let mut bound: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for function in &functions {
        let begins = begins_of_statements(function);
        for (place, (begin, name)) in begins.iter().enumerate() {
            let end = begins.get(place + 1).map_or(function.len(), |(end, _)| *end);
            let known = bound.entry(name.clone()).or_default();
            known.extend(binds(&function[*begin..end]));
            for (helper, binds) in &helpers {
                if function.contains(&format!("{helper}(")) {
                    known.extend(binds.iter().cloned());
                }
            }
        }
    }
    bound
}

/// The functions of a file without white space, each starting with its name.
fn functions(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    code.split("fn ").skip(1).map(|function| function.split_whitespace().collect()).collect()
}

/// The places where a function starts to send a statement.
fn begins_of_statements(function: &str) -> Vec<(usize, String)> {
    let is_other = |c: char| !c.is_ascii_lowercase() && c != '_';
    let mut begins = Vec::new();
    for mark in ["statements.", "Statement::new(\""] {
        for (at, _) in function.match_indices(mark) {
            let name = function[at + mark.len()..].split(is_other).next().unwrap();
            begins.push((at, name.to_owned()));
        }
    }
    begins
}

fn binds(code: &str) -> BTreeSet<String> {
    code.split(".bind(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_parameter_of_a_statement_is_bound_and_nothing_else_is() {
    let bound = bound();
    let mut parameters = 0;
    for (name, file) in statements() {
        let of_file: BTreeSet<String> = assemble(&file).parameters.into_iter().collect();
        let of_method = bound.get(&name).cloned().unwrap_or_default();
        assert_eq!(of_method, of_file, "the store binds other names to `{name}` than its file has");
        parameters += of_file.len();
    }
    assert!(parameters > 100, "{parameters}");
}

/// The parts as statements include them.
fn parts() -> impl Iterator<Item = (String, String)> {
    PARTS.iter().map(|(path, part)| ((*path).to_owned(), part.replace("\\ir ", "\\ir parts/")))
}

#[test]
fn every_part_is_used_and_says_what_it_needs_and_gives() {
    let in_directory: BTreeSet<String> = files(&room().join("sql/parts"), "sql")
        .into_iter()
        .map(|(name, _)| format!("parts/{name}.sql"))
        .collect();
    let in_list: BTreeSet<String> = parts().map(|(path, _)| path).collect();
    assert_eq!(in_directory, in_list);
    let texts: Vec<String> =
        statements().into_iter().chain(parts()).map(|(_, text)| text).collect();
    for (path, part) in parts() {
        let include = format!("\\ir {path}");
        let is_used = texts.iter().any(|text| text.lines().any(|line| line.trim() == include));
        assert!(is_used, "{path} is in no statement");
        let name = path.trim_start_matches("parts/").trim_end_matches(".sql");
        assert_eq!(part.lines().next(), Some(format!("-- {name}").as_str()), "{path}");
        for says in ["\n-- needs: ", "\n-- gives: "] {
            assert!(part.contains(says), "the head of {path} has no `{}`", says.trim());
        }
    }
}

#[test]
fn parameters_have_names_and_a_comment_mentions_no_other() {
    for (name, text) in statements().into_iter().chain(parts()) {
        let parameters = assemble(&text).parameters;
        for token in tokens(&text) {
            match token {
                Token::Parameter(_) => {}
                Token::Code(code) => {
                    assert!(!code.contains('$'), "{name} has a number for a parameter: {code}");
                }
                Token::Quoted(quoted) => {
                    assert!(!quoted.contains('\n'), "{name} has a literal of several lines");
                    assert!(names_in(quoted).is_empty(), "{name} has a parameter in {quoted}");
                }
                Token::Comment(comment) => {
                    for mentioned in names_in(comment) {
                        assert!(
                            parameters.contains(&mentioned),
                            "a comment of {name} mentions `:{mentioned}`, which it does not have"
                        );
                    }
                }
            }
        }
    }
}

/// What would be parameters if it were code.
fn names_in(text: &str) -> Vec<String> {
    let code = text.trim_start_matches('-').replace(['\'', '"'], " ");
    let is_name = |token| match token {
        Token::Parameter(name) => Some(name.to_owned()),
        _ => None,
    };
    tokens(&code).filter_map(is_name).collect()
}

#[test]
fn names_are_numbered_as_they_come_but_not_in_casts_literals_and_comments() {
    let Text { sql, parameters } = assemble(
        "-- name\n-- Says `:much`.\nselect :b::text, ':c', \"d:e\", 'it''s :f', a[1:2] -- :g\n    \
         from t /* :h */ where id = :id and b = :b and c - :c_d / 2 > 0\n",
    );
    assert_eq!(
        sql,
        "-- name\nselect $1::text, ':c', \"d:e\", 'it''s :f', a[1:2] \n    \
         from t \n where id = $2 and b = $1 and c - $3 / 2 > 0\n"
    );
    assert_eq!(parameters, ["b", "id", "c_d"]);
}

#[test]
#[should_panic(expected = "parts/none.sql is not in `PARTS`")]
fn a_part_that_is_not_there_is_named() {
    assemble("-- name\n\\ir parts/none.sql\n");
}
