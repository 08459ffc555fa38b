"use strict";
// The networks of a study as columns, unpacked from what dse/dashboard/columns.py packs.
(() => {
  const dse = (window.dse ??= {});
  const ARRAYS = {
    i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array,
    u4: Uint32Array, f4: Float32Array, f8: Float64Array,
  };

  const bytes = (base64) => Uint8Array.fromBase64 ? Uint8Array.fromBase64(base64) // since 2025
    : Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  const column = (name, packed) => ({
    ...packed,
    name,
    data: undefined,
    values: new ARRAYS[packed.type](bytes(packed.data).buffer),
  });

  const columns = (packed) => new Map(
    Object.entries(packed).map(([name, each]) => [name, column(name, each)]));

  // How a value is called: `none` where there is none, whole numbers in all digits, others in six.
  const level = (number) => {
    if (Number.isNaN(number)) return "none";
    if (Number.isInteger(number)) return String(number);
    if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
    const [mantissa, power] = number.toExponential(5).split("e");
    const digits = (text) => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
    if (power < -4 || power >= 6) {
      return `${digits(mantissa)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
    }
    return digits(number.toFixed(5 - power));
  };

  // What a row has in a column: a level, or the stored number as text.
  const text = (column, row) => column.levels
    ? column.levels[column.values[row]] : level(column.values[row]);

  // The same for people: words, the shown unit, and a dash where there is nothing.
  const shown = (column, row) => {
    const value = column.values[row];
    if (column.levels) return column.words?.[value] ?? column.levels[value];
    if (!Number.isFinite(value)) return "–";
    const number = (column.factor ?? 1) * value;
    return column.factor && column.factor !== 1 ? number.toFixed(column.decimals) : level(number);
  };

  const heading = (column) => column.unit ? `${column.label} [${column.unit}]` : column.label;

  const study = (value) => {
    const table = columns(value.columns);
    const index = table.get("index")?.values ?? [];
    return {
      ...value,
      table,
      rows: index.length,
      rowOf: new Map(Array.from(index, (network, row) => [network, row])),
      again: columns(value.again),
      measurements: columns(value.measurements),
      curves: value.curves && curves(value.curves, index.length),
    };
  };

  const curves = ({ epochs, scale, data }, rows) => {
    const codes = new Uint16Array(bytes(data).buffer);
    return {
      epochs,
      rows,
      at: (row, place) => {
        const code = codes[row * epochs.length + place];
        return code === 65535 ? NaN : (scale * code) / 65534;
      },
    };
  };

  // The rows of a small table, as objects of texts, that are about one network.
  const about = (table, network) => {
    const index = table.get("index")?.values ?? [];
    const rows = [];
    index.forEach((each, row) => {
      if (each === network) {
        rows.push(Object.fromEntries([...table].map(([name, c]) => [name, text(c, row)])));
      }
    });
    return rows;
  };

  // Figures with plain arrays in place of what Plotly's Python packs; tables stay for Plotly.
  const decoded = (part) => {
    if (Array.isArray(part)) return part.map(decoded);
    if (part === null || typeof part !== "object") return part;
    if (part.bdata && ARRAYS[part.dtype] && !part.shape) {
      return new ARRAYS[part.dtype](bytes(part.bdata).buffer);
    }
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, decoded(each)]));
  };

  const unpacked = async (base64) => {
    const stream = new Blob([bytes(base64)]).stream();
    return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).json();
  };

  dse.table = { study, level, text, shown, heading, about, decoded, unpacked };
})();
