//! No circles: two files that need each other are one file, or there is a third that both should need.

use crate::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

type Module = Vec<String>;

/// What one file says of others.
#[derive(Default)]
struct Said {
    /// Paths that it uses, written out: `super::error::CatalogError`.
    uses: Vec<Vec<String>>,
    /// Names that it hands on, and the paths behind them.
    handed_on: BTreeMap<String, Vec<String>>,
}

impl Said {
    fn add(&mut self, tree: &syn::UseTree, prefix: &[String], public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                self.add(&path.tree, &prefix, public);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.add(item, prefix, public));
            }
            syn::UseTree::Name(name) => self.say(prefix, &name.ident, &name.ident, public),
            syn::UseTree::Rename(name) => self.say(prefix, &name.ident, &name.rename, public),
            syn::UseTree::Glob(_) => self.uses.push(prefix.to_vec()),
        }
    }

    fn say(&mut self, prefix: &[String], name: &syn::Ident, known_as: &syn::Ident, public: bool) {
        let path = if name == "self" { prefix.to_vec() } else { [prefix, &[name.to_string()]].concat() };
        if public {
            self.handed_on.insert(known_as.to_string(), path);
        } else {
            self.uses.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Said {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.uses.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// Who may use it is no need of what it is.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests use what is around them.
        if item.content.is_none() {
            visit::visit_item_mod(self, item);
        }
    }
}

/// The modules of `files`, and which of them need which.
struct House {
    said: BTreeMap<Module, Said>,
    /// Those that are the `mod.rs` of a folder.
    folders: BTreeSet<Module>,
}

impl House {
    fn read(files: &[Source]) -> Self {
        let mut house = Self { said: BTreeMap::new(), folders: BTreeSet::new() };
        for file in files {
            let Some(place) = file.path.strip_prefix("src/").filter(|place| *place != "main.rs") else {
                continue;
            };
            let mut module: Module =
                place.trim_end_matches(".rs").split('/').map(ToOwned::to_owned).collect();
            if module.last().is_some_and(|last| last.ends_with("tests") || last == "vectors") {
                continue;
            }
            if module.last().is_some_and(|last| last == "mod" || last == "lib") {
                module.pop();
                house.folders.insert(module.clone());
            }
            let mut said = Said::default();
            said.visit_file(&syn::parse_file(&file.text).expect("a file that compiles"));
            house.said.insert(module, said);
        }
        house
    }

    /// The module that `path`, used in `at`, comes from; `None` for what is not of this house.
    fn resolve(&self, at: &[String], path: &[String], depth: usize) -> Option<Module> {
        let (mut here, mut rest) = match path.first()?.as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (at.to_vec(), &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                (at[..at.len().checked_sub(ups)?].to_vec(), &path[ups..])
            }
            first => {
                let child = [at, &[first.to_owned()]].concat();
                if !self.said.contains_key(&child) {
                    return None;
                }
                (child, &path[1..])
            }
        };
        while let Some(name) = rest.first() {
            let child = [here.as_slice(), std::slice::from_ref(name)].concat();
            if self.said.contains_key(&child) {
                (here, rest) = (child, &rest[1..]);
                continue;
            }
            let behind = self.said.get(&here).and_then(|said| said.handed_on.get(name));
            return match behind {
                Some(behind) if depth < 5 => self.resolve(&here, behind, depth + 1).or(Some(here)),
                _ => Some(here),
            };
        }
        Some(here)
    }

    /// What `module` needs. A `mod.rs` only puts its folder together: that is no need.
    fn needs(&self, module: &Module) -> BTreeSet<Module> {
        let Some(said) = self.said.get(module) else { return BTreeSet::new() };
        let used = said.uses.iter().filter_map(|path| self.resolve(module, path, 0));
        used.filter(|other| {
            let wiring = self.folders.contains(module) && other.starts_with(module);
            other != module && !other.is_empty() && !wiring
        })
        .collect()
    }

    /// Modules that need themselves by way of others, each with one way round.
    fn circles(&self) -> Vec<String> {
        let needs: BTreeMap<&Module, BTreeSet<Module>> =
            self.said.keys().map(|module| (module, self.needs(module))).collect();
        let mut told: BTreeSet<&Module> = BTreeSet::new();
        let mut circles = Vec::new();
        for start in self.said.keys() {
            let Some(way) = way_round(&needs, start) else { continue };
            if way.iter().any(|module| told.contains(module)) {
                continue;
            }
            circles.push(way.iter().map(|module| module.join("/")).collect::<Vec<_>>().join(" -> "));
            told.extend(self.said.keys().filter(|module| way.contains(module)));
        }
        circles
    }
}

/// The shortest way from `start` back to it.
fn way_round(needs: &BTreeMap<&Module, BTreeSet<Module>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in needs.get(way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back([way.as_slice(), std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let circles = House::read(&sources(&["src"])).circles();
    assert!(circles.is_empty(), "these files go round in circles:\n{}", circles.join("\n"));
}

#[test]
fn circles_are_seen() {
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let found = |files: &[Source]| House::read(files).circles();
    let a = file("src/x/a.rs", "use super::b::B; pub struct A(B);");
    let wiring = file("src/x/mod.rs", "mod a; mod b; mod c; pub use a::A; pub use b::B;");
    let straight = [a, file("src/x/b.rs", "pub struct B;"), file("src/x/c.rs", "use super::A;"), wiring];
    assert_eq!(found(&straight), Vec::<String>::new());
    // By an import, by a path in the middle of a line, and by a name that the folder hands on.
    for text in ["use super::a::A;", "fn f(_: super::a::A) {}", "use crate::x::A;"] {
        let [a, _, c, wiring] = straight.each_ref().map(|source| file(&source.path, &source.text));
        let files = [a, file("src/x/b.rs", &format!("pub struct B; {text}")), c, wiring];
        assert_eq!(found(&files), ["x/a -> x/b"], "{text}");
    }
}
