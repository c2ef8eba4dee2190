//! What processes that share a limit do.

mod game;

use std::time::{Duration, Instant};

use game::Game;

use super::{Quota, Short, Step};
use crate::{queue::shared_limit::SharedLimit, store::DueLook};

#[test]
fn processes_that_share_a_limit_never_exceed_it_and_strand_no_job() {
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut game = Game::new(seed, random.usize(1..6), random.usize(1..6));
        for _ in 0..400 {
            game.step();
        }
        game.calm_down(random.usize(1..4));
    }
}

#[test]
fn a_permit_that_no_run_uses_is_given_back_soon_if_another_process_wants_it_and_else_later() {
    let mut game = Game::new(1, 2, 2);
    game.is_rough = false;
    game.waiting = 2;
    for _ in 0..6 {
        game.poll(0);
        game.lend(0);
    }
    assert_eq!((game.runs[0], game.rows.lent), (2, 2));
    game.end_a_run(0);
    game.end_a_run(0);
    game.lend(0);
    game.now += Duration::from_secs(10);
    game.lend(0);
    assert_eq!(game.rows.lent, 2, "they may be of use");
    game.waiting = 1;
    for _ in 0..6 {
        game.poll(1);
        game.lend(1);
        game.lend(0);
    }
    game.now += Duration::from_millis(150);
    for _ in 0..6 {
        game.lend(0);
        game.poll(1);
        game.lend(1);
    }
    assert_eq!(game.runs, [0, 1], "the other process gets one");
    game.end_a_run(1);
    game.poll(1);
    for _ in 0..3 {
        game.now += Duration::from_secs(31);
        for process in 0..2 {
            game.poll(process);
            game.lend(process);
        }
    }
    assert_eq!(game.rows.lent, 0, "all are given back in the end");
}

#[test]
fn a_process_above_its_fair_part_gives_back_as_its_runs_end() {
    let mut game = Game::new(1, 2, 4);
    game.is_rough = false;
    game.waiting = 8;
    for _ in 0..6 {
        game.poll(0);
        game.lend(0);
    }
    assert_eq!(game.runs, [4, 0]);
    for _ in 0..6 {
        game.poll(1);
        game.lend(1);
        game.lend(0);
    }
    assert_eq!(game.runs, [4, 0], "runs are never interrupted");
    for _ in 0..4 {
        game.end_a_run(0);
        game.poll(0);
        game.lend(0);
        game.lend(1);
        game.poll(1);
        // A fetch that used up its permits is followed by another one.
        game.poll(1);
    }
    assert_eq!(game.runs, [2, 2]);
}

#[test]
fn a_job_that_was_found_gets_its_permit_though_the_process_was_full_meanwhile() {
    let mut game = Game::new(1, 1, 2);
    game.is_rough = false;
    game.waiting = 1;
    game.poll(0);
    game.lend(0);
    game.lend(0);
    assert!(game.processes[0].search.found_due());
    game.are_full[0] = true;
    game.poll(0);
    game.lend(0);
    game.are_full[0] = false;
    game.poll(0);
    game.lend(0);
    game.poll(0);
    assert_eq!(game.runs, [1]);
}

#[test]
fn a_notification_concerns_a_process_whose_ask_is_on_its_way() {
    let now = Instant::now();
    let mut quota = Quota::new(SharedLimit { most: Some(2), ..SharedLimit::of_queue("q") }, now);
    quota.declared();
    quota.fell_short(Some(Short { wanted: 1, demands: Vec::new() }), now);
    quota.looked(DueLook::Now, now);
    assert!(matches!(quota.next(now, false), Step::Ask(_)));
    // Its job has started elsewhere, and it holds nothing as far as it knows.
    quota.fell_short(None, now);
    assert!(quota.heard(), "the answer may be older than what it has heard of");
}
