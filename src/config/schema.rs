//! The JSON schema of a configuration, so that editors complete keys and explain them.

use super::file::FileConfig;

/// The schema as it is committed in `schema/jagad.schema.json`.
pub fn json() -> String {
    let schema = schemars::schema_for!(FileConfig);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
