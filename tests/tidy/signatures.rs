//! What a function takes: things with names.

use crate::sources;
use syn::visit::{self, Visit};

/// Functions that take a tuple apart in their list of parameters.
#[derive(Default)]
struct Tuples(Vec<String>);

impl<'ast> Visit<'ast> for Tuples {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let apart = |input: &syn::FnArg| matches!(input, syn::FnArg::Typed(typed) if matches!(*typed.pat, syn::Pat::Tuple(_)));
        if signature.inputs.iter().any(apart) {
            self.0.push(signature.ident.to_string());
        }
        visit::visit_signature(self, signature);
    }
}

fn tuples_in(text: &str) -> Vec<String> {
    let mut tuples = Tuples::default();
    tuples.visit_file(&syn::parse_file(text).expect("a file that compiles"));
    tuples.0
}

#[test]
fn no_function_takes_a_tuple_to_have_fewer_parameters() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        found.extend(tuples_in(&source.text).into_iter().map(|name| format!("{}: {name}", source.path)));
    }
    assert!(found.is_empty(), "what belongs together is a struct with a name:\n{}", found.join("\n"));
}

#[test]
fn tuples_are_seen() {
    assert_eq!(
        tuples_in("fn f((a, b): (u8, u8)) {} impl X { fn g(&self, (c, _): (u8, u8)) {} }"),
        ["f", "g"]
    );
    assert_eq!(
        tuples_in("fn f(range: (u8, u8)) { let _ = |(a, b): (u8, u8)| a + b; }"),
        Vec::<String>::new()
    );
}
