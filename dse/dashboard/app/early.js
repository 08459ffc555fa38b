"use strict";
// Runs before anything else: the theme that was chosen, the first question to the server, and
// places for Dash to call, as nobody knows whether Dash or the engine is ready first.
(() => {
  const chosen = localStorage.getItem("dse-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;

  const network = /^\/network\/([^/]+)\/(\d+)\/?$/;
  // What the value of the page at this address is asked for.
  const question = () => {
    const [, study, index] = network.exec(location.pathname) ?? [];
    return study ? `/_dse/network?study=${study}&index=${index}` : "/_dse/page";
  };
  const address = new URL(location.href);
  if (address.searchParams.has("token")) { // it is in a cookie now
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }

  const early = window.dseEarly = {
    question, asked: question(), answer: fetch(question()), live: null, heard: null,
  };
  early.answer.catch(() => {}); // app.js asks again
  window.dash_clientside = {
    dse: {
      live: (data) => {
        early.live = data;
        early.heard?.(data);
        return window.dash_clientside.no_update;
      },
    },
  };
})();
