"use strict";
// Puts a page's sections into the document, and new ones in place of old ones without losing what
// is drawn in them.
(() => {
  const dse = (window.dse ??= {});
  const shown = new Map(); // by id, the HTML of each section

  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html; // made by dse/dashboard/markup.py, which shows every name as text
    return [...template.content.children];
  };

  // The new section with the figures that the old one has drawn.
  const kept = (section, old) => {
    for (const place of section.querySelectorAll(".plot[id]")) {
      const drawn = old.querySelector(`#${CSS.escape(place.id)}`);
      if (!drawn) continue;
      for (const name of ["aria-label", "style"]) {
        drawn.setAttribute(name, place.getAttribute(name));
      }
      place.replaceWith(drawn);
    }
    return section;
  };

  const put = (main, html) => {
    const sections = parsed(html).map((section) => {
      const written = section.outerHTML;
      const old = document.getElementById(section.id);
      const same = old && shown.get(section.id) === written;
      shown.set(section.id, written);
      return same ? old : old ? kept(section, old) : section;
    });
    const stays = new Set(sections);
    for (const old of [...main.children]) if (!stays.has(old)) old.remove();
    // One by one: what is taken out and put back is scrolled to its start, with all inside.
    sections.forEach((section, k) => {
      if (main.children[k] !== section) main.insertBefore(section, main.children[k] ?? null);
    });
  };

  dse.sections = { put };
})();
