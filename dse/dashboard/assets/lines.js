"use strict";
// Lines of networks in parallel coordinates: those not selected fade, the others stand out.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;
  const FADED = 0.08;
  const plots = new Set();

  const traces = (plot) => page.value.figures[plot.id]?.data.map((trace, number) => [trace, number])
    .filter(([trace]) => trace.meta?.role === "lines") ?? [];

  // The path through those points of a trace whose networks are selected.
  const path = (plot, trace, isSelected) => {
    const { xaxis, yaxis } = plot._fullLayout;
    let d = "", isDown = false;
    for (let point = 0; point < trace.x.length; point += 1) {
      const [x, y] = [trace.x[point], trace.y[point]];
      const isGap = !Number.isFinite(x ?? NaN) || !Number.isFinite(y ?? NaN);
      if (!isGap && isSelected(trace.customdata[point])) {
        d += `${isDown ? "L" : "M"}${xaxis.l2p(x).toFixed(1)},${yaxis.l2p(y).toFixed(1)}`;
      }
      isDown = !isGap;
    }
    return d;
  };

  const mark = (plot) => {
    const groups = new Map([...plot.querySelectorAll(".scatterlayer .trace")].map(
      (group) => [group.__data__?.[0]?.trace?.index, group]));
    for (const [trace, number] of traces(plot)) {
      const group = groups.get(number);
      const lines = group?.querySelector(".lines");
      if (!lines) continue;
      group.querySelector(".selected-lines")?.remove();
      lines.style.opacity = "";
      const place = page.studies.findIndex((study) => study.name === trace.meta.study);
      if (!page.isFiltered() || place < 0) continue;
      lines.style.opacity = FADED;
      const { rowOf } = page.studies[place];
      const d = path(plot, trace, (index) => Boolean(page.masks[place][rowOf.get(index)]));
      const own = lines.querySelector("path")?.cloneNode();
      if (!d || !own) continue;
      own.setAttribute("class", "selected-lines");
      own.setAttribute("d", d);
      lines.after(own);
    }
  };

  // To be called once a plot is drawn; Plotly gives lines their look again whenever it draws them.
  const attach = (plot) => {
    if (!traces(plot).length) return;
    plots.add(plot);
    plot.on("plotly_afterplot", () => mark(plot));
  };
  page.on("selection", () => plots.forEach(
    (plot) => plot.isConnected ? mark(plot) : plots.delete(plot)));

  dse.lines = { attach };
})();
