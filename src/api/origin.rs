//! The names of this decision point: in `Host`, which a caller writes, and in `Origin`, which a browser writes.
//!
//! A page of a foreign site can let a browser on this machine ask poort, under the site's own name (DNS rebinding). So a
//! name counts only if it is this machine's own, the address that the connection reached, or that of `public_url`.

use super::peer::Peer;
use http::{Extensions, HeaderMap, Uri, header, uri::Authority};
use std::net::IpAddr;

/// The base URL of this decision point, as the caller of these headers can reach it.
pub(super) fn base(headers: &HeaderMap, extensions: &Extensions, public_url: Option<&str>, scheme: &str) -> String {
    if let Some(url) = public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    match (host.filter(|host| is_own(host.host(), extensions)), local(extensions)) {
        (Some(host), _) => format!("{scheme}://{host}"),
        (None, Some(local)) => format!("{scheme}://{local}"),
        (None, None) => format!("{scheme}://localhost"),
    }
}

/// Whether a browser asks for a page of a foreign site.
pub(super) fn is_foreign(headers: &HeaderMap, extensions: &Extensions, public_url: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host_of = |url: &str| Some(url.parse::<Uri>().ok()?.host()?.to_owned());
    let Some(host) = origin.to_str().ok().and_then(host_of) else { return true };
    let is_public = public_url.and_then(host_of).is_some_and(|public| public.eq_ignore_ascii_case(&host));
    !is_public && !is_own(&host, extensions)
}

fn is_own(host: &str, extensions: &Extensions) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => {
            let reached = local(extensions).map(|local| local.ip().to_canonical());
            address.is_loopback() || reached == Some(address.to_canonical())
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn local(extensions: &Extensions) -> Option<std::net::SocketAddr> {
    extensions.get::<Peer>()?.local
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pdp::Quota, record::decision_log::Caller};
    use http::HeaderValue;
    use std::time::Instant;

    fn reached(local: &str) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Peer {
            caller: Caller::Unix,
            identity: None,
            local: Some(local.parse().unwrap()),
            share: Quota::new(1),
            arrived: Instant::now(),
        });
        extensions
    }

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_base_is_a_name_of_poort_or_the_address_that_was_reached() {
        let extensions = reached("10.1.2.3:50051");
        let base = |host: &str, public| base(&with(header::HOST, host), &extensions, public, "https");
        for own in ["localhost:8080", "127.0.0.1:1", "[::1]:50051", "10.1.2.3"] {
            assert_eq!(base(own, None), format!("https://{own}"));
        }
        for foreign in ["evil.example", "10.9.9.9:50051", "localhost.evil.example:50051", "a/b@c"] {
            assert_eq!(base(foreign, None), "https://10.1.2.3:50051", "{foreign}");
        }
        assert_eq!(base("evil.example", Some("https://gate.example/")), "https://gate.example");
    }

    #[test]
    fn an_origin_is_foreign_unless_it_is_a_name_of_poort() {
        let extensions = reached("10.1.2.3:50051");
        let foreign =
            |origin: &str| is_foreign(&with(header::ORIGIN, origin), &extensions, Some("https://gate.example"));
        assert!(!is_foreign(&HeaderMap::new(), &extensions, None));
        for own in ["http://localhost:3000", "http://127.0.0.1", "https://10.1.2.3:50051", "https://GATE.example"] {
            assert!(!foreign(own), "{own}");
        }
        for other in ["null", "https://evil.example", "http://10.9.9.9", "https://gate.example.evil.example", ""] {
            assert!(foreign(other), "{other}");
        }
    }
}
