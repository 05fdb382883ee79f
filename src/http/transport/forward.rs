//! What changes in a request that a proxy is to forward: it names its target in full, and brings the proxy's credentials.

use http::Request;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::{Authority, Uri};
use http::{HeaderValue, uri};

use super::Order;
use crate::http::failure::{Failure, FailureKind};
use crate::http::proxy::Proxy;
use crate::http::target::Target;

/// Addresses the request to the proxy, unless the proxy never sees it.
pub(super) fn address<B>(request: &mut Request<B>, order: &Order<'_>, proxy: &Proxy) -> Result<(), Failure> {
    let target = &order.sent.target;
    if !proxy.forwards_to(target) {
        return Ok(());
    }
    let unusable = || Failure::new(FailureKind::Other, target, "the URL cannot be sent to a proxy");
    let authority = authority(target, proxy.always_names_port);
    // What `http.client` takes from an absolute URL, a default port included.
    if !proxy.always_names_port
        && request.headers().get(HOST) == Some(target.host_header())
        && let Ok(host) = HeaderValue::try_from(&authority)
    {
        request.headers_mut().insert(HOST, host);
    }
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(uri::Scheme::HTTP);
    parts.authority = Some(Authority::try_from(authority).map_err(|_| unusable())?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| unusable())?;
    if let Some(authorization) = &proxy.authorization {
        request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    Ok(())
}

/// Host and port as they stand in the URL; without user and password.
fn authority(target: &Target, always_names_port: bool) -> String {
    // It holds the host in its brackets, and the port unless it is the default.
    let mut authority = String::from_utf8_lossy(target.host_header().as_bytes()).into_owned();
    let is_default = target.port() == target.scheme().default_port();
    if is_default && (always_names_port || target.written_port().is_some()) {
        authority.push(':');
        authority.push_str(&target.port().to_string());
    }
    authority
}
