//! Which database is meant: by a URL, by a context of the configuration file, by the environment.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::{
    exit::Mistake,
    output::{Hue, NOTABLE, shown},
};

/// Environment variables, which a test replaces.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The process's own environment. An empty variable counts as none.
pub(crate) fn environment(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What was typed about the database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) url: Option<&'a str>,
    pub(crate) context: Option<&'a str>,
    pub(crate) schema: Option<&'a str>,
}

/// The database that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) schema: Option<String>,
    /// The context that it is of.
    pub(crate) context: Option<String>,
    /// Whether an act asks for the name of the context.
    pub(crate) is_production: bool,
    pub(crate) colour: Option<Hue>,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    context: BTreeMap<String, Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    url: Option<String>,
    /// The environment variable that has the URL.
    url_env: Option<String>,
    schema: Option<String>,
    #[serde(default)]
    production: bool,
    #[serde(alias = "color")]
    colour: Option<Hue>,
}

impl Target {
    /// A URL that was typed goes before a context, a context before the environment.
    pub(crate) fn of(asked: Asked<'_>, environment: Environment<'_>) -> Result<Self> {
        let schema = asked.schema.map(str::to_owned).or_else(|| environment("SIMPLE_QUEUE_SCHEMA"));
        let context =
            asked.context.map(str::to_owned).or_else(|| environment("SIMPLE_QUEUE_CONTEXT"));
        if let Some(url) = asked.url {
            return Ok(Self::at(url.to_owned(), schema));
        }
        if let Some(name) = context {
            let path = path(environment)?;
            return File::read(&path)?.target(&name, schema, &path, environment);
        }
        let of_variables = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGUSER", "PGPORT"];
        let url = environment("SIMPLE_QUEUE_DATABASE_URL")
            .or_else(|| environment("DATABASE_URL"))
            // The driver reads the rest of them.
            .or_else(|| {
                of_variables.into_iter().find_map(environment).map(|_| "postgres://".to_owned())
            });
        let url = url.ok_or_else(|| {
            Mistake::new(
                "it is not said where the database is",
                "pass `--database-url postgres://user@host/database` or `--context NAME`, or set DATABASE_URL",
            )
        })?;
        Ok(Self::at(url, schema))
    }

    /// Whether anything says where the database is.
    pub(crate) fn is_named(asked: Asked<'_>, environment: Environment<'_>) -> bool {
        Self::of(asked, environment).is_ok()
    }

    const fn at(url: String, schema: Option<String>) -> Self {
        Self { url, schema, context: None, is_production: false, colour: None }
    }

    /// The target in words, without a password: `prod (postgres://app@db:5432/app, schema jobs)`.
    pub(crate) fn words(&self) -> String {
        let schema = self.schema.as_ref().map(|schema| format!(", schema {schema}"));
        let place = without_password(&self.url) + &schema.unwrap_or_default();
        let words = match &self.context {
            Some(context) => format!("{context} ({place})"),
            None => place,
        };
        shown(&words)
    }
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let file: Self = toml::from_str(&text).map_err(|error| {
            // A line of the file may have a password, so only the message and the place are said.
            let line = error.span().map_or(1, |span| text[..span.start].lines().count());
            let problem = format!("{}, line {line}: {}", path.display(), error.message());
            let example = "a context is `[context.prod]` with `url_env = \"PROD_URL\"` or `url`, `schema`, `production`, `colour`";
            Mistake::new(problem, example)
        })?;
        if file.has_password() && is_readable_by_others(path) {
            let path = path.display();
            anstream::eprintln!(
                "{NOTABLE}warning:{NOTABLE:#} {path} has a password, and other users of this machine may read it: \
                `chmod 600 {path}`, or `url_env` with the name of a variable"
            );
        }
        Ok(file)
    }

    fn has_password(&self) -> bool {
        self.context.values().filter_map(|named| named.url.as_deref()).any(has_password)
    }

    fn target(
        mut self,
        name: &str,
        schema: Option<String>,
        path: &Path,
        environment: Environment<'_>,
    ) -> Result<Target> {
        let Some(named) = self.context.remove(name) else {
            let known: Vec<&str> = self.context.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let problem = format!("there is no context `{name}` in {}", path.display());
            return Err(Mistake::new(problem, format!("its contexts are: {known}")).into());
        };
        let url = match (named.url, named.url_env) {
            (Some(url), None) => url,
            (None, Some(variable)) => environment(&variable).ok_or_else(|| {
                let problem = format!("the variable {variable} of the context `{name}` is not set");
                Mistake::new(problem, format!("export {variable}=postgres://user@host/database"))
            })?,
            (both, _) => {
                let what = if both.is_some() { "both" } else { "neither" };
                let problem = format!("the context `{name}` has {what} of `url` and `url_env`");
                return Err(Mistake::new(
                    problem,
                    format!("write one of them in {}", path.display()),
                )
                .into());
            }
        };
        Ok(Target {
            url,
            schema: schema.or(named.schema),
            context: Some(name.to_owned()),
            is_production: named.production,
            colour: named.colour,
        })
    }
}

