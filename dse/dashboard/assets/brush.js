"use strict";
// From a box, a lasso or a click on a figure to conditions on the networks.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;

  // A number as short as half a pixel allows: ends of ranges are read and shared by people.
  const rounded = (number, step) => {
    const power = Math.floor(Math.log10(Math.abs(step)));
    return Number.isFinite(power) ? Number(number.toFixed(Math.min(Math.max(-power, 0), 20)))
      : number;
  };

  // What a box says of one axis; an end at the figure's edge is open, as nothing lies beyond it.
  const condition = (axis, range, full) => {
    if (axis.levels) {
      const inside = axis.levels.filter((_, place) => place >= range[0] && place <= range[1]);
      return inside.length && inside.length < axis.levels.length ? inside : null;
    }
    const shown = full.range.map((end) => full.type === "log" ? 10 ** end : end);
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const near = (a, b) => full.type === "log"
      ? Math.abs(Math.log(a / b)) < 0.004 * Math.log(high / low)
      : Math.abs(a - b) < 0.004 * (high - low);
    const stored = (end) => rounded(
      end / axis.factor, (full.type === "log" ? end / axis.factor : (high - low) / axis.factor) / 500);
    const ends = [
      near(range[0], low) ? null : stored(range[0]), near(range[1], high) ? null : stored(range[1]),
    ];
    return ends.every((end) => end === null) ? null : ends;
  };

  // Networks one by one, of the study that has most of them: an index says nothing in another.
  const networks = (plot, points) => {
    const byStudy = new Map();
    for (const point of points ?? []) {
      const { study, index } = network(plot, point) ?? {};
      if (study) byStudy.set(study, (byStudy.get(study) ?? new Set()).add(String(index)));
    }
    const [study, found] = [...byStudy].sort((a, b) => b[1].size - a[1].size)[0] ?? [];
    if (!found) return [];
    const several = page.studies.length > 1;
    return [["index", [...found]], ...(several ? [["study", [study]]] : [])];
  };

  const network = (plot, point) => {
    const { meta } = page.value.figures[plot.id].data[point.curveNumber] ?? {};
    if (meta?.role !== "networks") return undefined;
    const data = point.customdata;
    return { study: meta.study, index: Number(Array.isArray(data) ? data[0] : data) };
  };

  const boxed = (plot, { x, y }) => {
    const { brush } = page.value.figures[plot.id].layout.meta ?? {};
    return [["x", x], ["y", y]].filter(([name, range]) => brush?.[name] && range).map(
      ([name, range]) => [brush[name].column,
        condition(brush[name], [...range].sort((a, b) => a - b), plot._fullLayout[`${name}axis`])]);
  };

  const selected = (plot) => (event) => {
    if (!event) return;
    const box = event.range ? boxed(plot, event.range) : [];
    const conditions = box.length ? box : networks(plot, event.points);
    Plotly.relayout(plot, { selections: [] }); // the filter is shown in its place
    if (conditions.length) page.refine(conditions);
  };

  // A double click takes back what the figure can say.
  const cleared = (plot) => () => {
    const { brush = {} } = page.value.figures[plot.id].layout.meta ?? {};
    const columns = [...Object.values(brush).map((axis) => axis.column), "index"];
    const set = columns.filter((column) => page.filter.has(column));
    if (set.length) page.refine(set.map((column) => [column, null]));
  };

  const clicked = (plot) => ({ points }) => {
    const found = points.map((point) => network(plot, point)).find(Boolean);
    if (found) dse.network.open(found.study, found.index);
  };

  const attach = (plot) => {
    if (!page.studies.length) return;
    plot.on("plotly_selected", selected(plot));
    plot.on("plotly_deselect", cleared(plot));
    plot.on("plotly_click", clicked(plot));
  };

  dse.brush = { attach, condition };
})();
