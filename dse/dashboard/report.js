"use strict";
(() => {
  const page = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const config = {
    responsive: true,
    displaylogo: false,
    showTips: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    topojsonURL: "data:,",
  };

  // The page is printed before the browser lays it out for paper, so widths are given for A4.
  const paper = (plot) => (plot.closest(".grid") ? 215 : plot.closest(".pair") ? 330 : 680);

  const draw = (mode, print) => Promise.all(Object.entries(page.figures).map(([id, figure]) => {
    const plot = document.getElementById(id);
    const name = plot.getAttribute("aria-label").replace(/[^A-Za-z0-9]+/g, "_").slice(0, 60);
    const layout = { ...figure.layout, template: page.templates[mode] };
    if (print) layout.width = paper(plot);
    const options = { ...config, toImageButtonOptions: { filename: name, scale: 2 } };
    return Plotly.react(plot, figure.data, layout, options);
  }));
  const show = () => draw(dark.matches ? "dark" : "light").then(() => {
    document.documentElement.dataset.drawn = dark.matches ? "dark" : "light";
  });

  dark.addEventListener("change", show);
  addEventListener("beforeprint", () => draw("light", true));
  addEventListener("afterprint", show);
  show();
})();
