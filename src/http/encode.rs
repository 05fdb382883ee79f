//! Making header values and bodies from data: forms, query strings, credentials. Pure.

use bytes::Bytes;
use http::HeaderValue;

use super::target::Target;

/// Pairs as Python's `urlencode` writes them: UTF-8, `+` for a space, everything but letters, digits and `_.-~` encoded.
#[must_use]
pub fn form<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        push_plus_quoted(&mut text, name.as_ref());
        text.push('=');
        push_plus_quoted(&mut text, value.as_ref());
    }
    text
}

fn push_plus_quoted(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        match byte {
            b' ' => text.push('+'),
            b'_' | b'.' | b'-' | b'~' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => {
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

/// `Authorization` for a user and a password. Texts are sent in Latin-1 where they fit, as `requests` does, else in UTF-8.
#[must_use]
pub fn basic_authorization(user: &str, password: &str) -> HeaderValue {
    let mut plain = latin1_or_utf8(user);
    plain.push(b':');
    plain.extend(latin1_or_utf8(password));
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(format!("Basic {}", base64(&plain))))
        .unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// `Authorization` from the user info of a URL, percent-decoded; `None` when the URL has none.
#[must_use]
pub fn target_authorization(target: &Target) -> Option<HeaderValue> {
    let userinfo = target.userinfo()?;
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    Some(basic_authorization(&decode(user), &decode(password)))
}

/// Text as `http.client` sends it, and what it cannot send in UTF-8.
pub(super) fn latin1_or_utf8(text: &str) -> Vec<u8> {
    let latin1: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    latin1.unwrap_or_else(|_| text.as_bytes().to_vec())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let joined = group.iter().fold(0_u32, |joined, byte| joined << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            if at <= group.len() {
                let index = (joined >> (18 - 6 * at)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_as_urlencode_writes_them() {
        let pairs = [("a b", "1+1"), ("ä", "~x-y_z.0"), ("", "/?&=")];
        assert_eq!(form(pairs), "a+b=1%2B1&%C3%A4=~x-y_z.0&=%2F%3F%26%3D");
    }

    #[test]
    fn credentials_of_every_length_are_padded_right() {
        for (user, password, expected) in [
            ("user", "pass", "Basic dXNlcjpwYXNz"),
            ("a", "", "Basic YTo="),
            ("a", "b", "Basic YTpi"),
            ("a", "bc", "Basic YTpiYw=="),
            ("é", "€", "Basic 6Trigqw="),
        ] {
            assert_eq!(basic_authorization(user, password), expected);
        }
    }

    #[test]
    fn credentials_in_a_url_are_decoded() {
        let target = Target::parse("http://us%40er:p%3Ass@host/").expect("a URL");
        assert_eq!(
            target_authorization(&target),
            Some(basic_authorization("us@er", "p:ss"))
        );
        assert_eq!(
            target_authorization(&Target::parse("http://host/").expect("a URL")),
            None
        );
    }
}
