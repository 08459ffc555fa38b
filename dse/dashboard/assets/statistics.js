"use strict";
// What is said of the networks of a selection.
(() => {
  const dse = (window.dse ??= {});
  const MOST_STEPS = 1000;
  const MOST_CURVES = 30;

  // F(e) = (1/n) sum 1[e_i < e] of errors, infinite where a training ended badly, just above each
  // distinct error; with many, at even steps of them. `half` is half the width of the band that
  // holds the whole curve with 95 % (Dvoretzky, Kiefer & Wolfowitz 1956, Massart 1990).
  const edf = (errors) => {
    const sorted = Float64Array.from(errors).sort();
    const x = [];
    const y = [];
    sorted.forEach((error, place) => {
      if (!Number.isFinite(error) || sorted[place + 1] === error) return;
      x.push(error);
      y.push((place + 1) / sorted.length);
    });
    const at = evenly(x.length, MOST_STEPS);
    return {
      n: sorted.length,
      x: at.map((place) => x[place]),
      y: at.map((place) => y[place]),
      half: Math.sqrt(Math.log(2 / 0.05) / (2 * sorted.length)),
    };
  };

  // At most `most` of the places 0 to n - 1, the first and the last among them.
  const evenly = (n, most) => n <= most ? [...Array(n).keys()]
    : Array.from({ length: most }, (_, k) => Math.round((k * (n - 1)) / (most - 1)));

  // The least value that half of all reach: the inverse of their EDF.
  const median = (values) => {
    const sorted = Float64Array.from(values).sort(); // typed arrays sort by size, infinity last
    return sorted.length ? sorted[Math.ceil(sorted.length / 2) - 1] : NaN;
  };

  // The median error by epoch. A training that ended badly is worse than every error from its
  // last epoch on; one whose error at an epoch is not known is left out there.
  const medianCurve = (curves, rows, isBad) => {
    const errors = new Float64Array(rows.length);
    return curves.epochs.map((_, place) => {
      let n = 0;
      for (const row of rows) {
        const error = curves.at(row, place);
        if (!Number.isNaN(error) || isBad(row)) {
          errors[n] = Number.isNaN(error) ? Infinity : error;
          n += 1;
        }
      }
      return median(errors.subarray(0, n));
    });
  };

  const curve = (curves, row) => curves.epochs.map((_, place) => curves.at(row, place));

  const once = (make) => {
    let made;
    return () => (made ??= { value: make() }).value;
  };

  // All that figures show of the rows of one study that are selected, made when it is asked for.
  const answer = (study, mask) => {
    const rows = [];
    mask.forEach((is, row) => is && rows.push(row));
    const errors = study.table.get("error")?.values;
    const state = study.table.get("state");
    const isBad = (row) => state.levels[state.values[row]] !== "complete";
    const own = study.curves && rows.length > 0;
    const parts = {
      edf: once(() => rows.length ? edf(rows.map((row) => errors[row])) : null),
      median: once(() => own ? medianCurve(study.curves, rows, isBad) : null),
      curves: once(() => own
        ? evenly(rows.length, MOST_CURVES).map((place) => curve(study.curves, rows[place])) : []),
    };
    return {
      n: rows.length,
      get edf() { return parts.edf(); },
      get median() { return parts.median(); },
      get curves() { return parts.curves(); },
    };
  };

  dse.statistics = { edf, median, evenly, curve, answer };
})();
