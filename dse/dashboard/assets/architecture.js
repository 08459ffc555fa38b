"use strict";
// A network as a picture: its blocks in a row a stage, as long as deep, as tall as wide.
(() => {
  const dse = (window.dse ??= {});
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 330;
  const [TEXT, BAR, SPACE, GAP] = [20, 40, 10, 0.12];

  // What the columns `arch.NAME.1`, `arch.NAME.2`, ... of a row hold, stage by stage. A stage
  // whose blocks differ has a list.
  const stages = (study, row, name) => {
    const found = [];
    for (const [column, { values, levels }] of study.table) {
      const [, base, stage, block] = /^arch\.(.+?)\.(\d+)(?:\.(\d+))?$/.exec(column) ?? [];
      if (base !== name) continue;
      const value = levels ? levels[values[row]] : values[row];
      if (value === "none" || Number.isNaN(value)) continue;
      if (block) (found[stage - 1] ??= []).push(value);
      else found[stage - 1] = value;
    }
    return found;
  };

  // 3-3-9-3; a stage that has several values has them as 7/5/7.
  const joined = (values) => values.map((value) => [value].flat().join("/")).join("-");

  const plan = (study, row) => {
    const [depths, dims, kernels] = ["depths", "dims", "kernel_sizes"].map(
      (name) => stages(study, row, name));
    if (!depths.length || depths.length !== dims.length) return null;
    const value = (name) => {
      const column = study.table.get(`arch.${name}`);
      return column ? dse.table.shown(column, row) : null;
    };
    return { depths, dims, kernels, stem: value("stem"), stemWidth: Number(value("stem_width")) };
  };

  const element = (name, attributes, text = "") => {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, each]) => made.setAttribute(key, each));
    made.textContent = text;
    return made;
  };

  const lines = ({ depths, dims, kernels, stem }) => {
    const kernel = (value) => value === undefined ? ""
      : Array.isArray(value) ? `, kernels ${value.join("/")}` : `, kernel ${value}×${value}`;
    return [
      `Stem${stem ? `: ${stem}` : ""}`,
      ...depths.map((depth, stage) =>
        `Stage ${stage + 1}: ${depth} × ${dims[stage]}${kernel(kernels[stage])}`),
    ];
  };

  // The picture of a plan, on the scale of `longest` blocks and `widest` channels so that several
  // can be compared.
  const draw = (shown, { longest, widest } = scale([shown])) => {
    const rows = [
      [1, shown.stemWidth || shown.dims[0], "stem"],
      ...shown.depths.map((depth, stage) => [depth, shown.dims[stage], "stage"]),
    ];
    const texts = lines(shown);
    const picture = element("svg", { class: "architecture", role: "img" });
    picture.setAttribute("aria-label", `${texts.join("; ")}.`);
    let y = 0;
    rows.forEach(([depth, width, kind], k) => {
      picture.append(element("text", { x: 0, y: y + TEXT - 6 }, texts[k]));
      const tall = Math.max((BAR * width) / widest, 2);
      const step = WIDTH / longest;
      for (let block = 0; block < depth; block += 1) {
        picture.append(element("rect", {
          class: kind, x: block * step, y: y + TEXT, width: step * (1 - GAP), height: tall,
        }));
      }
      y += TEXT + tall + SPACE;
    });
    picture.setAttribute("viewBox", `0 0 ${WIDTH} ${Math.ceil(y)}`);
    return picture;
  };

  const scale = (plans) => ({
    longest: Math.max(...plans.flatMap(({ depths }) => depths)),
    widest: Math.max(...plans.flatMap(({ dims, stemWidth }) => [...dims, stemWidth || 0])),
  });

  dse.architecture = { plan, draw, scale, stages, joined };
})();
