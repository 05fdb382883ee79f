//! Compared with tables made by Python's `http.cookiejar` (`tests/http/tables/generate.py`).

use std::sync::Arc;

use http::Method;
use proptest::prelude::*;

use super::*;

const NOW_S: i64 = 1_700_000_000;

fn request_to(url: &str) -> Sent {
    Sent {
        method: Method::GET,
        target: Target::parse(url).expect("a URL"),
        headers: Arc::default(),
        cookie: None,
        body: None,
        feed: None,
    }
}

fn answer(header: &str) -> HeaderMap {
    // Python reads header bytes as Latin-1, so that is how the table's texts came to be.
    let bytes: Vec<u8> = header
        .chars()
        .map(|character| u8::try_from(character).expect("Latin-1"))
        .collect();
    let value = HeaderValue::from_bytes(&bytes).expect("a header value");
    HeaderMap::from_iter([(SET_COOKIE, value)])
}

fn jar_after(url: &str, header: &str) -> Jar {
    let jar = Jar::default();
    jar.store_at(&answer(header), &request_to(url), NOW_S);
    jar
}

#[test]
fn what_a_response_takes_back_is_gone_before_what_it_sets_is_there() {
    let sent = request_to("http://127.0.0.1/a/b");
    let mut headers = answer("a=1; Max-Age=1000");
    headers.append(SET_COOKIE, HeaderValue::from_static("a=2; Max-Age=0"));
    let jar = Jar::default();
    jar.store_at(&headers, &sent, NOW_S);
    assert_eq!(jar.list().first().and_then(|cookie| cookie.value.as_deref()), Some("1"));
    jar.store_at(&answer("a=2; Max-Age=0"), &sent, NOW_S);
    assert!(jar.is_empty());
}

#[test]
fn default_path_of_a_version_1_cookie_keeps_its_slash() {
    for (header, path) in [("a=1", "/a"), ("a=1; Version=1", "/a/"), ("a=1; version=\"1\"", "/a/")] {
        let cookies = jar_after("http://127.0.0.1/a/b", header).list();
        assert_eq!(cookies.first().map(|cookie| cookie.path.as_str()), Some(path));
    }
}

#[test]
fn bytes_of_a_cookie_go_back_as_they_came() {
    let jar = jar_after("http://127.0.0.1/", "a=\u{c3}\u{a9}");
    let header = jar.header_at(&request_to("http://127.0.0.1/"), true, &[], NOW_S);
    assert_eq!(header.as_ref().map(HeaderValue::as_bytes), Some("a=é".as_bytes()));
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().map(|line| line.split('\t').collect())
}

fn described(cookie: &Cookie) -> Vec<String> {
    let flag = |letter: &str, is_on: bool| {
        if is_on { letter.to_owned() } else { "-".to_owned() }
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "None".to_owned());
    let rest = cookie.rest.iter().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    });
    vec![
        "kept".to_owned(),
        cookie.name.clone(),
        or_none(cookie.value.as_ref().map(|value| format!("={value}"))),
        cookie.domain.clone(),
        cookie.path.clone(),
        flag("d", cookie.is_domain_specified) + &flag("p", cookie.is_path_specified) + &flag("s", cookie.is_secure),
        or_none(cookie.expires_s.map(|expires| expires.to_string())),
        or_none(cookie.port.clone()),
        rest.collect::<Vec<_>>().join(","),
    ]
}

#[test]
fn cookies_are_kept_as_python_keeps_them() {
    let mut count = 0;
    for row in rows(include_str!("../../../tests/http/tables/cookies.tsv")) {
        let jar = jar_after(row[0], row[1]);
        let found = jar.list().first().map_or_else(|| vec!["refused".to_owned()], described);
        assert_eq!(found, row[2..], "{:?}", &row[..2]);
        count += 1;
    }
    assert!(count > 60);
}

#[test]
fn cookies_are_sent_where_python_sends_them() {
    let mut count = 0;
    for row in rows(include_str!("../../../tests/http/tables/returns.tsv")) {
        let header = jar_after(row[0], row[1]).header_at(&request_to(row[2]), true, &[], NOW_S);
        let found = header.map(|header| header.to_str().expect("ASCII").to_owned());
        assert_eq!(found.unwrap_or_default(), row[3], "{:?}", &row[..3]);
        count += 1;
    }
    assert!(count > 70);
}

