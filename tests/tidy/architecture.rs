//! What docs/ARCHITECTURE.md says of files is true.

use std::path::Path;

#[test]
fn every_file_that_the_architecture_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let known: Vec<String> =
        crate::sources(&["src", "tests"]).into_iter().map(|source| source.path).collect();
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|word| is_file(word)).collect();
    assert!(named.len() > 50, "only {} files are named", named.len());
    for name in named {
        // Within a folder that the text is about, a file is called by its name alone.
        assert!(
            known.iter().any(|path| path == name || path.ends_with(&format!("/{name}"))),
            "`{name}` does not exist"
        );
    }
}

fn is_file(word: &str) -> bool {
    let is_path = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'));
    is_path && Path::new(word).extension().is_some_and(|ending| ending == "rs")
}
