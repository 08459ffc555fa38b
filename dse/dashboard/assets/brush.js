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

  // Levels whose places lie inside: 0, 1, ... but where the axis has places of its own.
  const levels = ({ levels: every, places }, [low, high]) => {
    const inside = every.filter((_, k) => (places?.[k] ?? k) >= low && (places?.[k] ?? k) <= high);
    return inside.length && inside.length < every.length ? inside : null;
  };

  // From the least to the largest number of groups of these; null is of networks without one.
  const groups = (ranges, [low, high]) => {
    const inside = ranges.filter((_, place) => place >= low && place <= high);
    if (!inside.length || inside.length === ranges.length) return null;
    const ends = inside.filter(Boolean).flat();
    return ends.length ? [Math.min(...ends), Math.max(...ends)] : ["none"];
  };

  // What a box says of a row of parallel coordinates, on which numbers lie from 0 to 1.
  const row = (axis, range) => {
    if (axis.levels) return levels(axis, range);
    const { from, to } = axis;
    const stored = (place) => axis.log ? from * (to / from) ** place : from + place * (to - from);
    const [low, high] = range.map((place) => rounded(
      stored(place), (axis.log ? stored(place) : to - from) / 500));
    const ends = [range[0] < 0.004 ? null : low, range[1] > 0.996 ? null : high];
    return ends.every((end) => end === null) ? null : ends;
  };

  // What a box says of one axis; an end at the figure's edge is open, as nothing lies beyond it.
  const condition = (axis, range, full) => {
    if (axis.levels) return levels(axis, range);
    if (axis.ranges) return groups(axis.ranges, range);
    const shown = full.range.map((end) => full.type === "log" ? 10 ** end : end);
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const near = (a, b) => full.type === "log"
      ? Math.abs(Math.log(a / b)) < 0.004 * Math.log(high / low)
      : Math.abs(a - b) < 0.004 * (high - low);
    const step = (end) => (full.type === "log" ? end : high - low) / axis.factor / 500;
    const stored = (end) => rounded(end / axis.factor, step(end));
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
    if (!["networks", "lines"].includes(meta?.role)) return undefined;
    const data = point.customdata;
    return { study: meta.study, index: Number(Array.isArray(data) ? data[0] : data) };
  };

  const boxed = (plot, { x, y }) => {
    const { brush } = page.value.figures[plot.id].layout.meta ?? {};
    if (brush?.rows) {
      const [[left, right], [top, bottom]] = [x, y].map((ends) => [...ends].sort((a, b) => a - b));
      return brush.rows.map((axis, k) => [axis, k])
        .filter(([, k]) => k <= bottom && k + brush.strip >= top)
        .map(([axis]) => [axis.column, row(axis, [left, right])]);
    }
    return [["x", x], ["y", y]].filter(([name, range]) => brush?.[name] && range).map(
      ([name, range]) => [brush[name].column,
        condition(brush[name], [...range].sort((a, b) => a - b), plot._fullLayout[`${name}axis`])]);
  };

  // The figure stays under the mouse, though the panel of the selection above it may grow.
  const steadily = async (plot, conditions) => {
    const top = () => plot.getBoundingClientRect().top;
    const before = top();
    await page.refine(conditions);
    scrollBy({ top: top() - before, behavior: "instant" });
  };

  const selected = (plot) => (event) => {
    if (!event) return;
    const box = event.range ? boxed(plot, event.range) : [];
    const conditions = box.length ? box : networks(plot, event.points);
    Plotly.relayout(plot, { selections: [] }); // the filter is shown in its place
    if (conditions.length) steadily(plot, conditions);
  };

  // A double click takes back what the figure can say.
  const cleared = (plot) => () => {
    const { brush = {} } = page.value.figures[plot.id].layout.meta ?? {};
    const axes = brush.rows ?? Object.values(brush);
    const columns = [...axes.map((axis) => axis.column), "index"];
    const set = columns.filter((column) => page.filter.has(column));
    if (set.length) steadily(plot, set.map((column) => [column, null]));
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
    dse.lines.attach(plot);
  };

  dse.brush = { attach, condition };
})();
