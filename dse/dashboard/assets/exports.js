"use strict";
// A selection as a link, and as CSV.
(() => {
  const dse = (window.dse ??= {});
  const { page } = dse;

  const link = () => {
    const address = new URL(location.href);
    address.hash = page.isFiltered() ? dse.filter.format(page.filter) : "";
    return address.href;
  };

  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

  // Stored values, one row a selected network; nothing where there is no number.
  const csv = () => {
    const names = [...new Set(page.studies.flatMap((study) => [...study.table.keys()]))];
    const cell = (column, row) => {
      if (!column) return "";
      const value = column.values[row];
      if (column.levels) return column.levels[value];
      return Number.isFinite(value) ? String(value) : "";
    };
    const lines = page.studies.flatMap((study, place) => {
      const rows = [...page.masks[place].keys()].filter((row) => page.masks[place][row]);
      return rows.map((row) => [
        study.name, ...names.map((name) => cell(study.table.get(name), row)),
      ]);
    });
    return [["study", ...names], ...lines].map(
      (cells) => `${cells.map(quoted).join(",")}\n`).join("");
  };

  dse.exports = { link, csv };
})();
