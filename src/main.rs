//! The `jagad` program.

fn main() {}
