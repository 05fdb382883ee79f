//! From "this many of each class" to orders: whom to start, whom to stop.
//!
//! The counting is by orders given and by users that have *ended*: a user that was told to stop but still finishes its task is no
//! longer counted as wanted, and is not stopped twice.

use std::collections::BTreeMap;

/// How many users of each class, by class name.
pub type Counts = BTreeMap<String, usize>;

/// What must be done to get from one set of counts to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Users to start, per class.
    pub start: Counts,
    /// Users to stop, per class.
    pub stop: Counts,
}

/// The orders that turn `running` into `wanted`. Classes that are in `running` only are left alone, as Locust leaves them.
#[must_use]
pub fn orders(running: &Counts, wanted: &Counts) -> Orders {
    let mut orders = Orders::default();
    for (class, &target) in wanted {
        let present = running.get(class).copied().unwrap_or(0);
        if present < target {
            orders.start.insert(class.clone(), target - present);
        } else if present > target {
            orders.stop.insert(class.clone(), present - target);
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts() -> impl Strategy<Value = Counts> {
        prop::collection::btree_map("[a-e]", 0_usize..50, 0..5)
    }

    proptest! {
        #[test]
        fn orders_lead_from_running_to_wanted(running in counts(), wanted in counts()) {
            let orders = orders(&running, &wanted);
            for (class, target) in &wanted {
                let present = running.get(class).copied().unwrap_or(0);
                let started = orders.start.get(class).copied().unwrap_or(0);
                let stopped = orders.stop.get(class).copied().unwrap_or(0);
                prop_assert_eq!(present + started - stopped, *target);
                prop_assert!(started == 0 || stopped == 0);
            }
        }
    }
}
