"use strict";
// The app: asks the server for the page again when there is something new, and leads from page to
// page. What is drawn and brushed is the engine's work.
(() => {
  const { dse, dseEarly: early } = window;
  const { page } = dse;
  const RETRY_MS = 300;
  const ALIVE_MS = 3000;
  const main = document.getElementById("page");
  const whole = document.getElementById("page-whole");
  const head = document.getElementById("page-head");
  let shown = {}; // which question was answered, and the revision of its answer
  let loading = false;
  let isPressed = false;
  let table; // which Dash makes once, and which moves between the page and its end

  const isNetwork = () => early.question() !== "/_dse/page";

  // Of 100,000 networks a page holds some; the server, which has all, tells what is selected.
  const onPage = page.ask;
  const onServer = async (filter) => {
    const text = encodeURIComponent(dse.filter.format(filter));
    const response = await fetch(`/_dse/select?filter=${text}`);
    if (response.ok) return response.json();
    return page.studies.map(() => ({ n: 0, edf: null, median: null, curves: [] }));
  };

  const show = async (asked, value) => {
    page.ask = value.partial ? onServer : onPage;
    document.body.classList.toggle("one-network", isNetwork());
    const { make } = dse.values;
    head.replaceChildren(
      ...(isNetwork() ? [make("p", {}, make("a", { href: `/${location.hash}` }, "← All networks"))] : []),
      make("h2", {}, value.title), make("p", { class: "study" }, value.subtitle),
    );
    document.title = value.title;
    settleTable(); // out of a section that is about to go
    await dse.start(value, main);
    main.setAttribute("aria-busy", "false");
    document.documentElement.dataset.revision = value.revision;
    if (shown.asked !== asked && shown.asked) scrollTo(0, 0);
    shown = { asked, revision: value.revision };
  };

  const failed = (sentence) => {
    head.replaceChildren();
    main.replaceChildren(dse.values.make("p", { class: "problem" }, sentence));
    main.setAttribute("aria-busy", "false");
  };

  // Ask for the page at this address, and show it; again while the server is making it.
  const load = async () => {
    if (loading) return;
    loading = true;
    try {
      for (;;) {
        const asked = early.question();
        const first = early.asked === asked && early.answer;
        early.answer = null;
        const response = await (first || fetch(asked));
        if (response.status === 202) {
          await new Promise((done) => setTimeout(done, RETRY_MS));
        } else if (response.ok) {
          const value = await response.json();
          while (isPressed) await new Promise((done) => setTimeout(done, RETRY_MS));
          if (asked === early.question()) {
            await show(asked, value);
            return;
          }
        } else {
          shown = { asked };
          failed(await response.text());
          return;
        }
      }
    } catch {
      setTimeout(load, 10 * RETRY_MS); // the server does not answer; `alive` says so
    } finally {
      loading = false;
    }
  };

  // What Dash tells every second, where it is new.
  const heard = (data) => {
    if (!data) return;
    const section = document.getElementById("workers");
    if (section && data.workers && !isNetwork()) {
      const template = document.createElement("template");
      template.innerHTML = data.workers; // made by dse/dashboard/markup.py
      section.replaceChildren(...template.content.firstElementChild.children);
    }
    if (data.revision && (data.revision !== shown.revision || early.question() !== shown.asked)) {
      load().then(() => refreshRows(false));
    }
  };

  const go = (href) => {
    history.pushState(null, "", href);
    load();
  };

  // The table of networks

  const grid = () => {
    try {
      return window.dash_ag_grid?.getApi("networks");
    } catch {
      return undefined; // not there yet
    }
  };
  const refreshRows = (anew) => {
    if (anew) grid()?.purgeInfiniteCache();
    else grid()?.refreshInfiniteCache();
  };

  // Files of the selection, which the server makes: it has all networks.
  page.files = () => {
    const { make } = dse.values;
    const query = `filter=${encodeURIComponent(dse.filter.format(page.filter))}`;
    const spaces = page.studies.filter((study) => study.space);
    return [
      make("a", {
        class: "button", href: `/_dse/selection.csv?${query}`, download: "selection.csv",
      }, "Save as CSV"),
      ...spaces.map((study) => make("a", {
        class: "button", download: "selection.yaml",
        href: `/_dse/selection.yaml?study=${encodeURIComponent(study.name)}&${query}`,
      }, spaces.length > 1 ? `Save as space (${study.name})` : "Save as space (YAML)")),
    ];
  };

  // The table's filter is the page's. It stands in the panel of the selection, where there is one.
  const settleTable = () => {
    const home = document.getElementById("networks-home");
    if (!home) return false;
    table ??= document.getElementById("networks-part");
    const panel = document.querySelector("[data-part=selection]")?.parentElement;
    const place = isNetwork() ? home : panel ?? home;
    if (table.parentElement !== place) place.append(table);
    return true;
  };
  const selected = () => {
    if (!settleTable() || !page.studies.length || isNetwork()) return;
    const text = dse.filter.format(page.filter);
    if (selected.last === text) return;
    selected.last = text;
    window.dash_clientside.set_props?.("filter", { data: text });
    refreshRows(true);
  };

  // A network's number as a link to its page.
  window.dashAgGridComponentFunctions = {
    DseNetwork: ({ data, value }) => data
      ? window.React.createElement("a", { href: data.href }, value) : null,
  };

  // Dash's scripts run when the first figures are on the screen, in the order that Dash gave them.
  const startDash = async () => {
    let loaded;
    for (const { attributes, textContent } of document.getElementById("dash").content.children) {
      const script = document.createElement("script");
      for (const { name, value } of attributes) script.setAttribute(name, value);
      script.async = false;
      if (script.src) loaded = new Promise((done) => { script.onload = script.onerror = done; });
      else await loaded;
      script.textContent = textContent;
      document.body.append(script);
    }
  };

  // Dash's own parts come later than the page, which then gets its place between them.
  const settle = () => {
    const slot = document.getElementById("page-slot");
    if (!slot || slot.contains(whole)) return;
    slot.append(whole);
    const theme = document.getElementById("theme");
    theme.value = document.documentElement.dataset.theme ?? "";
    selected();
  };

  const themed = () => {
    document.body.dataset.agThemeMode = page.theme();
  };

  document.addEventListener("change", ({ target }) => {
    if (target.id !== "theme") return;
    localStorage.setItem("dse-theme", target.value);
    page.setTheme(target.value);
  });
  document.addEventListener("click", async (event) => {
    const copied = event.target.closest("[data-copy]");
    if (copied) {
      copied.textContent = await dse.values.copy(copied.dataset.copy) ? "Copied" : "Not copied";
      setTimeout(() => { copied.textContent = "Copy"; }, 1500);
    }
    const link = event.target.closest("a[href^='/network/'], a[href='/'], a[href^='/#']");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!link || !isPlain) return;
    event.preventDefault();
    document.querySelector("dialog[open]")?.close();
    const href = link.getAttribute("href");
    go(href.includes("#") ? href : href + location.hash);
  });
  addEventListener("popstate", () => {
    if (early.question() !== shown.asked) load();
  });
  for (const [name, is] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    addEventListener(name, () => { isPressed = is; }, true);
  }

  const alive = async () => {
    const said = document.getElementById("gone");
    try {
      said.hidden = (await fetch("/_dse/alive")).ok;
    } catch {
      said.hidden = false;
    }
  };
  setInterval(alive, ALIVE_MS);

  page.on("selection", selected);
  page.on("theme", themed);
  themed();
  new MutationObserver(settle).observe(document.body, { childList: true, subtree: true });
  settle();
  early.heard = heard;
  load().then(startDash).then(() => heard(early.live));
})();
