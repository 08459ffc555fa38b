"use strict";
// Filters: conditions on columns, as an address says them. dse/dashboard/filters.py is the same in
// Python, and tests/dashboard/filters.json holds what both must do.
// A condition is [low, high] in stored units (null: open) or a list of levels as text.
(() => {
  const dse = (window.dse ??= {});
  const NUMBER = "-?\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?";
  const ONE = new RegExp(`^${NUMBER}$`);
  const RANGE = new RegExp(`^(${NUMBER})?\\.\\.(${NUMBER})?$`);
  const CLOSENESS = 1e-7; // ends of ranges are met to this share of them

  const isRange = (condition) => condition.length === 2 && condition.every(
    (end) => end === null || typeof end === "number");

  const parse = (address) => {
    const filter = new Map();
    for (const part of address.split("&").filter(Boolean)) {
      const at = part.indexOf("=");
      if (at < 1) throw new Error(`${part}: give COLUMN=VALUE.`);
      const name = decodeURIComponent(part.slice(0, at));
      if (filter.has(name)) throw new Error(`${name}: is there twice.`);
      filter.set(name, read(name, decodeURIComponent(part.slice(at + 1))));
    }
    return filter;
  };

  const read = (name, value) => {
    if (!value.includes("..")) return [...new Set(value.split(",").map(decodeURIComponent))];
    const found = RANGE.exec(value);
    if (!found || value === "..") throw new Error(`${name}: ${value} is no range.`);
    const ends = [found[1], found[2]].map((end) => end === undefined ? null : Number(end));
    if (ends.some((end) => end !== null && !Number.isFinite(end))) {
      throw new Error(`${name}: an end is no finite number.`);
    }
    if (ends.every((end) => end !== null) && ends[0] > ends[1]) {
      throw new Error(`${name}: goes from the lower end to the higher one.`);
    }
    return ends;
  };

  const written = (condition) => isRange(condition)
    ? condition.map((end) => end === null ? "" : String(end === 0 ? 0 : end)).join("..")
    : condition.map((level) => level.replaceAll("%", "%25").replaceAll(",", "%2C")
      .replaceAll("..", "%2E%2E")).join(",");

  const format = (filter) => [...filter].map(([name, condition]) =>
    `${encodeURIComponent(name)}=${encodeURIComponent(written(condition)).replaceAll("%2C", ",")}`,
  ).join("&");

  // Which rows of a study meet every condition, as 0 and 1.
  const mask = (study, filter) => {
    const found = new Uint8Array(study.rows).fill(1);
    for (const [name, condition] of filter) {
      if (name === "study") {
        if (isRange(condition) || !condition.includes(study.name)) found.fill(0);
      } else {
        keep(found, study.table.get(name), condition);
      }
    }
    return found;
  };

  const keep = (found, column, condition) => {
    const holds = !column ? () => !isRange(condition) && condition.includes("none")
      : column.levels ? levelsHold(column, condition)
      : isRange(condition) ? rangeHolds(column, condition)
      : numbersHold(column, condition);
    for (let row = 0; row < found.length; row += 1) {
      if (found[row] && !holds(row)) found[row] = 0;
    }
  };

  // NaN lies in no range, and infinity in those without an upper end.
  const rangeHolds = ({ values }, [low, high]) => {
    const least = low === null ? -Infinity : low - CLOSENESS * Math.abs(low);
    const most = high === null ? Infinity : high + CLOSENESS * Math.abs(high);
    return (row) => values[row] >= least && values[row] <= most;
  };

  const levelsHold = ({ values, levels }, condition) => {
    if (isRange(condition)) return () => false;
    const wanted = new Set(condition);
    const kept = levels.map((level) => wanted.has(level));
    return (row) => kept[values[row]];
  };

  const numbersHold = ({ values }, condition) => {
    const wanted = new Set(condition.filter((text) => ONE.test(text)).map(Number));
    const holdsNone = condition.includes("none");
    return (row) => {
      const value = values[row];
      if (Number.isNaN(value)) return holdsNone;
      return Number.isFinite(value)
        && (wanted.has(value) || wanted.has(Number(dse.table.level(value))));
    };
  };

  dse.filter = { parse, format, mask, isRange };
})();
