"use strict";
// One network, in a dialog: its picture, curve, seeds, values and the command that exports it.
(() => {
  const dse = (window.dse ??= {});
  const { page, table } = dse;
  const { make, button, facts } = dse.values;
  const HIDDEN = new Set(["index", "error", "state", "reason"]);
  let dialog;

  const percent = (error) => Number.isFinite(error) ? `${(100 * error).toFixed(1)} %` : "–";
  const text = (study, row, name) => {
    const column = study.table.get(name);
    return column ? table.text(column, row) : "";
  };
  const error = (study, row) => study.table.get("error")?.values[row] ?? NaN;

  // What its first training came to.
  const outcome = (study, row) => {
    const state = text(study, row, "state");
    return state === "complete" ? `${percent(error(study, row))} held-out error (first seed)`
      : [state.replaceAll("_", " "), text(study, row, "reason")].filter(Boolean).join(": ");
  };

  const seeds = (study, row, network) => {
    const again = table.about(study.again, network);
    const rows = [
      ["1", text(study, row, "state"), percent(error(study, row))],
      ...again.map((each) =>
        [String(Number(each.replicate) + 1), each.state, percent(Number(each.error))]),
    ].map(([seed, state, shown]) => [seed, state.replaceAll("_", " "), shown]);
    return dse.values.table("Trainings", [["Seed", ""], ["State", "text"], ["Error", ""]], rows);
  };

  const measured = (study, network) => {
    const rows = table.about(study.measurements, network);
    if (!rows.length) return [];
    const names = Object.keys(rows[0]).filter((name) => name !== "index");
    return [
      make("h3", {}, "Measured"),
      dse.values.table("Measurements", names.map((name) => [name.replaceAll("_", " "), "text"]),
        rows.map((each) => names.map((name) => each[name]))),
    ];
  };

  const valuesOf = (study, row) => facts([...study.table.values()]
    .filter(({ name }) => !HIDDEN.has(name))
    .map((column) => [table.heading(column), table.shown(column, row)])
    .filter(([, shown]) => shown !== "–"));

  const picture = (study, row) => {
    const plan = dse.architecture.plan(study, row);
    return plan ? [make("h3", {}, "Stages"), dse.architecture.draw(plan)] : [];
  };

  const command = (study, network) => {
    if (!study.command) return [];
    const shown = `${study.command}${network}`;
    return [
      make("h3", {}, "Export"),
      make("p", { class: "command" }, make("code", {}, shown),
        dse.values.copier("Copy", () => shown)),
    ];
  };

  const curve = (study, row, place) => {
    const y = dse.statistics.curve(study.curves, row).map(
      (each) => Number.isFinite(each) ? 100 * each : null);
    const template = page.value.templates[page.theme()];
    const axis = (title, more) => ({ title: { text: title }, ...more });
    return Plotly.react(place, [{
      x: study.curves.epochs, y, mode: "lines+markers", line: { color: study.colour, width: 2 },
      marker: { size: 5 }, hovertemplate: "epoch %{x}: %{y:.1f} %<extra></extra>",
    }], {
      template, height: 240, margin: { l: 56, r: 10, t: 10, b: 44 }, showlegend: false,
      dragmode: false, xaxis: axis("Epoch", { tickformat: "d" }),
      yaxis: axis("Held-out error [%]", { rangemode: "normal" }),
    }, { responsive: true, displayModeBar: false });
  };

  const open = (name, network) => {
    const study = page.study(name);
    const row = study?.rowOf.get(network);
    if (row === undefined) return;
    dialog ??= document.body.appendChild(make("dialog", { class: "network" }));
    const hasCurve = study.curves && dse.statistics.curve(study.curves, row).some(Number.isFinite);
    const place = make("div", {
      class: "curve", role: "figure",
      "aria-label": `Learning curve of network ${network}: ${outcome(study, row)}.`,
    });
    const title = make("h2", { id: "network-title", tabindex: -1 }, `Network ${network}`);
    const link = page.value.network_page?.replace("{study}", encodeURIComponent(name))
      .replace("{index}", network);
    dialog.setAttribute("aria-labelledby", "network-title");
    dialog.replaceChildren(
      make("div", { class: "bar" }, title,
        button("Close", () => dialog.close(), { class: "close" })),
      make("p", { class: "note" }, `${study.name}. ${outcome(study, row)}.`),
      ...(link ? [make("p", {}, make("a", { href: link }, "Open its page"))] : []),
      make("div", { class: "pair" },
        make("div", {}, picture(study, row)),
        make("div", {},
          ...(hasCurve ? [make("h3", {}, "Learning curve, first seed"), place] : []),
          make("h3", {}, "Trainings"), seeds(study, row, network))),
      ...measured(study, network),
      ...command(study, network),
      make("h3", {}, "Values"), valuesOf(study, row),
    );
    if (!dialog.open) dialog.showModal();
    title.focus();
    if (hasCurve) curve(study, row, place);
  };

  // A button that opens a network.
  const opener = (study, network, shown = String(network)) => button(
    shown, () => open(study.name, network),
    { class: "link", "aria-label": `Open network ${network}` });

  dse.network = { open, opener, percent, outcome, error };
})();
