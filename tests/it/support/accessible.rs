//! WCAG 2.2 AA of pages: axe-core in a real browser, and the scope of each heading of a table.

use super::{browser::open_wide, folder, installed};
use serde::de::DeserializeOwned;
use std::{fs, path::Path};

/// What is asked of a page: levels A and AA of WCAG 2.0 to 2.2, and axe-core's own rules of good practice.
const TAGS: &str = r#"["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]"#;

/// The sign before what a script found, in the page's text.
const FOUND: &str = "the-script-found:";

/// What a script finds in a page, in a window of this width. Its value is a promise; everything that is folded is opened.
pub fn asked_of<T: DeserializeOwned>(page: &str, width: usize, script: &str) -> T {
    let ask = format!(
        "<script>({script}).then(found => document.body.replaceChildren('{FOUND}' + JSON.stringify(found)));</script>"
    );
    let folder = folder();
    let copy = folder.path().join("page.html");
    // The page's own policy allows scripts in it.
    fs::write(&copy, page.to_owned() + &ask).unwrap();
    let shown = open_wide(&copy, width);
    let found = shown.html.split_once(FOUND).unwrap_or_else(|| panic!("the script did not end: {:?}", shown.console)).1;
    let found = found.split("</body>").next().unwrap().trim();
    serde_json::from_str(&found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

/// Everything that is wrong with a page in a window of this width, a line each: rule, element and reason.
pub fn violations(page: &Path, width: usize) -> Vec<String> {
    let axe = installed("tests/clients/node/node_modules").join("axe-core/axe.min.js");
    let page = format!("{}<script>{}</script>", fs::read_to_string(page).unwrap(), fs::read_to_string(axe).unwrap());
    let script = format!(
        "(async () => {{
          document.querySelectorAll('details').forEach(one => {{ one.open = true; }});
          const found = [...document.querySelectorAll('th:not([scope])')].map(th => 'scope | ' + th.outerHTML);
          const root = document.documentElement;
          if (root.scrollWidth > root.clientWidth + 1) found.push('reflow | the page is wider than its window');
          const {{ violations }} = await axe.run(document, {{ runOnly: {TAGS}, resultTypes: ['violations'] }});
          const told = violations.flatMap(one => one.nodes.map(node => [one.id, node.html, node.failureSummary].join(' | ')));
          return found.concat(told).map(line => line.slice(0, 500));
        }})()"
    );
    asked_of(&page, width, &script)
}

/// Checks a page on a wide and on a narrow screen.
#[track_caller]
pub fn check_accessible(page: &Path) {
    for width in [1400, 600] {
        assert_eq!(violations(page, width), Vec::<String>::new(), "{} at {width} px", page.display());
    }
}