/// Where the configuration file is.
fn path(environment: Environment<'_>) -> Result<PathBuf> {
    if let Some(path) = environment("SIMPLE_QUEUE_CONFIG") {
        return Ok(path.into());
    }
    let directory = environment("XDG_CONFIG_HOME").map(PathBuf::from);
    let directory = directory.or_else(|| Some(PathBuf::from(environment("HOME")?).join(".config")));
    let directory = directory.ok_or_else(|| {
        Mistake::new(
            "it is not known where the contexts are",
            "set SIMPLE_QUEUE_CONFIG to their file",
        )
    })?;
    Ok(directory.join("simple-queue/config.toml"))
}

/// A URL without its password and without its query, which may have one too.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (authority, path) = authority_and_path(rest);
    let (user, hosts, path) = match (authority.rsplit_once('@'), rest.rsplit_once('@')) {
        (Some((user, hosts)), _) => (user.split(':').next().unwrap_or_default(), hosts, path),
        // A password that is not encoded, or one in the query: what stands before the last `@` may be a part of it.
        (None, Some((_, behind))) => {
            let (hosts, path) = authority_and_path(behind);
            ("…", hosts, path)
        }
        (None, None) => return format!("{scheme}://{authority}{path}"),
    };
    format!("{scheme}://{user}@{hosts}{path}")
}

fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, _) = authority_and_path(rest);
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
        || url.contains("password=")
}

/// What stands before the first `/` or `?`, and what stands behind it without the query.
fn authority_and_path(rest: &str) -> (&str, &str) {
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    (authority, path.split('?').next().unwrap_or_default())
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [context.prod]
        url_env = "PROD_URL"
        schema = "jobs"
        production = true
        colour = "red"

        [context.test]
        url = "postgres://app:secret@db/app?sslmode=require"
    "#;

    fn variables<'v>(variables: &'v [(&'v str, &'v str)]) -> impl Fn(&str) -> Option<String> + 'v {
        |name| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
    }

    fn of_context(name: &str, environment: &[(&str, &str)]) -> Result<Target> {
        let file: File = toml::from_str(FILE).unwrap();
        file.target(name, None, Path::new("config.toml"), &variables(environment))
    }

    #[test]
    fn what_was_typed_goes_before_the_environment() {
        let known = [
            ("SIMPLE_QUEUE_DATABASE_URL", "postgres://own"),
            ("DATABASE_URL", "postgres://common"),
            ("PGHOST", "there"),
        ];
        let url = |asked: Asked<'_>, from: usize| {
            Target::of(asked, &variables(&known[from..])).unwrap().url
        };
        let typed = Asked { url: Some("postgres://typed"), ..Asked::default() };
        assert_eq!(url(typed, 0), "postgres://typed");
        let nothing = Asked::default();
        assert_eq!(url(nothing, 0), "postgres://own");
        assert_eq!(url(nothing, 1), "postgres://common");
        assert_eq!(url(nothing, 2), "postgres://");
        let error = Target::of(nothing, &|_| None).unwrap_err();
        assert!(error.to_string().contains("where the database is"));
    }

    #[test]
    fn a_context_has_its_url_or_the_name_of_a_variable() {
        let prod = of_context("prod", &[("PROD_URL", "postgres://app:secret@db/app")]).unwrap();
        assert!(prod.is_production && prod.schema.as_deref() == Some("jobs"));
        assert_eq!(prod.colour, Some(Hue::Red));
        assert_eq!(prod.words(), "prod (postgres://app@db/app, schema jobs)");
        let unset = of_context("prod", &[]).unwrap_err();
        assert!(unset.to_string().contains("PROD_URL of the context `prod` is not set"));
        let unknown = of_context("dev", &[]).unwrap_err();
        let mistake = unknown.downcast_ref::<Mistake>().unwrap();
        assert_eq!(mistake.hint, "its contexts are: prod, test");
        assert!(!of_context("test", &[]).unwrap().is_production);
    }

    #[test]
    fn no_part_of_a_url_that_may_be_a_password_is_shown() {
        for (url, shown) in [
            ("postgres://app:se:cr%2Fet@db:5432/app", "postgres://app@db:5432/app"),
            ("postgres://db/app?user=a&password=secret", "postgres://db/app"),
            ("postgres://app:secret@one:1,two:2/app?x=y", "postgres://app@one:1,two:2/app"),
            ("postgres://app@db/app", "postgres://app@db/app"),
            ("postgres://", "postgres://"),
            ("postgres://app:a/b?c@db/app?x=y", "postgres://…@db/app"),
            ("postgres://db/app?password=secret@there", "postgres://…@there"),
            ("postgres:///app?host=/run", "postgres:///app"),
        ] {
            assert_eq!(without_password(url), shown, "{url}");
        }
        let file: File = toml::from_str(FILE).unwrap();
        assert!(file.has_password());
        let without = r#"context.a.url = "postgres://app@db:5432/app?sslmode=require""#;
        assert!(!toml::from_str::<File>(without).unwrap().has_password());
    }
}
