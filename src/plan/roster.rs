//! Which user class comes next: whatever is missing of the fixed counts first, mixed among themselves, then the
//! others by weight.
//!
//! The roster looks for missing fixed counts only when it is told that some may be missing
//! ([`Roster::recheck_fixed`]), that is, at the start and after users were removed. It is told how many exist; it
//! does not count them itself.

use super::apportion::Apportion;

/// What the user declared about one of their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct UserClass {
    /// The class's name, which also sorts it.
    pub name: String,
    /// Its share of the users that no fixed count claims. Zero or less: none.
    pub weight: f64,
    /// How many users of it there shall be, whatever the total. Zero: as its weight says. Below zero: none at all.
    pub fixed_count: i64,
}

/// The classes of a dispatch and the order in which their users arrive.
#[derive(Clone, Debug)]
pub struct Roster {
    /// Sorted by name.
    classes: Vec<UserClass>,
    /// Whether a fixed count may be short. Outlives a restart of the order, as it does in Locust.
    may_lack_fixed: bool,
    /// The fixed ones still to come of the last check, and how many.
    fixed: Option<(Apportion, usize)>,
    /// Made at the first choice by weight: until then weights may be edited, and afterwards no more, as in Locust.
    weighted: Option<Apportion>,
}

impl Roster {
    /// A roster that starts with the fixed counts.
    pub fn new(classes: Vec<UserClass>) -> Self {
        Self {
            classes: sorted(classes),
            may_lack_fixed: true,
            fixed: None,
            weighted: None,
        }
    }

    /// The name of the class at `position`, as [`Roster::next`] gives it.
    pub fn name(&self, position: usize) -> &str {
        &self.classes[position].name
    }

    /// The names of all classes, by position.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(|class| class.name.as_str())
    }

    /// Other classes from here on; the order starts anew.
    pub fn replace(&mut self, classes: Vec<UserClass>) {
        self.classes = sorted(classes);
        self.restart();
    }

    /// The same classes with numbers that may have been edited: fixed counts hold from the next check on, weights
    /// from the next restart.
    pub fn refresh(&mut self, classes: Vec<UserClass>) {
        self.classes = sorted(classes);
    }

    /// Forget the order so far: start again as if nobody had been chosen by weight.
    pub fn restart(&mut self) {
        self.fixed = None;
        self.weighted = None;
    }

    /// Say that users are gone, so that fixed counts may be short.
    pub fn recheck_fixed(&mut self) {
        self.may_lack_fixed = true;
    }

    /// The class of the next user, or none when only fixed counts exist and all of them are met.
    ///
    /// `present` says how many users of a class (by its name) exist.
    pub fn next(&mut self, present: impl Fn(&str) -> usize) -> Option<usize> {
        loop {
            if let Some(class) = self.next_fixed() {
                return Some(class);
            }
            if !self.may_lack_fixed {
                break;
            }
            self.may_lack_fixed = false;
            let missing = |class: &UserClass| {
                let present = i64::try_from(present(&class.name)).unwrap_or(i64::MAX);
                usize::try_from(class.fixed_count.saturating_sub(present)).unwrap_or(0)
            };
            let missing: Vec<usize> = self
                .classes
                .iter()
                .map(|class| if class.fixed_count > 0 { missing(class) } else { 0 })
                .collect();
            let total = missing.iter().fold(0_usize, |sum, &one| sum.saturating_add(one));
            self.fixed = Some((Apportion::new(missing.into_iter().map(|one| one as f64)), total));
        }
        let classes = &self.classes;
        let share = |class: &UserClass| if class.fixed_count == 0 { class.weight } else { 0.0 };
        self.weighted
            .get_or_insert_with(|| Apportion::new(classes.iter().map(share)))
            .next()
    }

    fn next_fixed(&mut self) -> Option<usize> {
        let (order, left) = self.fixed.as_mut()?;
        *left = left.checked_sub(1)?;
        order.next()
    }
}

fn sorted(mut classes: Vec<UserClass>) -> Vec<UserClass> {
    classes.sort_by(|one, other| one.name.cmp(&other.name));
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, weight: f64, fixed_count: i64) -> UserClass {
        UserClass {
            name: name.to_owned(),
            weight,
            fixed_count,
        }
    }

    fn names(roster: &mut Roster, count: usize) -> String {
        let nobody = |_: &str| 0;
        (0..count)
            .map(|_| {
                roster
                    .next(nobody)
                    .map_or("-".to_owned(), |class| roster.name(class).to_owned())
            })
            .collect()
    }

    #[test]
    fn fixed_counts_come_first_and_are_interleaved() {
        let mut roster = Roster::new(vec![
            class("C", 2.0, 0),
            class("B", 1.0, 2),
            class("A", 1.0, 2),
            class("D", 1.0, 0),
        ]);
        assert_eq!(names(&mut roster, 7), "ABABCDC");
    }

    #[test]
    fn met_fixed_counts_leave_nobody_to_come() {
        let mut roster = Roster::new(vec![class("A", 1.0, 2)]);
        assert_eq!(names(&mut roster, 4), "AA--");
    }

    #[test]
    fn fixed_counts_are_topped_up_only_after_a_recheck() {
        let mut roster = Roster::new(vec![class("A", 1.0, 2), class("B", 1.0, 0)]);
        assert_eq!(names(&mut roster, 4), "AABB");
        roster.recheck_fixed();
        assert_eq!(roster.next(|_| 1), Some(0));
        assert_eq!(names(&mut roster, 2), "BB");
    }

    #[test]
    fn negative_fixed_count_means_nobody() {
        assert_eq!(
            names(&mut Roster::new(vec![class("A", 1.0, -1), class("B", 1.0, 0)]), 3),
            "BBB"
        );
    }

    #[test]
    fn refreshed_weights_wait_for_a_restart() {
        let mut roster = Roster::new(vec![class("A", 1.0, 0), class("B", 1.0, 0)]);
        assert_eq!(names(&mut roster, 2), "AB");
        roster.refresh(vec![class("A", 0.0, 0), class("B", 1.0, 0)]);
        assert_eq!(names(&mut roster, 2), "AB");
        roster.restart();
        assert_eq!(names(&mut roster, 2), "BB");
    }
}
