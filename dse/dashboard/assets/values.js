"use strict";
// Small pieces of HTML. Text is always text: nothing here reads markup.
(() => {
  const dse = (window.dse ??= {});

  // make("a", { href, class, onclick }, children): an element, its attributes, its content.
  const make = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.flat(Infinity).filter((child) => (child ?? null) !== null));
    return made;
  };

  const button = (text, onclick, attributes = {}) =>
    make("button", { type: "button", onclick, ...attributes }, text);

  // A list of names and values.
  const facts = (pairs) => make("dl", { class: "facts" },
    pairs.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

  // `columns`: [heading, kind] each; `rows`: lists of texts or elements. It scrolls sideways.
  const table = (name, columns, rows) => make(
    "div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name },
    make("table", {},
      make("thead", {}, make("tr", {}, columns.map(
        ([heading, kind, sorted]) => make(
          "th", { scope: "col", class: kind, "aria-sort": sorted }, heading)))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map(
        (cell, k) => make("td", { class: columns[k][1] }, cell)))))));

  const count = (n) => n.toLocaleString("en-US");

  // Text of a file that the browser saves.
  const save = (name, type, text) => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  // Copy a text, also where pages from a disk may not write to the clipboard.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = make("textarea", { readonly: true, class: "aside" }, text);
      (document.querySelector("dialog[open]") ?? document.body).append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };

  // A button that copies and says so for a moment.
  const copier = (text, what) => {
    const made = button(text, async () => {
      made.textContent = await copy(what()) ? "Copied" : "Not copied";
      setTimeout(() => { made.textContent = text; }, 1500);
    });
    return made;
  };

  dse.values = { make, button, facts, table, count, save, copy, copier };
})();
