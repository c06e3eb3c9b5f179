//! The frame of an HTML page: one file, no network, readable in light and dark, on paper and on a phone.
//!
//! The page's own `Content-Security-Policy` forbids it to load anything. So a page that needs something from elsewhere
//! fails everywhere, and not only without a network.

use crate::types::{escape, language::Language, texts::page as page_texts};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page.
#[derive(Debug)]
pub struct Page<'a> {
    /// What it is, in the title bar and as the heading.
    pub title: &'a str,
    /// One sentence under the heading: what was asked, and the answer.
    pub summary: Markup,
    /// The rest.
    pub body: Markup,
    /// Styles for this page alone.
    pub style: &'a str,
    /// A script for this page alone; the page must be readable without it.
    pub script: &'a str,
}

/// How something is meant, as a colour and never as a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Wrong, or more than before.
    Bad,
    /// Neither.
    Neutral,
}

impl Tone {
    /// The name of its style.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }
}

/// A word in a coloured frame.
#[must_use]
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class=(format!("badge {}", tone.class())) { (text) } }
}

/// A row of figures with their names.
#[must_use]
pub fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String, Tone)>) -> Markup {
    html! {
        dl.facts {
            @for (name, figure, tone) in facts {
                div class=(tone.class()) { dt { (name) } dd { (figure) } }
            }
        }
    }
}

impl Page<'_> {
    /// The whole page as text, in English.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_in(Language::English)
    }

    /// The whole page as text. Its parts are in this language.
    #[must_use]
    pub fn render_in(&self, language: Language) -> String {
        let Self { title, summary, body, style, script } = self;
        let page = html! {
            (DOCTYPE)
            html lang=(language) {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="generator" content=(concat!("poort ", env!("CARGO_PKG_VERSION")));
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(style)) }
                }
                body {
                    header { h1 { (title) } p.summary { (summary) } }
                    main { (body) }
                    footer { p { (page_texts::made_by(language, env!("CARGO_PKG_VERSION"))) } }
                    @if !script.is_empty() { script { (PreEscaped(script)) } }
                }
            }
        };
        escape::lines(&page.into_string()).into_owned()
    }
}

const STYLE: &str = r"
:root { color-scheme: light dark; --text: #1b1f24; --soft: #5b6570; --ground: #fff; --panel: #f4f6f8; --line: #d5dae0;
  --good: #12692f; --good-ground: #dcf3e2; --bad: #a11a1a; --bad-ground: #fbe1df; --warning: #7a4b00;
  --warning-ground: #fcefd0; --link: #154273; --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (prefers-color-scheme: dark) { :root { --text: #e7ebef; --soft: #9aa5b1; --ground: #14181c; --panel: #1d2329;
  --line: #36404a; --good: #7fd79a; --good-ground: #143321; --bad: #ff9d94; --bad-ground: #451a17; --warning: #f2c46d;
  --warning-ground: #3b2b0b; --link: #8fbcf0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1.02rem; margin: 1.2rem 0 .4rem; }
.summary { font-size: 1.05rem; color: var(--soft); margin: 0 0 1rem; }
a { color: var(--link); } code, pre, .mono { font-family: var(--mono); font-size: .88em; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem;
  overflow-wrap: anywhere; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top; }
thead th { background: var(--panel); position: sticky; top: 0; }
.wide { overflow-x: auto; }
.badge { border-radius: 4px; font-size: .82em; font-weight: 600; padding: .1em .5em; white-space: nowrap;
  background: var(--panel); border: 1px solid var(--line); }
.badge.good { background: var(--good-ground); color: var(--good); border-color: var(--good); }
.badge.bad { background: var(--bad-ground); color: var(--bad); border-color: var(--bad); }
.badge.warning { background: var(--warning-ground); color: var(--warning); border-color: var(--warning); }
.facts { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; }
.facts div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .9rem; }
.facts dt { color: var(--soft); font-size: .82rem; } .facts dd { font-size: 1.35rem; font-weight: 600; margin: 0; }
.facts .good dd { color: var(--good); } .facts .bad dd { color: var(--bad); } .facts .warning dd { color: var(--warning); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0; padding: .5rem .9rem; }
summary { cursor: pointer; font-weight: 600; }
input[type=search], select { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--ground); color: var(--text); max-width: 100%; }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; margin-top: 2.5rem; }
@media print { body { max-width: none; padding: 0; } details { break-inside: avoid; } thead th { position: static; } }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_a_page_is_escaped() {
        let hostile = "<script>alert(1)</script>\u{202e}";
        let page = Page {
            title: hostile,
            summary: html! { (hostile) },
            body: html! { (badge(Tone::Bad, hostile)) (facts([(hostile, hostile.to_owned(), Tone::Good)])) },
            style: "",
            script: "",
        };
        let page = page.render();
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 6);
        assert_eq!((page.matches("\\u{202e}").count(), page.contains('\u{202e}')), (6, false));
    }
}
