"use strict";
// Begins a page: its value, the filter in its address, and links within it.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;

  // The filter that the address says; null where it says none, as one of a link within the page.
  const addressed = () => {
    const text = location.hash.slice(1);
    if (text && !text.includes("=")) return null;
    try {
      return dse.filter.parse(text);
    } catch {
      return new Map(); // a mistyped filter is none
    }
  };

  const write = () => {
    const text = dse.filter.format(page.filter);
    if (location.hash.slice(1) === text || (!text && addressed() === null)) return;
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  // Links within the page lead to their place, but leave the filter in the address.
  const follow = (event) => {
    const link = event.target.closest?.("a[href^='#']");
    const place = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!place) return;
    event.preventDefault();
    place.scrollIntoView();
    if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };

  // Show a value, the first time or anew: the filter, what is drawn and the place in the page
  // stay. `main` is where its sections go; a report has them already.
  dse.start = (value, main) => {
    if (main) dse.sections.put(main, value.sections);
    return page.show(value);
  };

  document.addEventListener("click", follow);
  addEventListener("hashchange", () => {
    const filter = addressed();
    if (filter) page.select(filter);
  });
  page.on("selection", write);

  page.filter = addressed() ?? new Map();
  const embedded = document.getElementById("page-value");
  if (embedded) dse.table.unpacked(embedded.textContent.trim()).then((value) => dse.start(value));
})();
