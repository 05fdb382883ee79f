//! Making bodies and query strings from data. Pure.

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

/// Text as `http.client` sends it, and what it cannot send in UTF-8.
pub(super) fn latin1_or_utf8(text: &str) -> Vec<u8> {
    let latin1: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    latin1.unwrap_or_else(|_| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_as_urlencode_writes_them() {
        let pairs = [("a b", "1+1"), ("ä", "~x-y_z.0"), ("", "/?&=")];
        assert_eq!(form(pairs), "a+b=1%2B1&%C3%A4=~x-y_z.0&=%2F%3F%26%3D");
    }
}
