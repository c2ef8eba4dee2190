//! What the modules of a crate import from each other, found out from their text.
//!
//! A name that a module above hands on is followed to where it is defined, so that `crate::SimpleQueue` is
//! the room of the queue and not the root of the crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{root, source::code_only};

/// A module's place in its crate; that of the root is empty.
pub(crate) type Place = Vec<String>;

struct Use {
    line: usize,
    /// A `use` that names it here, rather than a path in the midst of the code.
    is_declared: bool,
    is_public: bool,
    path: Vec<String>,
}

struct Module {
    file: PathBuf,
    uses: Vec<Use>,
}

/// The modules of a crate, without those of its tests.
pub(crate) struct Crate {
    modules: BTreeMap<Place, Module>,
}

/// One module names something of another.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) from: Place,
    pub(crate) to: Place,
    /// File and line.
    pub(crate) at: String,
    /// As it is written there.
    pub(crate) path: String,
}

impl Crate {
    pub(crate) fn read(directory: &str) -> Self {
        let mut modules = BTreeMap::new();
        read_directory(&root().join(directory), &Vec::new(), &mut modules);
        assert!(!modules.is_empty(), "{directory} holds no Rust");
        Self { modules }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = (&Place, &Path)> {
        self.modules.iter().map(|(place, module)| (place, module.file.as_path()))
    }

    /// All imports but those that hand a name on.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (from, module) in &self.modules {
            for used in module.uses.iter().filter(|used| !used.is_public) {
                if let Some(to) = self.resolve(from, &used.path, 0)
                    && to != *from
                {
                    imports.push(Import {
                        from: from.clone(),
                        to,
                        at: format!("{}:{}", module.file.display(), used.line),
                        path: used.path.join("::"),
                    });
                }
            }
        }
        imports
    }

    /// The module in which a path's name is defined, as far as it is one of this crate's.
    fn resolve(&self, from: &Place, path: &[String], depth: usize) -> Option<Place> {
        const DEEPEST: usize = 8;
        let (mut place, mut rest) = (from.clone(), path);
        match path.first()?.as_str() {
            "crate" => {
                place.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    place.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                self.modules.get(&below(from, child))?;
            }
        }
        while let [next, others @ ..] = rest
            && self.modules.contains_key(&below(&place, next))
        {
            place.push(next.clone());
            rest = others;
        }
        let Some(name) = rest.first().filter(|name| *name != "self" && *name != "*") else {
            return Some(place);
        };
        if depth == DEEPEST {
            return Some(place);
        }
        let handed_on = self.modules.get(&place).and_then(|module| {
            let declared = module.uses.iter().filter(|used| used.is_declared);
            let mut handed_on = declared.filter(|used| used.path.last() == Some(name));
            handed_on.find_map(|used| self.resolve(&place, &used.path, depth + 1))
        });
        handed_on.or(Some(place))
    }
}

fn below(place: &Place, child: &str) -> Place {
    place.iter().cloned().chain([child.to_owned()]).collect()
}

fn read_directory(directory: &Path, place: &Place, modules: &mut BTreeMap<Place, Module>) {
    let entries = fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path());
    for path in entries {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            read_directory(&path, &below(place, &stem), modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_here = ["mod", "lib", "main"].contains(&stem.as_str());
            let place = if is_here { place.clone() } else { below(place, &stem) };
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let file = path.strip_prefix(root()).unwrap().to_owned();
            let uses = uses_of(&code_only(text));
            // The roots of a library and of its program are one place here.
            modules
                .entry(place)
                .or_insert_with(|| Module { file, uses: Vec::new() })
                .uses
                .extend(uses);
        }
    }
}

/// What a text imports, in `use` declarations and by paths that stand in the code.
fn uses_of(code: &str) -> Vec<Use> {
    let (mut uses, mut others, mut rest, mut line) = (Vec::new(), String::new(), code, 1);
    while let Some(text) = rest.split_inclusive('\n').next() {
        let declared = text.trim_start();
        let is_public = declared.starts_with("pub");
        let after = if is_public {
            declared
                .trim_start_matches("pub")
                .trim_start_matches(|c: char| {
                    c == '(' || c == ')' || c.is_alphanumeric() || c == '_'
                })
                .trim_start()
        } else {
            declared
        };
        if let Some(list) = after.strip_prefix("use ") {
            let start = text.len() - list.len();
            let end = rest[start..].find(';').map_or(rest.len(), |at| start + at);
            for path in expanded(&rest[start..end]) {
                uses.push(Use { line, is_declared: true, is_public, path });
            }
            let end = rest[end..].find('\n').map_or(rest.len(), |at| end + at + 1);
            let lines = rest[..end].matches('\n').count();
            others.extend(std::iter::repeat_n('\n', lines));
            line += lines;
            rest = &rest[end..];
            continue;
        }
        others.push_str(text);
        line += 1;
        rest = &rest[text.len()..];
    }
    for (at, text) in others.lines().enumerate() {
        for start in ["crate::", "super::", "self::"] {
            for (position, _) in text.match_indices(start) {
                let before = text[..position].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '#') {
                    continue;
                }
                let path: String = text[position..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                    .collect();
                let path = path.split("::").filter(|part| !part.is_empty());
                let path = path.map(str::to_owned).collect();
                uses.push(Use { line: at + 1, is_declared: false, is_public: false, path });
            }
        }
    }
    uses
}

