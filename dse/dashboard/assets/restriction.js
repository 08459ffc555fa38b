"use strict";
// A filter as a narrower design space, in YAML. dse/dashboard/restriction.py is the same in Python,
// and dse/dashboard/slots.py gives what is known of the space.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;
  const { isRange } = dse.filter;

  // Which of plain values a condition keeps: the rules of a column that holds these values.
  const kept = (values, texts, condition) => {
    const areNumbers = values.every((value) => value === null || typeof value === "number");
    const column = areNumbers
      ? { values: values.map((value) => value ?? NaN) }
      : { levels: texts, values: [...values.keys()] };
    const study = { rows: values.length, table: new Map([["", column]]) };
    return dse.filter.mask(study, new Map([["", condition]]));
  };

  const empty = (slot) => new Error(`${slot}: no value of the space would be left.`);

  const between = ({ kind, step, round }, low, high) => low === high ? low : {
    [kind]: [low, high], ...(step === null ? {} : { step }), ...(round === null ? {} : { round }),
  };

  // Every end of ranges, the lower or the higher ones.
  const ends = (ranges, which) => ranges.map((range) => range[which]).filter((end) => end !== null);

  const ofContinuum = (slot, prior, conditions) => {
    if (!conditions.every(isRange)) {
      throw new Error(`${slot}: it is drawn from a continuum; give LOW..HIGH.`);
    }
    const [least, most] = prior.limits;
    const [low, high] = [
      Math.max(least, ...ends(conditions, 0)), Math.min(most, ...ends(conditions, 1)),
    ];
    if (low > high) throw empty(slot);
    const short = (end) => Math.min(Math.max(Number(end.toPrecision(4)), least), most);
    return between(prior, short(low), short(high));
  };

  // A slot's prior with only what the conditions keep; undefined where that is all of it.
  // `asked`: the conditions with the stage that each looks at.
  const narrowed = (slot, prior, asked) => {
    const conditions = asked.map(({ condition }) => condition);
    if (!prior.values) return ofContinuum(slot, prior, conditions);
    const masks = asked.map(({ stage, condition }) => {
      const seen = prior.lists?.map((list) => list[stage - 1] ?? null) ?? prior.values;
      return kept(seen, prior.texts, condition);
    });
    const places = [...prior.values.keys()].filter((k) => masks.every((mask) => mask[k]));
    if (!places.length) throw empty(slot);
    if (places.length === prior.values.length) return undefined;
    if (prior.lists) return places.map((k) => prior.lists[k]);
    const left = places.map((k) => prior.values[k]);
    if (prior.kind !== "choice" && conditions.every(isRange)) {
      return between(prior, Math.min(...left), Math.max(...left));
    }
    return left.length === 1 ? left[0] : { choice: left };
  };

  const isPrior = (data) => typeof data === "object" && data !== null;
  const spellings = {
    choice: ([prior]) => isPrior(prior) ? prior : { choice: [prior] },
    shared: ([prior]) => ({ shared: prior }),
    any_of: ([lists]) => ({ any_of: lists }),
    per_stage: (priors) => ({ per_stage: priors }),
  };

  // `parameters` of a file that extends the space, and a sentence for each condition that a space
  // cannot say. Throws an error with a sentence where no network would be left.
  const restriction = ({ space }, filter = page.filter) => {
    const bySlot = new Map();
    const unsaid = [];
    for (const [name, condition] of filter) {
      const { slot, stage, why } = space.columns[name] ?? {};
      if (slot) bySlot.set(slot, [...(bySlot.get(slot) ?? []), { stage, condition }]);
      else if (why !== "") {
        unsaid.push(why ?? `Not said here: ${name}, as a space says choices alone.`);
      }
    }
    const found = new Map();
    for (const [slot, asked] of bySlot) {
      const prior = narrowed(slot, space.slots[slot], asked);
      if (prior !== undefined) found.set(slot, prior);
    }
    const parameters = {};
    for (const { name, form, slots } of space.parameters) {
      if (!slots.some((slot) => found.has(slot))) continue;
      parameters[name] = spellings[form](slots.map(
        (slot) => found.has(slot) ? found.get(slot) : space.slots[slot].definition));
    }
    return { parameters, unsaid };
  };

  // A comment stays one line, whatever is in a name.
  const comment = (text) => `# ${text.replace(/[\p{C}\p{Z}\s]+/gu, " ").trim()}\n`;

  // Plain data as YAML, which is JSON but for numbers: 1e-7 is a text to many readers, 1.0e-7 none.
  const written = (data) => {
    if (typeof data === "number") return String(data).replace(/^(-?\d+)e/, "$1.0e");
    if (Array.isArray(data)) return `[${data.map(written).join(", ")}]`;
    if (!isPrior(data)) return JSON.stringify(data);
    return `{${Object.entries(data).map(([key, each]) => `${key}: ${written(each)}`).join(", ")}}`;
  };

  // The file of the narrower space.
  const yaml = (study, filter = page.filter) => {
    const { name, hash } = study.space;
    const { parameters, unsaid } = restriction(study, filter);
    if (!Object.keys(parameters).length) {
      throw new Error(`No condition narrows what the space ${name} draws. ${unsaid.join(" ")}`);
    }
    const lines = [
      "format: 1", `name: ${JSON.stringify(`${name.slice(0, 55)}-selected`)}`,
      `extends: ${JSON.stringify(`${name}.yaml`)}`, "parameters:",
      ...Object.entries(parameters).map(([key, data]) => `  ${key}: ${written(data)}`),
    ];
    return [
      `The space ${name} (${hash}) where: ${dse.conditions.all()}.`,
      "`extends` names the file of that space, as seen from this one.", ...unsaid,
    ].map(comment).join("") + lines.map((line) => `${line}\n`).join("");
  };

  dse.restriction = { restriction, yaml };
})();
