//! Which worker comes next, and how many users of which class each worker has.
//!
//! Workers take turns. Their order begins with the first worker of every host, so that the first users land on
//! different hosts: a worker's host is its id up to the first underscore. Users leave in the opposite order of their
//! arrival.

use std::collections::HashMap;
use std::sync::Arc;

/// How many users of each class each worker should have. A copy shares the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Worker ids, one a row.
    rows: Arc<[String]>,
    /// Class names, sorted, one a column.
    columns: Arc<[String]>,
    /// Row by row.
    counts: Vec<u32>,
}

/// The table, and how it came to that.
#[derive(Clone, Debug)]
pub struct Spread {
    table: Table,
    /// The sum of each column, so that asking for it does not cost a walk over all workers.
    totals: Vec<usize>,
    /// Rows in the order of their turns. A worker listed twice has two turns.
    turns: Vec<usize>,
    /// Whose turn is next. Users that leave do not give their turn back.
    next_turn: usize,
    /// Row and column of every user, in the order of arrival.
    placed: Vec<(u32, u32)>,
}

impl Table {
    /// Class names, in the order of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Worker ids with their users by column.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&str, &[u32])> {
        let width = self.columns.len();
        self.rows
            .iter()
            .enumerate()
            .map(move |(row, id)| (id.as_str(), &self.counts[row * width..(row + 1) * width]))
    }

    fn count(&mut self, row: usize, column: usize) -> &mut u32 {
        &mut self.counts[row * self.columns.len() + column]
    }
}

impl Spread {
    /// Nobody yet. Rows are in the order of `workers`, turns as [`in_turn`] says.
    pub fn new(workers: &[String], columns: Arc<[String]>) -> Self {
        Self::with_turns(workers, &in_turn(workers), columns)
    }

    /// Nobody yet, on workers that take turns in the order given; the classes are those of `self`.
    #[must_use]
    pub fn emptied(&self, workers: &[String]) -> Self {
        let turns: Vec<usize> = (0..workers.len()).collect();
        Self::with_turns(workers, &turns, Arc::clone(&self.table.columns))
    }

    fn with_turns(workers: &[String], turns: &[usize], columns: Arc<[String]>) -> Self {
        let mut rows: Vec<String> = Vec::with_capacity(workers.len());
        let mut row_of: HashMap<&str, usize> = HashMap::with_capacity(workers.len());
        for worker in workers {
            row_of.entry(worker).or_insert_with(|| {
                rows.push(worker.clone());
                rows.len() - 1
            });
        }
        let turns = turns
            .iter()
            .map(|&position| row_of[workers[position].as_str()])
            .collect();
        let totals = vec![0; columns.len()];
        let table = Table {
            counts: vec![0; rows.len() * columns.len()],
            rows: rows.into(),
            columns,
        };
        Self {
            table,
            totals,
            turns,
            next_turn: 0,
            placed: Vec::new(),
        }
    }

    /// How many users of each class each worker should have.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.placed.len()
    }

    /// The column of the class called `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.table
            .columns
            .binary_search_by(|column| column.as_str().cmp(name))
            .ok()
    }

    /// How many users of the class called `name` there are; none of a class without a column.
    pub fn users_of(&self, name: &str) -> usize {
        self.column(name).map_or(0, |column| self.totals[column])
    }

    /// Worker id and class name of every user, in the order of arrival.
    pub fn placed(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let Table { rows, columns, .. } = &self.table;
        self.placed
            .iter()
            .map(|&(row, column)| (rows[row as usize].as_str(), columns[column as usize].as_str()))
    }

    /// Give the worker whose turn it is a user of the class in `column`. Says whether there is a worker.
    pub fn put(&mut self, column: usize) -> bool {
        let Some(&row) = self.turns.get(self.next_turn) else {
            return false;
        };
        self.next_turn = (self.next_turn + 1) % self.turns.len();
        *self.table.count(row, column) += 1;
        self.totals[column] += 1;
        self.placed.push((row as u32, column as u32));
        true
    }

    /// Remove the user that arrived last. Says whether there was one.
    pub fn take(&mut self) -> bool {
        let Some((row, column)) = self.placed.pop() else {
            return false;
        };
        let (row, column) = (row as usize, column as usize);
        *self.table.count(row, column) -= 1;
        self.totals[column] -= 1;
        true
    }
}

/// The positions of `workers` in the order of their turns: first of each host first, then by id.
pub fn in_turn(workers: &[String]) -> Vec<usize> {
    let mut by_id: Vec<usize> = (0..workers.len()).collect();
    by_id.sort_by_key(|&position| &workers[position]);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut index_within_host = vec![0_usize; workers.len()];
    for position in by_id {
        let host = workers[position].split('_').next().unwrap_or_default();
        let index = seen.entry(host).or_default();
        index_within_host[position] = *index;
        *index += 1;
    }
    let mut turns: Vec<usize> = (0..workers.len()).collect();
    turns.sort_by_key(|&position| (index_within_host[position], &workers[position]));
    turns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn first_worker_of_every_host_comes_first() {
        let workers = ids(&["b_2", "a_1", "a_2", "b_1", "c"]);
        let order: Vec<&str> = in_turn(&workers)
            .into_iter()
            .map(|position| workers[position].as_str())
            .collect();
        assert_eq!(order, ["a_1", "b_1", "c", "a_2", "b_2"]);
    }

    #[test]
    fn rows_keep_the_order_of_the_workers() {
        let mut spread = Spread::new(&ids(&["2", "1"]), ids(&["A"]).into());
        spread.put(0);
        assert_eq!(
            spread.table().rows().collect::<Vec<_>>(),
            [("2", &[0][..]), ("1", &[1][..])]
        );
    }

    #[test]
    fn without_workers_nobody_is_placed() {
        assert!(!Spread::new(&[], ids(&["A"]).into()).put(0));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_stay_even(
            workers in 1_usize..12, classes in prop::collection::vec(0_usize..4, 0..200),
        ) {
            let workers: Vec<String> = (0..workers).map(|index| format!("host_{index}")).collect();
            let mut spread = Spread::new(&workers, ids(&["A", "B", "C", "D"]).into());
            for (placed, &class) in classes.iter().enumerate() {
                prop_assert!(spread.put(class));
                let loads: Vec<u32> = spread.table().rows().map(|(_, counts)| counts.iter().sum()).collect();
                prop_assert_eq!(loads.iter().sum::<u32>() as usize, placed + 1);
                prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
            }
            for (column, name) in ["A", "B", "C", "D"].into_iter().enumerate() {
                prop_assert_eq!(spread.users_of(name), classes.iter().filter(|&&class| class == column).count());
            }
        }

        #[test]
        fn removal_restores_the_earlier_state(
            before in prop::collection::vec(0_usize..3, 0..50), after in prop::collection::vec(0_usize..3, 0..50),
        ) {
            let mut spread = Spread::new(&ids(&["1", "2", "3"]), ids(&["A", "B", "C"]).into());
            for &class in &before {
                spread.put(class);
            }
            let (table, totals) = (spread.table.clone(), spread.totals.clone());
            for &class in &after {
                spread.put(class);
            }
            for _ in &after {
                prop_assert!(spread.take());
            }
            prop_assert_eq!((spread.table, spread.totals), (table, totals));
        }
    }
}
