"use strict";
// Draws figures when they come into view, in the light or the dark theme, and for paper.
(() => {
  const dse = (window.dse ??= {});
  const { page, marks } = dse;
  const MARGIN = "300px"; // figures that are about to come into view are drawn, too
  const places = new Map(); // by id: { plot, isNear, isDrawn, isStale, isFaded }

  const icon = (text) => ({
    svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 16" height="1em">'
      + '<text x="15" y="13" text-anchor="middle" font-family="system-ui, sans-serif" '
      + `font-size="13" font-weight="600">${text}</text></svg>`,
  });
  const saving = (format) => ({
    name: format,
    title: `Save as ${format.toUpperCase()}`,
    icon: icon(format.toUpperCase()),
    click: (plot) => Plotly.downloadImage(plot, {
      format, filename: plot.id.replace(/^plot-/, ""), scale: format === "png" ? 2 : 1,
      width: plot.clientWidth, height: plot._fullLayout.height,
    }),
  });

  const isBrushed = (figure) => page.studies.length > 0 && Boolean(figure.layout.meta?.brush);
  const hasNetworks = (figure) => figure.data.some((trace) => trace.meta?.role === "networks");

  const config = (figure) => {
    const tools = [];
    if (page.studies.length && (isBrushed(figure) || hasNetworks(figure))) tools.push("select2d");
    if (page.studies.length && hasNetworks(figure)) tools.push("lasso2d");
    if (figure.layout.dragmode !== false) tools.push("zoom2d", "resetScale2d");
    return {
      responsive: true,
      displaylogo: false,
      displayModeBar: figure.layout.showlegend === false ? "hover" : true,
      showTips: false,
      doubleClick: isBrushed(figure) ? false : "reset+autosize",
      modeBarButtons: [...(tools.length ? [tools] : []), [saving("png"), saving("svg")]],
      topojsonURL: "data:,",
    };
  };

  // The page is printed before the browser lays it out for paper, so widths are given for A4.
  const paper = (plot) => plot.closest(".grid") ? 215 : plot.closest(".pair") ? 330 : 680;
  // Fingers scroll the page, over figures too; they brush when the figure's button says so.
  const isTouched = matchMedia("(pointer: coarse)").matches;

  const layout = (figure, print, plot) => {
    const own = structuredClone(figure.layout);
    own.template = page.value.templates[print ? "light" : page.theme()];
    own.shapes = [...(own.shapes ?? []), ...marks.shapes(figure)];
    own.selections = [];
    own.selectionrevision = 0; // what is selected is the page's to say
    own.uirevision = plot.id; // zoom, legend and mode stay as people have set them
    if (isTouched || (own.dragmode === "select" && !isBrushed(figure))) own.dragmode = false;
    if (print) own.width = paper(plot);
    return own;
  };

  const draw = (place, print = false) => {
    const { plot, isDrawn } = place;
    const figure = page.value.figures[plot.id];
    place.config ??= config(figure); // a new one would begin the plot anew
    Object.assign(place, { isDrawn: true, isStale: false, isMarked: true });
    const data = [...figure.data.map((trace) => ({ ...trace })), ...marks.added(figure)];
    const done = Plotly.react(plot, data, layout(figure, print, plot), place.config);
    if (!isDrawn) {
      dse.brush.attach(plot);
      // Plotly gives points their full colour again whenever it draws them.
      plot.on("plotly_afterplot", () => marks.fade(plot, page.value.figures[plot.id]));
    }
    plot.querySelectorAll(".main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true"));
    return done;
  };

  const refresh = (place) => {
    if (!place.isDrawn || place.isStale) return draw(place);
    if (place.isMarked) return undefined;
    place.isMarked = true;
    return marks.mark(place.plot, page.value.figures[place.plot.id]) ? undefined : draw(place);
  };

  // One after the other: the browser shows the first before the next is made.
  const all = async (part) => {
    for (const place of [...places.values()].filter(part)) {
      const isNew = !place.isDrawn;
      await refresh(place);
      if (isNew) await new Promise((done) => setTimeout(done, 0));
    }
  };

  const inView = () => all((place) => place.isNear).then(() => {
    document.documentElement.dataset.drawn = page.theme();
  });

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) places.get(entry.target.id).isNear = entry.isIntersecting;
    inView();
  }, { rootMargin: MARGIN });

  // Find the page's figures, anew after its sections have changed; what is drawn stays.
  const gather = () => {
    const old = new Map(places);
    places.clear();
    for (const plot of document.querySelectorAll(".plot")) {
      if (!page.value.figures[plot.id]) continue;
      const known = old.get(plot.id);
      places.set(plot.id, known?.plot === plot ? known : { plot, isNear: false });
      observer.observe(plot);
    }
    for (const [id, { plot }] of old) if (places.get(id)?.plot !== plot) observer.unobserve(plot);
    redraw();
  };

  const redraw = () => {
    for (const place of places.values()) place.isStale = true;
    return inView();
  };

  page.on("value", gather);
  page.on("theme", redraw);
  page.on("selection", () => {
    for (const place of places.values()) place.isMarked = false;
    return inView();
  });
  addEventListener("beforeprint", () => places.forEach((place) => draw(place, true)));
  addEventListener("afterprint", redraw);

  // Draw every figure, also those that nobody has looked at.
  dse.figures = { all: () => all(() => true) };
})();
