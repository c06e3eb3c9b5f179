//! How the page looks: on a wide screen, on a narrow one, and on paper (A4 landscape, all columns, everything opened).

use crate::types::{language::Language, texts::matrix_page as texts};

pub(super) const STYLE: &str = r"
:root { --all: #154273; --on-all: #fff; --unit: #d5e3f3; }
@media (prefers-color-scheme: dark) { :root { --all: #8fbcf0; --on-all: #10161c; --unit: #24405e; } }
body { max-width: 120rem; } section > p, details.account > *, .limits pre, .legend { max-width: 78rem; }
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.contents { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; margin: 0 0 1rem; padding: 0; }
.contents a { display: inline-block; min-height: 24px; }
.legend { list-style: none; padding: 0; } .legend li { margin: .3rem 0; }
.letters { columns: 15rem; column-gap: 2rem; list-style: none; margin: .6rem 0; padding: 0; } .letters b { display: inline-block; min-width: 1.4em; }
.name, .groups { color: var(--soft); font-size: .86em; font-weight: 400; } th .name, td > .name { display: block; }
.sign { position: relative; border: 1px solid transparent; border-radius: 3px; display: inline-block; font-weight: 600; letter-spacing: .04em; line-height: 1.25; padding: 0 .25em; }
.sign.all { background: var(--all); color: var(--on-all); } .sign.unit { background: var(--unit); border-color: var(--all); color: var(--text); }
.sign.own { border: 1px dotted var(--text); color: var(--text); }
.tall { max-height: 85vh; overflow: auto; scroll-padding: 10rem 1rem 1rem 12rem; border: 1px solid var(--line); border-radius: 6px; }
.overview { border-collapse: separate; border-spacing: 0; width: auto; }
.overview td { border-left: 1px solid var(--line); height: 1.9rem; min-width: 1.9rem; padding: 0; text-align: center; }
.overview td a { color: inherit; display: flex; flex-wrap: wrap; gap: 1px; justify-content: center; min-height: 24px; min-width: 24px; padding: .15rem; text-decoration: none; }
.overview tbody th { background: var(--ground); left: 0; padding: .2rem .6rem; position: sticky; white-space: nowrap; z-index: 1; }
.overview tbody th a { display: inline-block; min-height: 24px; } .overview tbody th .name { display: inline; margin-left: .5rem; }
.overview th { font-weight: 500; } .overview thead th { vertical-align: bottom; z-index: 2; }
.overview th.corner { left: 0; z-index: 3; } .overview th.record { height: 10rem; padding: .4rem .1rem; }
.overview th.record span { display: inline-block; transform: rotate(180deg); writing-mode: vertical-rl; }
.overview tbody tr:hover > * { background: var(--panel); }
details.account { scroll-margin-top: 1rem; } summary h3 { display: inline; } h4 { font-size: .98rem; margin: 1rem 0 .2rem; }
.authorisations { margin: .6rem 0; width: auto; } table code { font-size: .86em; } .date { white-space: nowrap; }
.rights { border-left: 3px solid var(--line); margin: .3rem 0 .7rem; padding-left: .8rem; } .rights p { margin: .2rem 0; }
.rights ul { margin: .2rem 0; padding-left: 1.1rem; }
.rights pre, .limits pre { margin: .2rem 0 .4rem; padding: .35rem .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
p.limits { color: var(--soft); font-size: .9em; } p.limits a { display: inline-block; min-height: 24px; min-width: 24px; text-align: center; }
.gives { list-style: none; margin: 0; padding: 0; }
tr:target > *, h4:target { background: var(--warning-ground); }
@media (max-width: 700px) {
  body { padding: .8rem; } .overview tbody th .name { display: none; } .tall { scroll-padding-left: 8rem; }
  details { padding: .4rem .6rem; } table { font-size: .86rem; } th, td { padding: .3rem .4rem; }
}
@media print {
  @page { margin: 10mm 9mm 12mm; size: A4 landscape; @bottom-right { content: counter(page) ' / ' counter(pages); font-size: 8pt; } }
  :root { color-scheme: light; --text: #000; --soft: #444; --ground: #fff; --panel: #f4f6f8; --line: #c4c9d0; --all: #154273; --on-all: #fff;
    --unit: #d5e3f3; --good: #12692f; --good-ground: #fff; --bad: #a11a1a; --bad-ground: #fff; --warning: #7a4b00; --warning-ground: #fff; --link: #154273; }
  html { font-size: 8.5pt; } body { font-size: 8.5pt; line-height: 1.3; } h1 { font-size: 17pt; } h2 { font-size: 12.5pt; } h2, h3, h4 { break-after: avoid; }
  .find, .contents { display: none; } a { color: inherit; text-decoration: none; }
  .facts div { padding: .2rem .6rem; } .facts dd { font-size: 11pt; }
  .wide, .tall { border: 0; max-height: none; overflow: visible; } table { font-size: 7.5pt; } tr, .rights { break-inside: avoid; }
  thead { display: table-header-group; } thead th, .overview tbody th, .overview thead th { position: static; }
  section.glance { break-before: page; } .sign, th, .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .overview { border-collapse: collapse; font-size: 5pt; line-height: 1.15; table-layout: fixed; width: 100%; }
  .overview th, .overview td { border: .3pt solid var(--line); } .overview th.corner { width: 25mm; }
  .overview tbody th { overflow: hidden; padding: .3mm .6mm; font-size: 5.5pt; white-space: normal; } .overview tbody th .name { display: block; margin: 0; }
  .overview th.record { height: 26mm; padding: .4mm 0; font-size: 5.5pt; } .overview td { height: auto; min-width: 0; overflow: hidden; }
  .overview tbody th a, .overview td a { min-height: 0; min-width: 0; gap: .2mm 0; padding: .2mm 0; } .overview .sign { border-width: .3pt; letter-spacing: 0; line-height: 1.1; max-width: 100%; overflow-wrap: anywhere; padding: 0 .2mm; }
  details { border: 0; border-top: .5pt solid var(--line); border-radius: 0; break-inside: auto; padding: 1.5mm 0; } summary { list-style: none; break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; }
  section > p, details.account > * { max-width: none; } .cells { columns: 2; column-gap: 8mm; } .cells h4:first-child { margin-top: 0; } pre { border: 0; padding: .2rem .5rem; } p.limits a { min-height: 0; min-width: 0; }
}
";

/// The script, which says how many accounts were found.
pub(super) fn script(language: Language) -> String {
    SCRIPT.replace("FOUND", &texts::found(language, "${count}", "${sections.length}"))
}

const SCRIPT: &str = r"
'use strict';
const find = document.getElementById('find'), found = document.getElementById('found');
const sections = [...document.querySelectorAll('details.account')];
const texts = sections.map(section => section.textContent.toLowerCase());
function show() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  sections.forEach((section, index) => {
    const fits = words.every(word => texts[index].includes(word));
    section.hidden = !fits;
    document.querySelector(`tr[data-account='${section.dataset.account}']`).hidden = !fits;
    if (fits) count += 1;
  });
  found.textContent = words.length ? `FOUND` : '';
}
function open() {
  const target = document.getElementById(location.hash.slice(1));
  const section = target && target.closest('details');
  if (section) { section.open = true; target.scrollIntoView(); }
}
// A browser that cannot open them for paper by style alone has them opened, and closed again.
let closed = [];
addEventListener('beforeprint', () => { closed = [...document.querySelectorAll('details:not([open])')]; closed.forEach(one => { one.open = true; }); });
addEventListener('afterprint', () => { closed.forEach(one => { one.open = false; }); });
find.addEventListener('input', show);
addEventListener('hashchange', open);
open();
";
