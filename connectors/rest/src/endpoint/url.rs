//! Addresses.

/// The address of a link in an answer to a request for `target`, whose relative form starts at
/// `base`.
pub(crate) fn resolve(base: &str, target: &str, link: &str) -> String {
    let link = link.trim();
    if has_scheme(link) {
        return link.to_owned();
    }
    let whole = if has_scheme(target) {
        target.to_owned()
    } else {
        let gap = if target.starts_with(['/', '?']) || target.is_empty() { "" } else { "/" };
        format!("{}{gap}{target}", base.trim_end_matches('/'))
    };
    let whole = whole.split('#').next().unwrap_or_default();
    let (address, _) = whole.split_once('?').unwrap_or((whole, ""));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let origin = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    if let Some(behind) = link.strip_prefix("//") {
        let scheme = address.split_once("//").map_or("https:", |(scheme, _)| scheme);
        return format!("{scheme}//{behind}");
    }
    if link.starts_with('/') {
        return format!("{}{link}", &address[..origin]);
    }
    if link.starts_with('?') {
        return format!("{address}{link}");
    }
    let folder = match address[origin..].rfind('/') {
        Some(at) => &address[..=origin + at],
        None => return format!("{address}/{link}"),
    };
    format!("{folder}{link}")
}

/// A path as a target below the base URL, where one that begins with a slash would stand beside it.
pub(super) fn below(path: &str) -> String {
    if has_scheme(path) {
        return path.to_owned();
    }
    let path = path.trim_start_matches('/');
    // What stands before a colon could be taken for a scheme.
    let first = path.split(['/', '?']).next().unwrap_or_default();
    format!("{}{path}", if first.contains(':') { "./" } else { "" })
}

fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_below_the_base() {
        assert_eq!(below("/orders/7"), "orders/7");
        assert_eq!(below("orders"), "orders");
        assert_eq!(below("/a:b/c"), "./a:b/c");
        assert_eq!(below("https://x.test/a"), "https://x.test/a");
        assert_eq!(below("/"), "");
    }

    #[test]
    fn links_are_resolved_against_what_was_asked() {
        let base = "https://api.test/v2/";
        for (target, link, whole) in [
            ("/orders?page=1", "https://other.test/x", "https://other.test/x"),
            ("/orders?page=1", "/v2/orders?page=2", "https://api.test/v2/orders?page=2"),
            ("/orders?page=1", "?page=2", "https://api.test/v2/orders?page=2"),
            ("/orders?page=1", "orders?page=2", "https://api.test/v2/orders?page=2"),
            ("orders", "next", "https://api.test/v2/next"),
            ("https://api.test/v2/a/b?c=http://x", "d", "https://api.test/v2/a/d"),
            ("/orders", "//cdn.test/x", "https://cdn.test/x"),
        ] {
            assert_eq!(resolve(base, target, link), whole);
        }
        assert_eq!(resolve("http://a.test", "", "x"), "http://a.test/x");
    }
}
