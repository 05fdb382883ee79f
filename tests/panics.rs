//! A panic is kept for whoever judges the run. A program of its own, with one test: the first panic of a process counts.

use rocust::engine::panics;

#[test]
fn the_first_panic_is_kept_whichever_thread_it_happens_in() {
    panics::listen();
    panics::listen();
    assert_eq!(panics::first(), None);
    for word in ["order", "memory"] {
        let thread = std::thread::spawn(move || panic!("out of {word}"));
        assert!(thread.join().is_err());
    }
    let kept = panics::first().unwrap_or_default();
    assert!(kept.starts_with("out of order (tests/panics.rs:"), "{kept}");
}
