"use strict";
// Conditions as people read and give them: chips that can be removed, and a form that adds one
// without a mouse.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;
  const { make, button } = dse.values;
  const MOST_LEVELS = 40;
  const MOST_NAMED = 6;

  const column = (name) => page.studies.map((study) => study.table.get(name)).find(Boolean);

  // Columns that tell networks apart, of all studies.
  const columns = () => {
    const found = new Map();
    for (const { table } of page.studies) {
      for (const [name, each] of table) {
        if (!each.fixed && name !== "reason" && !found.has(name)) found.set(name, each);
      }
    }
    return found;
  };

  const number = (value) => Number(value.toPrecision(6));

  const words = (name, condition) => {
    const known = column(name);
    const called = name === "study" ? "Study" : known?.label ?? name;
    if (dse.filter.isRange(condition)) {
      const [low, high] = condition.map(
        (end) => end === null ? null : number((known?.factor ?? 1) * end));
      const unit = known?.unit ? ` ${known.unit}` : "";
      if (low === null) return `${called} at most ${high}${unit}`;
      if (high === null) return `${called} at least ${low}${unit}`;
      return `${called} ${low} to ${high}${unit}`;
    }
    if (name === "index" && condition.length > MOST_NAMED) {
      return `${dse.values.count(condition.length)} networks by number`;
    }
    const word = (level) => known?.words?.[known.levels.indexOf(level)] ?? level;
    const rest = condition.length > MOST_NAMED ? ", …" : "";
    return `${called} ${condition.slice(0, MOST_NAMED).map(word).join(" or ")}${rest}`;
  };

  const remove = (name, list) => {
    const place = [...page.filter.keys()].indexOf(name);
    page.refine([[name, null]]).then(() => {
      const left = list.querySelectorAll("button"); // the focus goes on to the next one
      (left[Math.min(place, left.length - 1)] ?? list.closest("section, .selection-bar"))?.focus();
    });
  };

  // Fill `list` with one chip a condition.
  const chips = (list) => list.replaceChildren(...[...page.filter].map(([name, condition]) => {
    const said = words(name, condition);
    return make("li", {}, make("button", {
      type: "button", class: "chip", "aria-label": `Remove the condition ${said}`,
      onclick: () => remove(name, list),
    }, said, make("span", { "aria-hidden": "true" }, "×")));
  }));

  // Levels to tick where there are few, else the two ends of a range in the shown unit.
  const fields = (chosen) => {
    if (chosen.levels) {
      return chosen.levels.slice(0, MOST_LEVELS).map((level, k) => make(
        "label", { class: "tick" }, make("input", { type: "checkbox", value: level }),
        ` ${chosen.words?.[k] ?? level}`));
    }
    const end = (called) => make("label", {}, `${called} `, make("input", {
      type: "number", step: "any", name: called, size: 8,
    }));
    return [end("from"), end("to"), make("span", {}, chosen.unit ?? "")];
  };

  const given = (form, chosen) => {
    if (chosen.levels) {
      const ticked = [...form.querySelectorAll("input:checked")].map((input) => input.value);
      return ticked.length ? ticked : null;
    }
    const ends = ["from", "to"].map((name) => {
      const { value } = form.elements[name];
      return value === "" ? null : number(Number(value) / (chosen.factor ?? 1));
    });
    if (ends.every((end) => end === null)) return null;
    return ends.includes(null) ? ends : ends.sort((a, b) => a - b);
  };

  // The form; `said` gets a sentence where nothing was given.
  const form = () => {
    const choices = columns();
    const box = make("fieldset", { class: "ends" });
    const said = make("span", { role: "alert" });
    const select = make("select", { name: "column" }, [...choices].map(
      ([name, each]) => make("option", { value: name }, each.label)));
    const show = () => {
      const chosen = choices.get(select.value);
      box.replaceChildren(make("legend", { class: "aside" }, chosen.label), ...fields(chosen));
    };
    select.addEventListener("change", show);
    const whole = make("form", {
      class: "condition",
      onsubmit: (event) => {
        event.preventDefault();
        const condition = given(whole, choices.get(select.value));
        said.textContent = condition ? "" : "Give a value first.";
        if (condition) page.refine([[select.value, condition]]);
      },
    }, make("label", {}, "Column ", select), box, make("button", { type: "submit" }, "Add"), said);
    if (choices.has("error")) select.value = "error";
    if (choices.size) show();
    return make("details", {}, make("summary", {}, "Add a condition"), whole);
  };

  const all = () => [...page.filter].map(([name, condition]) => words(name, condition)).join("; ");

  dse.conditions = { chips, form, words, all };
})();
