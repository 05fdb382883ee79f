//! Panics: none is expected, and none may pass for a good run. The first one is kept for whoever judges that.
//!
//! Whoever waited for what a panic ended is woken ([`super::port::Post::Lost`]); this says what it was.

use std::panic::{self, PanicHookInfo};
use std::sync::{Once, OnceLock};

static FIRST: OnceLock<String> = OnceLock::new();

/// Takes note of panics from now on, whichever thread they happen in. They are told on standard error as before.
pub fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            FIRST.get_or_init(|| words(info));
            tell(info);
        }));
    });
}

/// What the first panic said, and where; `None` as long as there was none.
#[must_use]
pub fn first() -> Option<&'static str> {
    FIRST.get().map(String::as_str)
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    match info.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    }
}
