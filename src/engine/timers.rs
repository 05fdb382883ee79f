//! Deadlines of waiting users: a heap on one lane, instead of a timer object in the loop for every user.
//!
//! Cancelling is lazy: a deadline that comes after its waiter has gone is posted, and the port drops it (its ticket is no longer
//! waited for). So a cancelled wait costs its 40 bytes until its time has come, and nothing has to be searched.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::port::{Port, Post};
use crate::ids::TicketId;

/// Wake `ticket` through `port` at `at`.
#[derive(Debug)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Whom.
    pub ticket: TicketId,
    /// Where it waits.
    pub port: Arc<Port>,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// Posts every deadline that arrives through `orders` when its time has come. Ends when the sender is gone.
pub async fn keep(mut orders: UnboundedReceiver<Deadline>) {
    let Kept(heap) = &mut Kept(BinaryHeap::new());
    let mut batch = Vec::new();
    loop {
        let received = match heap.peek() {
            None => orders.recv_many(&mut batch, 256).await,
            Some(Reverse(next)) => {
                let at = next.at;
                tokio::select! {
                    biased;
                    received = orders.recv_many(&mut batch, 256) => received,
                    () = sleep_until(at) => {
                        post_due(heap, Instant::now());
                        continue;
                    }
                }
            }
        };
        if received == 0 {
            return;
        }
        heap.extend(batch.drain(..).map(Reverse));
        post_due(heap, Instant::now());
    }
}

/// Deadlines that have yet to come. A panic must not leave those asleep who wait for them.
struct Kept(BinaryHeap<Reverse<Deadline>>);

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for Reverse(deadline) in self.0.drain() {
                deadline.port.post(Post::Lost(deadline.ticket));
            }
        }
    }
}

fn post_due(heap: &mut BinaryHeap<Reverse<Deadline>>, now: Instant) {
    while heap.peek().is_some_and(|Reverse(next)| next.at <= now) {
        if let Some(Reverse(due)) = heap.pop() {
            due.port.post(Post::Deadline(due.ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::port;
    use super::*;

    fn drained(port: &Port) -> Vec<u64> {
        let mut posts = Vec::new();
        port.drain(&mut posts);
        posts
            .into_iter()
            .map(|post| match post {
                Post::Deadline(ticket) => ticket.0,
                other => panic!("nobody sends here: {other:?}"),
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_in_the_order_of_deadlines_and_never_early() {
        let port = Arc::new(port::open().expect("a port"));
        let (sender, orders) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(keep(orders));
        let start = Instant::now();
        for (ms, ticket) in [(30, 3), (10, 1), (20, 2), (10, 4)] {
            let deadline = Deadline {
                at: start + Duration::from_millis(ms),
                ticket: TicketId(ticket),
                port: Arc::clone(&port),
            };
            sender.send(deadline).expect("the keeper lives");
        }
        tokio::time::sleep(Duration::from_millis(9)).await;
        assert_eq!(drained(&port), Vec::<u64>::new());
        tokio::time::sleep(Duration::from_millis(3)).await;
        let mut first = drained(&port);
        first.sort_unstable();
        assert_eq!(first, [1, 4]);
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(drained(&port), [2, 3]);
    }

    #[test]
    fn a_panic_wakes_all_who_wait() {
        // Timers are not enabled: the first sleep panics.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let port = Arc::new(port::open().expect("a port"));
        let (sender, orders) = tokio::sync::mpsc::unbounded_channel();
        for ticket in [1, 2] {
            let deadline = Deadline {
                at: Instant::now() + Duration::from_secs(3_600),
                ticket: TicketId(ticket),
                port: Arc::clone(&port),
            };
            sender.send(deadline).expect("the keeper lives");
        }
        let ended = runtime.block_on(async { tokio::spawn(keep(orders)).await });
        assert!(ended.is_err_and(|error| error.is_panic()));
        let mut posts = Vec::new();
        port.drain(&mut posts);
        assert!(
            matches!(posts[..], [Post::Lost(_), Post::Lost(_)]),
            "both are told: {posts:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_the_past_is_posted_at_once() {
        let port = Arc::new(port::open().expect("a port"));
        let (sender, orders) = tokio::sync::mpsc::unbounded_channel();
        let keeper = tokio::spawn(keep(orders));
        sender
            .send(Deadline {
                at: Instant::now(),
                ticket: TicketId(7),
                port: Arc::clone(&port),
            })
            .expect("the keeper lives");
        drop(sender);
        keeper.await.expect("the keeper ends with its sender");
        assert_eq!(drained(&port), [7]);
    }
}
