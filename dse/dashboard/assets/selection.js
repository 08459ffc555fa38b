"use strict";
// The selection: a bar at the foot of the window, and the panel `selection` with its networks.
(() => {
  const dse = (window.dse ??= {});
  const { page, table } = dse;
  const { make, button, count } = dse.values;
  const MOST_ROWS = 200;
  const COSTS = ["flops", "params", "activations"];
  const SHAPES = [["Depths", "depths"], ["Widths", "dims"], ["Kernels", "kernel_sizes"]];
  const shape = new RegExp(`^arch\\.(?:${SHAPES.map(([, name]) => name).join("|")})\\.`);
  const ui = {}; // the elements, made once
  let order = { name: "error", down: false };

  const told = () => {
    const [n, all] = [page.selected(), page.total()];
    return page.isFiltered() ? `${count(n)} of ${count(all)} networks selected`
      : `No selection: all ${count(all)} networks`;
  };

  const clear = () => page.select(new Map()).then(() => ui.panel?.focus());

  const bar = () => {
    ui.count = make("strong", { "aria-hidden": "true" });
    ui.chips = make("ul", { class: "chips", "aria-label": "Conditions of the selection" });
    ui.show = make("a", { href: "#selection" }, "Show");
    ui.bar = make("div", {
      class: "selection-bar", role: "region", "aria-label": "Selection", tabindex: -1, hidden: true,
    }, ui.count, ui.chips, ui.show, button("Clear", clear));
    ui.live = make("p", { class: "aside", role: "status", "aria-live": "polite" });
    document.body.append(ui.bar, ui.live);
  };

  // Every selected row, as [study, row], in the order asked for; what has no value comes last.
  const rows = () => {
    const found = page.studies.flatMap((study, place) =>
      [...page.masks[place].keys()].filter((row) => page.masks[place][row])
        .map((row) => [study, row]));
    const key = ([study, row]) => {
      const column = study.table.get(order.name);
      if (!column) return undefined;
      return column.levels ? column.levels[column.values[row]] : column.values[row];
    };
    const keys = new Map(found.map((each) => [each, key(each)]));
    const missing = (value) => value === undefined || Number.isNaN(value);
    const sign = order.down ? -1 : 1;
    return found.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      return a < b ? -sign : a > b ? sign : 0;
    });
  };

  const sorter = (name, heading) => button(`${heading}`, () => {
    order = { name, down: order.name === name && !order.down };
    draw();
    document.querySelector(`[data-sort="${CSS.escape(name)}"]`)?.focus();
  }, { class: "sort", "data-sort": name });

  // Columns of the table: [heading, style, the cell of a row, the column it is sorted by].
  const columns = () => {
    const known = new Map(page.studies.flatMap((study) => [...study.table])
      .filter(([, column]) => !column.fixed));
    const plain = (name) => [
      table.heading(known.get(name)), known.get(name).levels ? "text" : "",
      (study, row) => study.table.has(name) ? table.shown(study.table.get(name), row) : "–", name,
    ];
    const shapes = SHAPES.filter(([, name]) => known.has(`arch.${name}.1`)
      || page.studies.some((study) => study.table.has(`arch.${name}.1`)));
    const others = [...known.keys()].filter(
      (name) => name.startsWith("arch.") && !shape.test(name));
    const outcome = (study, row) => {
      const error = dse.network.error(study, row);
      return Number.isFinite(error) ? dse.network.percent(error)
        : table.text(study.table.get("state"), row).replaceAll("_", " ");
    };
    return [
      ...(page.studies.length > 1 ? [["Study", "text", (study) => study.name]] : []),
      ["Network", "", (study, row) => dse.network.opener(
        study, study.table.get("index").values[row]), "index"],
      ["Error", "", outcome, "error"],
      ...COSTS.filter((name) => known.has(name)).map(plain),
      ...shapes.map(([heading, name]) => [heading, "text", (study, row) =>
        dse.architecture.joined(dse.architecture.stages(study, row, name))]),
      ...others.map(plain),
    ];
  };

  const networks = () => {
    const found = rows();
    const shown = found.slice(0, MOST_ROWS);
    const all = columns();
    const heads = all.map(([heading, kind, , name]) => [
      name ? sorter(name, heading) : heading, kind,
      name === order.name ? (order.down ? "descending" : "ascending") : null,
    ]);
    const said = found.length > MOST_ROWS
      ? `The first ${MOST_ROWS} of ${count(found.length)} selected networks.`
      : `All ${count(found.length)} selected networks.`;
    return [
      make("h3", {}, "Networks"), make("p", { class: "note" }, said),
      dse.values.table("Selected networks", heads,
        shown.map(([study, row]) => all.map(([, , cell]) => cell(study, row)))),
    ];
  };

  // The best and the worst network of the selection, on one scale.
  const drawings = () => {
    const known = page.studies.flatMap((study, place) => [...page.masks[place].keys()]
      .filter((row) => page.masks[place][row] && Number.isFinite(dse.network.error(study, row)))
      .map((row) => [study, row, dse.network.error(study, row)]));
    if (!known.length) return [];
    const pick = (better) => known.reduce((one, other) => better(other[2], one[2]) ? other : one);
    const found = [["Best", pick((a, b) => a < b)], ["Worst", pick((a, b) => a > b)]]
      .slice(0, known.length)
      .map(([name, [study, row, error]]) => [
        name, study, row, error, dse.architecture.plan(study, row)])
      .filter(([, , , , plan]) => plan);
    if (!found.length) return [];
    const scale = dse.architecture.scale(found.map(([, , , , plan]) => plan));
    return [
      make("h3", {}, page.value.partial ? "The best and the worst of those drawn"
        : "The best and the worst of them"),
      make("div", { class: "pair" }, found.map(([name, study, row, error, plan]) => make("div", {},
        make("p", {}, `${name}: network `,
          dse.network.opener(study, study.table.get("index").values[row]),
          `, ${dse.network.percent(error)} error (first seed)`),
        dse.architecture.draw(plan, scale)))),
    ];
  };

  // The panel's own parts, in the section that the page has for it.
  const fill = (place) => {
    ui.panel = place.closest("section");
    ui.panel.tabIndex = -1;
    ui.told = make("p", { class: "told" });
    ui.listed = make("ul", { class: "chips", "aria-label": "Conditions" });
    ui.tools = make("p", { class: "tools" });
    ui.said = make("p", { class: "note", role: "alert" });
    ui.form = make("div", {});
    ui.found = make("div", { class: "found" });
    place.replaceChildren(ui.told, ui.listed, ui.tools, ui.said, ui.form, ui.found);
    new IntersectionObserver((entries) => {
      ui.isNear = entries.at(-1).isIntersecting;
      if (ui.isNear && ui.isStale) draw();
    }, { rootMargin: "300px" }).observe(place);
    new IntersectionObserver((entries) => { // the bar says no more than the panel's head
      ui.isRead = entries.at(-1).isIntersecting;
      ui.bar.hidden = ui.isRead || !page.isFiltered();
    }).observe(ui.listed);
  };

  const space = (study) => {
    try {
      dse.values.save("selection.yaml", "application/yaml", dse.restriction.yaml(study));
      ui.said.textContent = "";
    } catch (error) {
      ui.said.textContent = error.message;
    }
  };

  const tools = () => [
    dse.values.copier("Copy link", dse.exports.link),
    ...(page.files ? page.files() : saved()),
    button("Clear", clear),
  ];

  // Files that the browser makes itself; an app has `page.files`, links to those of its server.
  const saved = () => {
    const csv = () => dse.values.save("selection.csv", "text/csv", dse.exports.csv());
    const spaces = page.studies.filter((study, place) => study.space && page.answers[place].n);
    return [
      button("Save as CSV", csv),
      ...spaces.map((study) => button(
        spaces.length > 1 ? `Save as space (${study.name})` : "Save as space (YAML)",
        () => space(study))),
    ];
  };

  const draw = () => {
    ui.isStale = false;
    const table = page.value.has_table ? () => [] : networks; // an app has a table of its own
    ui.found.replaceChildren(...(page.isFiltered() ? [...table(), ...drawings()] : []));
  };

  const update = () => {
    const isOn = page.isFiltered();
    ui.bar.hidden = !isOn || Boolean(ui.panel && ui.isRead);
    document.body.classList.toggle("selecting", isOn);
    ui.live.textContent = told();
    ui.count.textContent = told();
    dse.conditions.chips(ui.chips);
    if (!ui.panel) return;
    ui.told.textContent = told();
    dse.conditions.chips(ui.listed);
    ui.tools.hidden = !isOn;
    ui.said.textContent = "";
    ui.tools.replaceChildren(...tools());
    ui.isStale = true;
    if (ui.isNear || !isOn) draw();
  };

  page.on("value", () => {
    if (!page.studies.length) return;
    if (!ui.bar) bar();
    const place = document.querySelector("[data-part=selection]");
    if (place && !place.contains(ui.told)) fill(place);
    if (!place) ui.panel = null;
    ui.show.hidden = !ui.panel;
    ui.form?.replaceChildren(dse.conditions.form());
  });
  page.on("selection", () => ui.bar && update());
  addEventListener("beforeprint", () => ui.panel && draw());
})();
