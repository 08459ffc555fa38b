"use strict";
// What the page is about: its value, the filter, the theme, and who wants to know of changes.
(() => {
  const dse = (window.dse ??= {});
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const listeners = { selection: [], theme: [], value: [] };
  let asked = 0;

  const page = dse.page = {
    value: { figures: {}, templates: {}, studies: [] },
    studies: [],
    filter: new Map(),
    masks: [], // by study, which rows are selected
    answers: [], // by study, what is said of them
    on: (what, listener) => listeners[what].push(listener),
    study: (name) => page.studies.find((study) => study.name === name),
    isFiltered: () => page.filter.size > 0,
    total: () => page.studies.reduce((sum, study) => sum + study.networks, 0),
    selected: () => page.answers.reduce((sum, answer) => sum + answer.n, 0),
  };
  const tell = (what) => listeners[what].forEach((listener) => listener());

  // What is known of a selection, by study. An app whose pages hold only a part of the networks
  // puts a function in its place that asks its server and returns a promise of the same.
  page.ask = (filter, masks) => page.studies.map(
    (study, place) => dse.statistics.answer(study, masks[place]));

  // Make `filter` the page's. Only the last of several questions under way is heard.
  page.select = async (filter, ...changed) => {
    asked += 1;
    const mine = asked;
    const masks = page.studies.map((study) => dse.filter.mask(study, filter));
    let answers = filter.size ? page.ask(filter, masks)
      : page.studies.map((study) => ({ n: study.networks }));
    if (answers instanceof Promise) answers = await answers;
    if (mine !== asked) return;
    Object.assign(page, { filter, masks, answers });
    [...changed, "selection"].forEach(tell);
  };

  // Conditions that take the place of those on the same columns; null takes one away.
  page.refine = (conditions) => {
    const filter = new Map(page.filter);
    for (const [name, condition] of conditions) {
      if (condition === null) filter.delete(name);
      else filter.set(name, condition);
    }
    return page.select(filter);
  };

  page.show = (value) => {
    page.value = { ...value, figures: dse.table.decoded(value.figures) };
    page.studies = value.studies.map(dse.table.study);
    return page.select(page.filter, "value");
  };

  // "light", "dark", or "" to follow the system.
  page.theme = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  page.setTheme = (theme) => {
    document.documentElement.dataset.theme = theme;
    tell("theme");
  };
  dark.addEventListener("change", () => tell("theme"));
})();