#[test]
fn longer_paths_come_first_and_extra_cookies_replace_their_like() {
    let jar = Jar::default();
    let request = request_to("http://example.com/a/b/c");
    for header in ["one=1; Path=/", "two=2; Path=/a/b", "three=3; Path=/a"] {
        jar.store_at(&answer(header), &request, NOW_S);
    }
    jar.set(Cookie::new("mine", "old"));
    let elsewhere = Cookie {
        domain: ".example.org".to_owned(),
        ..Cookie::new("elsewhere", "5")
    };
    let expired = Cookie {
        expires_s: Some(NOW_S),
        ..Cookie::new("expired", "6")
    };
    let extra = [Cookie::new("mine", "new"), Cookie::new("more", "4"), elsewhere, expired];
    let header = jar.header_at(&request, true, &extra, NOW_S).expect("cookies");
    assert_eq!(header, "two=2; three=3; one=1; mine=new; more=4");
    let alone = jar.header_at(&request, false, &extra, NOW_S).expect("cookies");
    assert_eq!(alone, "mine=new; more=4");
}

#[test]
fn a_cookie_header_of_the_callers_own_wins() {
    let jar = Jar::default();
    jar.set(Cookie::new("a", "1"));
    let mut request = request_to("http://example.com/");
    request.headers = Arc::new(HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("b=2"))]));
    assert_eq!(jar.header_at(&request, true, &[], NOW_S), None);
}

#[test]
fn a_date_in_the_past_takes_a_cookie_back_and_time_does_too() {
    let jar = Jar::default();
    let request = request_to("http://example.com/");
    jar.store_at(&answer("a=1; Max-Age=60"), &request, NOW_S);
    assert!(jar.header_at(&request, true, &[], NOW_S + 59).is_some());
    assert_eq!(jar.header_at(&request, true, &[], NOW_S + 60), None);
    let version = jar.version();
    jar.store_at(&answer("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), &request, NOW_S);
    assert!(jar.is_empty() && jar.version() > version);
}

#[test]
fn a_flood_of_cookies_takes_the_place_of_its_own_oldest() {
    let jar = jar_after("http://other.example/", "login=1");
    let sent = request_to("http://h.example/");
    for number in 0..MAX_COOKIES + 500 {
        jar.store_at(&answer(&format!("c{number}=v")), &sent, 0);
    }
    let kept = jar.list();
    assert_eq!(kept.len(), MAX_COOKIES);
    assert_eq!((kept[0].name.as_str(), kept[1].name.as_str()), ("login", "c501"));
    assert_eq!(kept.last().unwrap().name, format!("c{}", MAX_COOKIES + 499));
    // Setting one again keeps it, as long as it is there.
    jar.store_at(&answer("c501=new"), &sent, 0);
    assert_eq!((jar.len(), jar.list()[1].value.as_deref()), (MAX_COOKIES, Some("new")));
}

#[test]
fn cookies_are_bounded_in_bytes_too() {
    let jar = Jar::default();
    let sent = request_to("http://h.example/");
    let value = "v".repeat(50_000);
    for number in 0..200 {
        jar.store_at(&answer(&format!("c{number}={value}")), &sent, 0);
    }
    assert_eq!(jar.len(), MAX_COOKIE_BYTES / 50_000);
    assert_eq!(jar.list().last().unwrap().name, "c199");
    // Those that a user puts there are the user's own affair.
    for number in 0..=MAX_COOKIES {
        jar.set(Cookie::new(format!("u{number}"), "v"));
    }
    assert!(jar.len() > MAX_COOKIES);
}

#[test]
fn the_jar_can_be_changed_from_outside() {
    let jar = Jar::default();
    assert!(jar.is_empty());
    jar.set(Cookie::new("a", "1"));
    jar.set(Cookie::new("a", "2"));
    jar.set(Cookie {
        domain: ".example.com".to_owned(),
        ..Cookie::new("b", "3")
    });
    assert_eq!((jar.len(), jar.version()), (2, 3));
    assert!(jar.delete("", "/", "a") && !jar.delete("", "/", "a"));
    assert_eq!(jar.clear(Some("other"), None), 0);
    assert_eq!((jar.clear(Some(".example.com"), Some("/")), jar.len()), (1, 0));
    assert_eq!(jar.version(), 5);
    jar.replace(vec![Cookie::new("c", "4")]);
    assert_eq!(jar.list(), vec![Cookie::new("c", "4")]);
}

proptest! {
    #[test]
    fn no_header_breaks_the_jar(header in "[ -~]{0,60}", path in "/[ -~]{0,10}") {
        let jar = Jar::default();
        if let (Ok(target), Ok(value)) = (Target::parse(&format!("http://h.test{path}")), HeaderValue::from_str(&header)) {
            let request = Sent { target, ..request_to("http://h.test/") };
            jar.store_at(&HeaderMap::from_iter([(SET_COOKIE, value)]), &request, NOW_S);
            jar.header_at(&request, true, &[], NOW_S);
        }
    }
}
