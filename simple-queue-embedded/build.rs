//! Tells the tests whether they are root, and whether there is `psql` and `npm`, so that those that need it are
//! shown as ignored where it is not so. No part of the published package.

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