/// The single paths of `a::{b, c::{d, e}}`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((before, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let list = list.trim_end().strip_suffix('}').unwrap_or(list);
    let (mut depth, mut entries, mut entry) = (0, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(std::mem::take(&mut entry));
                continue;
            }
            _ => {}
        }
        entry.push(c);
    }
    entries.push(entry);
    let entries = entries.iter().filter(|entry| !entry.trim().is_empty());
    entries.flat_map(|entry| expanded(&format!("{before}{}", entry.trim()))).collect()
}

/// Modules that stand side by side in a folder and use each other in a circle; empty where there is none. Each is
/// told with the imports that close it.
pub(crate) fn circles(imports: &[Import]) -> Vec<String> {
    let mut folders: BTreeMap<Place, BTreeMap<String, BTreeMap<String, &Import>>> = BTreeMap::new();
    for import in imports {
        let common = import.from.iter().zip(&import.to).take_while(|(a, b)| a == b).count();
        // A module and what lies below it are one thing in parts.
        if let (Some(from), Some(to)) = (import.from.get(common), import.to.get(common)) {
            let folder = folders.entry(import.from[..common].to_vec()).or_default();
            folder.entry(from.clone()).or_default().entry(to.clone()).or_insert(import);
        }
    }
    let mut circles = Vec::new();
    for edges in folders.values() {
        let mut told = BTreeSet::new();
        for start in edges.keys() {
            if told.contains(start) {
                continue;
            }
            let reached = reached(edges, start);
            let members: BTreeSet<&String> = reached
                .iter()
                .copied()
                .filter(|other| self::reached(edges, other).contains(start))
                .collect();
            if members.contains(start) {
                let within =
                    edges.iter().filter(|(from, _)| members.contains(from)).flat_map(|(_, to)| {
                        to.iter().filter(|(to, _)| members.contains(to)).map(|(_, import)| import)
                    });
                let lines: Vec<String> = within
                    .map(|import| format!("  {} uses `{}`", import.at, import.path))
                    .collect();
                circles.push(lines.join("\n"));
                told.extend(members.into_iter().cloned());
            }
        }
    }
    circles
}

/// All that can be reached from a module by at least one import.
fn reached<'e>(
    edges: &'e BTreeMap<String, BTreeMap<String, &Import>>,
    start: &str,
) -> BTreeSet<&'e String> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(next) = open.pop() {
        for to in edges.get(next).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

#[test]
fn a_name_that_is_handed_on_counts_as_what_defines_it() {
    let library = Crate::read("simple-queue/src");
    let of = |from: &str, path: &str| {
        let split = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
        library.resolve(&split(from), &split(path), 0).map(|place| place.join("::"))
    };
    assert_eq!(of("store", "crate::SimpleQueue").as_deref(), Some("queue"));
    assert_eq!(of("store", "crate::JobTx").as_deref(), Some("queue::transaction"));
    assert_eq!(of("error", "crate::private::assert_schema").as_deref(), Some("job_schema"));
    assert_eq!(
        of("upkeep::reaper", "crate::database::again").as_deref(),
        Some("database::exchange")
    );
    assert_eq!(of("queue::config", "super::SimpleQueue").as_deref(), Some("queue"));
    assert_eq!(of("store", "sqlx::PgPool"), None);
}

#[test]
fn a_circle_is_found_and_told_with_the_imports_that_close_it() {
    let place = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
    let import = |from: &str, to: &str| Import {
        from: place(from),
        to: place(to),
        at: format!("{from}.rs:1"),
        path: format!("crate::{to}"),
    };
    let straight =
        [import("a::x", "b"), import("b", "c::y"), import("c", "c::y"), import("c::y", "c")];
    assert_eq!(circles(&straight), Vec::<String>::new());
    let mut closed = straight.to_vec();
    closed.push(import("c::z", "a"));
    let found = circles(&closed);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("c::z.rs:1 uses `crate::a`"), "{found:?}");
}
