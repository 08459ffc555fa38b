"use strict";
// What a selection adds to a figure: its own EDF and curves, and points that fade.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;
  const FADED = 0.12;

  const ink = () => page.value.templates[page.theme()].layout.font.color;
  const faint = (opacity) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(ink().slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},${opacity})`;
  };
  const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  const count = (n) => n.toLocaleString("en-US");

  // The places of points whose networks are selected.
  const chosen = (trace, place) => {
    const { rowOf } = page.studies[place];
    const mask = page.masks[place];
    const found = [];
    trace.customdata.forEach((data, point) => {
      const row = rowOf.get(Array.isArray(data) ? Number(data[0]) : data);
      if (row !== undefined && mask[row]) found.push(point);
    });
    return found;
  };

  const DASHES = ["solid", "dash", "dot", "dashdot"];

  const name = (place, n) => {
    const study = page.studies.length > 1 ? `${escaped(page.studies[place].name)}: ` : "";
    return `${study}selected, n = ${count(n)}`;
  };

  const line = (place, style) => ({
    mode: "lines", line: { color: ink(), dash: DASHES[place % DASHES.length], ...style },
  });

  // The selection's EDF, from edge to edge; with its band where the error itself was not asked
  // for, as the band is about networks that were chosen by other things.
  const edf = (place, figure) => {
    const found = page.answers[place].edf;
    if (!found) return [];
    const factor = figure.layout.meta?.brush?.x?.factor ?? 100;
    const ends = figure.layout.xaxis.range;
    const x = [ends[0], ...found.x.map((error) => factor * error), ends[1]];
    const steps = (shift, before) => {
      const levels = found.y.map((share) => Math.min(Math.max(share + shift, 0), 1));
      return [before, ...levels, levels.at(-1) ?? before].map((share) => 100 * share);
    };
    const plain = { x, hoverinfo: "skip", showlegend: false };
    const shape = { shape: "hv" };
    const bands = page.filter.has("error") ? [] : [
      { ...plain, ...line(place, { ...shape, width: 0 }), y: steps(-found.half, 0) },
      {
        ...plain, ...line(place, { ...shape, width: 0 }),
        y: steps(found.half, Math.min(found.half, 1)),
        fill: "tonexty", fillcolor: faint(0.13), showlegend: true,
        name: "95 % simultaneous band (DKW)",
      },
    ];
    return [...bands, {
      x, y: steps(0, 0), ...line(place, { ...shape, width: 2.5 }), name: name(place, found.n),
      hovertemplate: "%{y:.0f} % of the selected up to %{x:.1f} % error<extra></extra>",
    }];
  };

  const curves = (place) => {
    const { median, curves: single, n } = page.answers[place];
    if (!median) return [];
    const x = page.studies[place].curves.epochs;
    const y = (errors) => errors.map((error) => Number.isFinite(error) ? 100 * error : null);
    const thin = single.flatMap((errors) => [...y(errors), null]); // one line with gaps
    const drawn = single.length < n ? `${single.length} of the selected` : "each of the selected";
    return [
      {
        x: single.flatMap(() => [...x, null]), y: thin, ...line(place, { width: 1 }),
        opacity: 0.28, hoverinfo: "skip", name: drawn,
      },
      {
        x, y: y(median), ...line(place, { width: 3 }), name: `median of ${name(place, n)}`,
        hovertemplate: "epoch %{x}: %{y:.1f} % median of the selected<extra></extra>",
      },
    ];
  };

  const made = { edf, curves };

  // Traces that a figure shows beside its own.
  const added = (figure) => !page.isFiltered() ? [] : figure.data.flatMap((trace) => {
    const place = page.studies.findIndex((study) => study.name === trace.meta?.study);
    return place >= 0 && made[trace.meta.role] ? made[trace.meta.role](place, figure) : [];
  });

  // Where the selection lies, on a figure without points that has nothing else to show it by.
  const shapes = (figure) => {
    const brush = figure.layout.meta?.brush;
    if (figure.data.some((trace) => trace.meta?.role === "networks")) return [];
    const condition = brush?.x && !brush.y && page.filter.get(brush.x.column);
    if (!condition || !dse.filter.isRange(condition) || !brush.x.factor) return [];
    const ends = figure.layout.xaxis.range;
    const [x0, x1] = condition.map((end, k) => end === null ? ends[k] : brush.x.factor * end);
    return [{
      type: "rect", xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, layer: "below",
      line: { width: 0 }, fillcolor: faint(0.07),
    }];
  };

  // Fade the points of networks that are not selected. Plotly would make the whole figure anew
  // for this, a hundred times as long; what it draws next, it draws by `selectedpoints`.
  // The other traces get back what Plotly's own selection took from them.
  const fade = (plot, figure) => {
    const groups = new Map([...plot.querySelectorAll(".scatterlayer .trace")].map(
      (group) => [group.__data__?.[0]?.trace?.index, group]));
    figure.data.forEach((trace, number) => {
      const place = trace.meta?.role === "networks" && page.isFiltered()
        ? page.studies.findIndex((study) => study.name === trace.meta.study) : -1;
      const points = place < 0 ? undefined : chosen(trace, place);
      const kept = points && new Set(points);
      const drawn = plot.data?.[number];
      if (drawn) {
        drawn.selectedpoints = points;
        drawn.unselected = { marker: { opacity: FADED } };
      }
      const full = (point) => trace.marker?.opacity?.[point] ?? trace.marker?.opacity ?? 1;
      for (const mark of groups.get(number)?.querySelectorAll(".point") ?? []) {
        const point = mark.__data__.i;
        mark.style.opacity = !kept || kept.has(point) ? full(point) : FADED;
      }
    });
  };

  // Show the selection in a figure that is drawn already, with as little work as may be; false
  // where the figure has to be drawn anew.
  const mark = (plot, figure) => {
    if (figure.data.some((trace) => made[trace.meta?.role])) return false;
    const own = figure.layout.shapes ?? [];
    const more = shapes(figure);
    if (more.length || plot.layout.shapes?.length !== own.length) {
      Plotly.relayout(plot, { shapes: [...own, ...more] });
    }
    fade(plot, figure);
    return true;
  };

  dse.marks = { added, shapes, fade, mark, count };
})();
