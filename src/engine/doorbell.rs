//! A bell that an event loop can watch: one end of a socket pair becomes readable when it rings.
//!
//! A socket pair rather than an eventfd: it is in the standard library, safe, and the same on every platform (Windows loops can
//! only watch sockets). The bell rings once per batch of posts, so its price does not show.

use std::io::{self, ErrorKind, Read, Write};

use super::mailbox::Bell;

#[cfg(unix)]
type End = std::os::unix::net::UnixStream;
#[cfg(windows)]
type End = std::net::TcpStream;

/// The real bell of a [`super::port::Port`].
#[derive(Debug)]
pub struct Doorbell {
    /// Written by lanes.
    button: End,
    /// Watched by the loop.
    chime: End,
}

impl Doorbell {
    /// A silent bell.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let (button, chime) = pair()?;
        button.set_nonblocking(true)?;
        chime.set_nonblocking(true)?;
        Ok(Self { button, chime })
    }

    /// The descriptor to watch for reading. It stays valid as long as the bell lives.
    #[cfg(unix)]
    #[must_use]
    pub fn watched(&self) -> i64 {
        use std::os::fd::AsRawFd;
        i64::from(self.chime.as_raw_fd())
    }

    /// The socket to watch for reading. It stays valid as long as the bell lives.
    #[cfg(windows)]
    #[must_use]
    pub fn watched(&self) -> i64 {
        use std::os::windows::io::AsRawSocket;
        i64::try_from(self.chime.as_raw_socket()).unwrap_or(-1)
    }
}

#[cfg(unix)]
fn pair() -> io::Result<(End, End)> {
    End::pair()
}

#[cfg(windows)]
fn pair() -> io::Result<(End, End)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let button = End::connect(listener.local_addr()?)?;
    button.set_nodelay(true)?;
    let own = button.local_addr()?;
    loop {
        // Someone else on this machine may connect to the port first; only our own end is wanted.
        let (chime, peer) = listener.accept()?;
        if peer == own {
            return Ok((button, chime));
        }
    }
}

impl Bell for Doorbell {
    fn ring(&self) {
        // A full buffer means that it is ringing already; a closed one that nobody listens any more. Both need nothing done.
        let _ = (&self.button).write(&[1]);
    }

    fn silence(&self) {
        let mut rings = [0_u8; 64];
        loop {
            match (&self.chime).read(&mut rings) {
                Ok(n) if n == rings.len() => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ringing(bell: &Doorbell) -> bool {
        let mut byte = [0_u8; 1];
        bell.chime.peek_one(&mut byte)
    }

    trait PeekOne {
        fn peek_one(&self, byte: &mut [u8; 1]) -> bool;
    }

    impl PeekOne for End {
        fn peek_one(&self, byte: &mut [u8; 1]) -> bool {
            // Reading is the only portable look at a Unix stream; the tests ring again when they need to.
            (&*self).read(byte).is_ok()
        }
    }

    #[test]
    fn rings_until_silenced() {
        let bell = Doorbell::new().expect("a socket pair");
        assert!(!is_ringing(&bell));
        bell.ring();
        bell.ring();
        assert!(is_ringing(&bell));
        bell.ring();
        bell.silence();
        assert!(!is_ringing(&bell));
    }

    #[test]
    fn never_blocks_when_nobody_listens() {
        let bell = Doorbell::new().expect("a socket pair");
        for _ in 0..1_000_000 {
            bell.ring();
        }
        bell.silence();
        assert!(!is_ringing(&bell));
    }
}
