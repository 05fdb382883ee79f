//! The mailbox and its bell under every interleaving: a lost wake-up would be a caller that sleeps for ever.
//!
//! Run with `cargo test --no-default-features --features model --test loom`. The model's bell blocks its listener until it rings, so a
//! post that is never announced is a deadlock, which loom reports. (Taking `self.bell.ring()` out of `Mailbox::post`, or silencing the
//! bell after the take in `drain`, makes these tests fail with "deadlock".)
#![cfg(feature = "model")]

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread;
use rocust::engine::mailbox::{Bell, Mailbox};

/// A bell as an event loop sees it: it stays rung until silenced, and waiting for it sleeps until then.
#[derive(Default)]
struct ModelBell {
    is_ringing: Mutex<bool>,
    rung: Condvar,
}

impl ModelBell {
    fn wait(&self) {
        let mut is_ringing = self.is_ringing.lock().expect("not poisoned");
        while !*is_ringing {
            is_ringing = self.rung.wait(is_ringing).expect("not poisoned");
        }
    }
}

impl Bell for ModelBell {
    fn ring(&self) {
        *self.is_ringing.lock().expect("not poisoned") = true;
        self.rung.notify_one();
    }

    fn silence(&self) {
        *self.is_ringing.lock().expect("not poisoned") = false;
    }
}

fn search(posters: u32, posts_each: u32) {
    loom::model(move || {
        let mailbox = Arc::new(Mailbox::new(ModelBell::default()));
        let threads: Vec<_> = (0..posters)
            .map(|poster| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || {
                    for n in 0..posts_each {
                        mailbox.post(poster * 10 + n);
                    }
                })
            })
            .collect();
        let mut received = Vec::new();
        while received.len() < (posters * posts_each) as usize {
            mailbox.bell().wait();
            let mut batch = Vec::new();
            mailbox.drain(&mut batch);
            received.extend(batch);
        }
        for thread in threads {
            thread.join().expect("a poster does not panic");
        }
        for poster in 0..posters {
            let own: Vec<_> = received.iter().copied().filter(|item| item / 10 == poster).collect();
            assert_eq!(
                own,
                (0..posts_each).map(|n| poster * 10 + n).collect::<Vec<_>>(),
                "in order, once each"
            );
        }
    });
}

#[test]
fn no_wake_up_is_lost_between_two_posters() {
    search(2, 1);
}

#[test]
fn no_wake_up_is_lost_in_a_burst_of_one_poster() {
    search(1, 3);
}
