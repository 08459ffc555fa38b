"use strict";
(() => {
  const dse = (window.dse ??= {});
  dse.restriction = {};
})();
