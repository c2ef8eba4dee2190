//! Attacks by other users of the machine. Only root can become another user.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use simple_queue_embedded::EmbeddedPostgres;

use crate::{
    process::{Process, Scratch, wait_until},
    reach::{free_port, password_of},
};

/// A user with its group.
type User = (u32, u32);

const ROOT: User = (0, 0);

/// A user who has no connection with the server.
const STRANGER: User = (61_234, 61_234);

/// The entries in the directory of a server except its data.
const BESIDE: [&str; 6] =
    ["log", "owner.lock", "server.lock", "password", "pg_hba.conf", "data.new"];

/// Returns whether this user can do it.
fn can((user, group): User, program: &str, arguments: &[&Path]) -> bool {
    let mut command = Command::new(program);
    command.uid(user).gid(group).current_dir("/").args(arguments);
    command.output().unwrap().status.success()
}

/// Returns the user that owns it.
fn owner(path: &Path) -> User {
    let found = fs::symlink_metadata(path).unwrap();
    (found.uid(), found.gid())
}

/// Returns the result of this user's attempt to connect.
fn connect_as((user, group): User, scratch: &Scratch, url: &str) -> Result<(), String> {
    let binary = scratch.program("test", &env::current_exe().unwrap());
    let process = Process::start_binary(&binary, scratch, "connect", |command| {
        command.uid(user).gid(group).env("ROLE_URL", url);
    });
    process.ended()
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become another user")]
async fn another_user_who_knows_the_url_of_a_socket_cannot_connect_or_read() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let permanent = EmbeddedPostgres::start_in(&directory).await.unwrap();
    let mut temporary = Process::start(&scratch, "stay", |_| ());
    let temporary_url = temporary.ready().await;
    let temporary_directory = scratch.server_directories().pop().unwrap();
    for (url, directory) in
        [(permanent.url(), directory), (temporary_url.as_str(), temporary_directory)]
    {
        connect_as(ROOT, &scratch, url).unwrap();
        let refused = connect_as(STRANGER, &scratch, url).unwrap_err();
        assert!(refused.contains("Permission denied"), "{refused}");
        for path in ["", "data", "socket"] {
            assert!(can(ROOT, "ls", &[&directory.join(path)]));
            assert!(!can(STRANGER, "ls", &[&directory.join(path)]), "{path}");
        }
        for path in ["log", "server.lock", "pg_hba.conf", "data/PG_VERSION"] {
            assert!(can(ROOT, "cat", &[&directory.join(path)]));
            assert!(!can(STRANGER, "cat", &[&directory.join(path)]), "{path}");
        }
    }
    permanent.stop().await.unwrap();
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become another user")]
async fn another_user_who_finds_the_port_is_asked_for_a_password_that_he_cannot_read() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let builder = EmbeddedPostgres::builder().setting("port", free_port());
    let permanent = builder.start_in(&directory).await.unwrap();
    let mut temporary = Process::start(&scratch, "stay", |command| {
        command.env("ROLE_PORT", free_port());
    });
    let temporary_url = temporary.ready().await;
    assert_ne!(password_of(permanent.url()), password_of(&temporary_url), "each has its own");
    for url in [permanent.url(), &temporary_url] {
        connect_as(STRANGER, &scratch, url).unwrap(); // has been told the password
        let without = url.replace(&format!(":{}@", password_of(url)), "@");
        let refused = connect_as(STRANGER, &scratch, &without).unwrap_err();
        assert!(refused.contains("28P01") || refused.contains("password"), "{refused}");
    }
    assert!(can(ROOT, "cat", &[&directory.join("password")]));
    let servers_user = owner(&directory.join("data"));
    for user in [STRANGER, servers_user] {
        assert!(!can(user, "cat", &[&directory.join("password")]));
    }
    permanent.stop().await.unwrap();
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become the user of the server")]
async fn the_user_of_roots_server_can_plant_nothing_where_root_writes() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let target = scratch.0.join("target");
    for _ in 0..2 {
        let postgres = EmbeddedPostgres::start_in(&directory).await.unwrap();
        let servers_user = owner(&directory.join("data"));
        assert_ne!(servers_user.0, 0);
        assert_eq!(owner(&directory).0, 0);
        assert!(can(servers_user, "touch", &[&directory.join("data/its-own")]));
        for name in BESIDE.into_iter().chain(["data", "socket", "anything"]) {
            let path = directory.join(name);
            assert!(!can(servers_user, "mv", &[&path, &directory.join("elsewhere")]), "{name}");
            assert!(!can(servers_user, "ln", &["-sfT".as_ref(), &target, &path]), "{name}");
        }
        for name in ["log", "owner.lock", "server.lock"] {
            assert_eq!(owner(&directory.join(name)).0, 0, "{name}");
            assert!(!can(servers_user, "cat", &[&directory.join(name)]), "{name}");
        }
        postgres.stop().await.unwrap();
        assert!(!target.exists());
    }
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become the user of the server")]
async fn what_the_user_of_roots_server_planted_in_a_directory_of_its_own_leads_root_nowhere() {
    let scratch = Scratch::new();
    // The state that earlier releases have left: all of it belongs to the server's user.
    let made = EmbeddedPostgres::start_in(scratch.0.join("made")).await.unwrap();
    made.stop().await.unwrap();
    let servers_user = owner(&scratch.0.join("made/data"));
    for name in
        BESIDE.into_iter().chain(["data", "socket", "data/postmaster.pid", "data/PG_VERSION"])
    {
        for target_is_directory in [false, true] {
            let directory = scratch.0.join("named");
            let mut copy = Command::new("cp");
            let copied = copy.arg("-a").arg(scratch.0.join("made")).arg(&directory).status();
            assert!(copied.unwrap().success());
            chown(&directory, Some(servers_user.0), Some(servers_user.1)).unwrap();
            let target = scratch.0.join("target");
            let kept = if target_is_directory {
                fs::create_dir(&target).unwrap();
                target.join("kept")
            } else {
                target.clone()
            };
            fs::write(&kept, "root's").unwrap();
            let planted = directory.join(name);
            if planted.is_dir() {
                fs::remove_dir_all(&planted).unwrap();
            } else if planted.exists() {
                fs::remove_file(&planted).unwrap();
            }
            symlink(&target, &planted).unwrap();

            // The test does not depend on whether it starts.
            let started =
                EmbeddedPostgres::builder().setting("port", free_port()).start_in(&directory).await;
            if let Ok(started) = started {
                started.stop().await.unwrap();
            }
            assert_eq!(fs::read_to_string(&kept).unwrap(), "root's", "{name}");
            assert_eq!((owner(&target), owner(&kept)), (ROOT, ROOT), "{name}");
            let entries =
                if target_is_directory { fs::read_dir(&target).unwrap().count() } else { 1 };
            assert_eq!(entries, 1, "{name}: root has made something in {}", target.display());
            fs::remove_dir_all(&directory).unwrap();
            if target_is_directory {
                fs::remove_dir_all(&target).unwrap();
            } else {
                fs::remove_file(&target).unwrap();
            }
        }
    }
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become the user of the server")]
async fn root_copies_no_link_that_initdb_has_left_in_a_template() {
    let scratch = Scratch::new();
    let secret = scratch.0.join("secret");
    fs::write(&secret, "root's").unwrap();
    let real = binaries(&scratch);
    let wrapped = scratch.0.join("wrapped");
    fs::create_dir(&wrapped).unwrap();
    let script = |name: &str, more: &str| {
        let text = format!("#!/bin/sh\n'{}' \"$@\" || exit\n{more}\n", real.join(name).display());
        let written = scratch.0.join("text");
        fs::write(&written, text).unwrap();
        scratch.program(&format!("wrapped/{name}"), &written);
    };
    script("postgres", "");
    let plant = format!("for data; do :; done\nln -s '{}' \"$data/planted\"", secret.display());
    script("initdb", &plant);
    let said = Process::start(&scratch, "exit", |command| {
        command.env("SIMPLE_QUEUE_PG_BIN", &wrapped).env("XDG_CACHE_HOME", scratch.0.join("cache"));
    })
    .fail();
    assert!(said.contains("planted"), "{said}");
    wait_until("the directory is gone", || scratch.server_directories().is_empty());
}

#[tokio::test]
#[cfg_attr(not(root), ignore = "needs root, to become the user of the server")]
async fn a_link_in_the_data_of_roots_temporary_server_leads_its_removal_nowhere() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "stay", |_| ());
    let url = process.ready().await;
    let directory = scratch.server_directories().pop().unwrap();
    let kept = scratch.0.join("kept");
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("file"), "root's").unwrap();
    let servers_user = owner(&directory.join("data"));
    for inside in ["data/planted", "socket/planted"] {
        assert!(can(servers_user, "ln", &["-s".as_ref(), &kept, &directory.join(inside)]));
    }
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    scratch.nothing_is_left(&url);
    assert_eq!(fs::read_to_string(kept.join("file")).unwrap(), "root's");
}

/// Returns the directory of the binaries that a server here runs.
fn binaries(scratch: &Scratch) -> PathBuf {
    let mut process = Process::start(scratch, "stay", |_| ());
    process.announced();
    let data = scratch.server_directories().pop().unwrap().join("data");
    let options = fs::read_to_string(data.join("postmaster.opts")).unwrap();
    let postgres = options.split(' ').next().unwrap();
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    wait_until("the directory is gone", || scratch.server_directories().is_empty());
    Path::new(postgres).parent().unwrap().to_owned()
}
