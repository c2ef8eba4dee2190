//! Detects for the tests whether they are root, and whether `psql` and `npm` exist, so that tests
//! which need them are listed as ignored otherwise. Not part of the published package.

use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(root, psql, npm)");
    println!("cargo::rerun-if-env-changed=USER");
    println!("cargo::rerun-if-changed=build.rs");
    let id = Command::new("id").arg("-u").output().expect("every Unix has `id`");
    if id.stdout.trim_ascii() == b"0" {
        println!("cargo::rustc-cfg=root");
    }
    for program in ["psql", "npm"] {
        if Command::new(program).arg("--version").output().is_ok() {
            println!("cargo::rustc-cfg={program}");
        }
    }
}
