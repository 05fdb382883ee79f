//! URLs read and join as `requests` and geventhttpclient have them: compared with tables made by the real libraries
//! (`tables/generate.py`).

use proptest::prelude::*;
use rocust::http::{Target, UrlProblem};

use crate::support::table;

/// What became of a URL, in the table's words.
fn fate(parsed: Result<Target, UrlProblem>) -> Vec<String> {
    match parsed {
        Ok(target) => {
            let host = target.host_header().to_str().unwrap().replace(['[', ']'], "");
            let wire = target.wire_uri().to_string();
            ["ok", target.as_str(), target.path_url(), &wire, &host]
                .map(str::to_owned)
                .to_vec()
        }
        Err(UrlProblem::MissingSchema(message)) => vec!["MissingSchema".into(), message],
        Err(UrlProblem::InvalidSchema(message)) => vec!["InvalidSchema".into(), message],
        Err(UrlProblem::InvalidUrl(message)) => vec!["InvalidURL".into(), message],
        Err(UrlProblem::Malformed(message)) => vec!["ValueError".into(), message],
    }
}

fn differences(rows: Vec<Vec<String>>, inputs: usize, ask: impl Fn(&[String]) -> Vec<String>) -> Vec<String> {
    rows.into_iter()
        .filter_map(|row| {
            let (input, expected) = row.split_at(inputs);
            let found = ask(input);
            (found != expected).then(|| format!("{input:?}\n  library:  {expected:?}\n  here:     {found:?}"))
        })
        .collect()
}

#[test]
fn urls_are_prepared_as_requests_prepares_them() {
    let rows = table(include_str!("tables/urls.tsv"));
    assert!(rows.len() > 100);
    let differences = differences(rows, 1, |input| fate(Target::parse(&input[0])));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn locations_lead_where_requests_goes() {
    let rows = table(include_str!("tables/joins.tsv"));
    assert!(rows.len() > 100);
    let differences = differences(rows, 2, |input| {
        if input[1].is_empty() {
            return vec!["none".into()];
        }
        fate(Target::parse(&input[0]).unwrap().join(&input[1]))
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What became of a URL by geventhttpclient's rules.
fn fast_fate(parsed: Result<Target, UrlProblem>) -> Vec<String> {
    match parsed {
        Ok(target) => vec!["ok".into(), target.as_str().into(), target.wire_uri().to_string()],
        Err(_) => vec!["refused".into()],
    }
}

#[test]
fn urls_are_sent_as_geventhttpclient_sends_them() {
    let rows = table(include_str!("tables/fast_urls.tsv"));
    assert!(rows.len() > 50);
    let differences = differences(rows, 1, |input| fast_fate(Target::parse_fast(&input[0], "")));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn locations_lead_where_geventhttpclient_goes() {
    let rows = table(include_str!("tables/fast_joins.tsv"));
    assert!(rows.len() > 80);
    let differences = differences(rows, 2, |input| {
        fast_fate(Target::parse_fast(&input[0], "").unwrap().join_fast(&input[1]))
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn prepared_urls_go_out_as_they_stand() {
    for (url, wire) in [
        ("http://h/a/../b", "/a/../b"),
        ("http://h/a b?%zz", "/a%20b?%25zz"),
        ("http://h?q#f", "/?q"),
    ] {
        let target = Target::prepared(url).unwrap();
        assert_eq!((target.as_str(), &*target.wire_uri().to_string()), (url, wire));
    }
    assert!(matches!(
        Target::prepared("ftp://h/"),
        Err(UrlProblem::InvalidSchema(_))
    ));
}

#[test]
fn parameters_of_a_path_are_kept_and_empty_ones_lost() {
    for (location, expected) in [
        ("/;", "http://h/"),
        ("/x;", "http://h/x"),
        ("/x;y", "http://h/x;y"),
        ("/x;y;", "http://h/x;y;"),
        ("/x;/y", "http://h/x;/y"),
        (";z", "http://h/a/;z"),
        ("..;z", "http://h/;z"),
        ("?q", "http://h/a/b;p?q"),
    ] {
        let target = Target::parse("http://h/a/b;p").unwrap().join(location).unwrap();
        assert_eq!(target.as_str(), expected, "{location}");
    }
}

#[test]
fn params_are_added_to_the_query() {
    for (url, query, expected) in [
        ("http://h", "a=1", "http://h/?a=1"),
        ("http://h/x?", "a=1", "http://h/x?a=1"),
        ("http://h/x?b=2", "a=1", "http://h/x?b=2&a=1"),
        ("http://h/x?b=2#f", "a=+%20", "http://h/x?b=2&a=+%20#f"),
        ("http://h/x#f", "", "http://h/x#f"),
    ] {
        assert_eq!(Target::parse_with_query(url, query).unwrap().as_str(), expected);
        assert_eq!(
            Target::parse(url).unwrap().with_query(query).unwrap().as_str(),
            expected
        );
    }
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_stable(url in "(https?://)?[a-z0-9.:@\\[\\]%-]{0,12}[/?#]?\\PC{0,24}") {
        if let Ok(target) = Target::parse(&url) {
            let again = Target::parse(target.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), target.as_str());
            prop_assert!(target.path_url().starts_with('/'));
            prop_assert!(target.as_str().is_ascii());
        }
    }

    #[test]
    fn joining_never_panics_and_gives_an_absolute_url(location in "[a-z:/?#.%\\[\\]@ -]{0,16}\\PC{0,8}") {
        let base = Target::parse("http://h/a/b?c#d").unwrap();
        if let Ok(target) = base.join(&location) {
            prop_assert!(target.as_str().starts_with("http"));
            prop_assert!(!target.host().is_empty());
        }
    }

    #[test]
    fn the_short_way_and_the_long_way_agree(path in "/[a-z0-9/._~%?=&+-]{0,20}") {
        // A leading space is dropped, but only the long way does that.
        let short = fate(Target::parse(&format!("http://host:81{path}")));
        let long = fate(Target::parse(&format!(" http://host:81{path}")));
        prop_assert_eq!(short, long);
    }
}
