/* Trailbook: what the page adds where scripts run. Every word and every address comes from the server; without
   this file the page reads, filters, turns and opens all the same. */
(() => {
  "use strict";
  const root = document.documentElement;
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* What this browser remembers: nothing of people. */
  const memory = {
    get: (name) => { try { return localStorage.getItem("trailbook-" + name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem("trailbook-" + name, value); } catch { /* private window */ } },
  };
  const cookie = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `trailbook-${name}=${value}; Path=/; SameSite=Lax; Max-Age=31536000${secure}`;
  };

  /* The zone of the browser is the viewer's, from the next page on. */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) cookie("zone", zone);

  /* Everything that needs a script shows itself now, and after each change of the page. */
  const dress = () => {
    all(".scripted[hidden]").forEach((part) => { part.hidden = false; });
    standing();
    asking();
    ago();
    mark();
    pausing();
  };

  /* Where one is: the part of the page that changed does not hold the places. */
  const standing = () => {
    const places = all(".top nav a");
    const here = places.findLast((place) => location.pathname.startsWith(place.pathname));
    places.forEach((place) => (place === here ? place.setAttribute("aria-current", "true") : place.removeAttribute("aria-current")));
  };

  /* A question that needs a name puts the reader where the name is typed; once, not at every change. */
  let asked = null;
  const asking = () => {
    const asks = find("#asks"), view = asks && new URLSearchParams(location.search).get("view");
    if (asks && asked !== view) reach(asks.dataset.asks);
    asked = view;
  };

  /* "2 hours ago", beside the time and never instead of it. */
  const relative = new Intl.RelativeTimeFormat(root.lang, { numeric: "auto" });
  const ago = () => all(".row").forEach((row) => {
    const minutes = Math.round((Date.now() - Date.parse(find("time", row).dateTime)) / 60000);
    const line = find(".ago", row);
    line.hidden = minutes < 0 || minutes >= 1440;
    if (!line.hidden) line.textContent = minutes < 60 ? relative.format(-minutes, "minute") : relative.format(-Math.round(minutes / 60), "hour");
  });

  /* Rows that came since the reader last looked are marked once. */
  let seen = null;
  const mark = () => {
    if (seen === null) return;
    all(".row").forEach((row) => row.classList.toggle("fresh", Number(row.dataset.seq) >= seen));
  };

  /* --- The filter: a choice is an answer, nobody has to press Show. --- */
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches("[data-look]")) { root.dataset.colorScheme = field.value; cookie("look", field.value); }
    if (field.matches("[data-keys]")) memory.set("keys", field.checked ? "on" : "off");
    if (field.form?.id !== "filter" || !field.matches("select, [type=checkbox], [type=date]")) return;
    const days = ["from", "to"].map((name) => field.form.elements[name]);
    if (field.name === "date" && field.value) days.forEach((day) => { day.value = ""; });
    if (days.includes(field)) field.form.elements.date.value = "";
    field.form.requestSubmit();
  });
  /* What was offered for other letters is no answer: it goes before anybody can choose it by mistake. */
  document.addEventListener("input", (event) => {
    event.target.closest("ds-suggestion")?.querySelector("u-datalist").replaceChildren();
  });
  document.addEventListener("comboboxbeforeselect", (event) => {
    event.preventDefault();
    const [name, value] = event.detail.value.split(/=(.*)/s);
    // The element lends its field to no form while Enter is down, so the form is asked for by place.
    const input = event.target.control, form = event.target.closest("form");
    if (!value) return;
    input.value = "";
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.edit");
    if (link) { event.preventDefault(); reach(link.hash.slice(1)); }
    if (event.target.closest("a.to-asks")) find("#questions").open = true;
    all(".pick[open]").forEach((pick) => { pick.open = pick.contains(event.target); });
    const wanted = event.target.closest("[data-reach]");
    if (wanted) reach(wanted.dataset.reach);
    if (event.target.closest("[data-help]")) find("#help").showModal();
    if (event.target.closest("[data-retry]")) { find("#notice").replaceChildren(); retry?.(); }
    if (event.target.closest("#pause")) { memory.set("live", memory.get("live") === "off" ? "on" : "off"); location.reload(); }
    if (event.target.closest("#arrived")) seen = Number(find("#live").dataset.asOf);
  });
  const reach = (id) => {
    const field = document.getElementById(id) || document.getElementById("f-more");
    for (let part = field; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    const control = field.matches("fieldset") ? find("input", field) : field;
    if (control.tagName === "SUMMARY") control.parentElement.open = true;
    control.focus();
  };

  /* --- One entry beside the list. --- */
  const panel = () => find("#panel");
  let list = null, row = null;
  const shut = () => {
    panel().replaceChildren();
    if (list === null) return;
    // The address names the entry that was read last: next and previous may have led away from the one pressed.
    const last = location.pathname.split("/e/")[1];
    if (last) history.pushState({ htmx: true }, "", list);
    list = null;
    const back = document.getElementById("e-" + last) || document.getElementById(row);
    back?.querySelector(".when a").focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.when, .row .when a");
    if (link) { row = link.closest(".row").id; list = location.pathname + location.search; }
  }, true);
  document.addEventListener("htmx:after:swap", () => {
    if (panel().childElementCount && !panel().open) panel().showModal();
    dress();
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (list !== null && location.pathname + location.search === list) { event.preventDefault(); panel().close(); }
  });

  /* --- What fails is said beside the rows that are there. --- */
  let retry = null;
  const again = (context) => () => htmx.ajax("GET", context.request.action, { target: "#page", swap: "innerMorph", push: "true" });
  document.addEventListener("htmx:before:request", (event) => {
    const context = event.detail.ctx;
    if (context.target?.id === "page") retry = again(context);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.target?.id !== "page") return;
    find("#notice").replaceChildren(find("#lost").content.cloneNode(true));
  });
  document.addEventListener("htmx:after:request", (event) => {
    const context = event.detail.ctx;
    // What comes by itself (bars, counts) takes away nothing that was said of rows and entries.
    if (context.response.status < 400 && ["page", "panel"].includes(context.target?.id)) find("#notice").replaceChildren();
    if ([401, 403].includes(context.response.status)) { panel().close(); find("#page").replaceChildren(); context.target = find("#page"); }
    const turned = context.sourceElement?.matches?.("[rel=next], [rel=prev]") && context.target?.id === "page";
    if (turned) find("#said")?.scrollIntoView();
  });

  /* --- What comes while the page is read: counted, never shoved in. --- */
  const pausing = () => {
    const button = find("#pause");
    if (!button) return;
    const off = memory.get("live") === "off";
    button.setAttribute("aria-pressed", String(off));
    find("span", button).textContent = off ? button.dataset.go : button.dataset.pause;
  };
  let came = 0, counted = null;
  document.addEventListener("entry", (event) => {
    const live = event.target.closest?.("#live"), link = find("#arrived");
    if (!live || !link) return;
    if (counted !== live.dataset.asOf) { came = 0; counted = live.dataset.asOf; }
    came += 1;
    const text = came === 1 ? link.dataset.one : link.dataset.other;
    link.textContent = text.replace("{count}", new Intl.NumberFormat(root.lang).format(came));
    link.hidden = false;
  });
  document.addEventListener("end", (event) => {
    if (event.target.id !== "live") return;
    find("#page").replaceChildren();
    panel().close();
    location.reload();
  });
  document.addEventListener("htmx:sse:error", () => { const offline = find("#offline"); if (offline) offline.hidden = false; });
  document.addEventListener("htmx:sse:after:connection", () => { const offline = find("#offline"); if (offline) offline.hidden = true; });
  document.addEventListener("htmx:sse:before:connection", (event) => { if (memory.get("live") === "off") event.preventDefault(); });

  /* --- Single keys. --- */
  const step = (by) => {
    const times = all("a.when, .row .when a").filter((time) => time.checkVisibility()), at = times.indexOf(document.activeElement);
    (times[at + by] || times[at] || times[0])?.focus();
  };
  const turn = (rel) => find(`${panel().open ? "#panel" : "#page"} a[rel=${rel}]`)?.click();
  const keys = {
    "/": () => reach("f-text"),
    q: () => { find("#questions").open = true; find("#questions a").focus(); },
    f: () => { find(".filters").open = true; find("#f-date").focus(); },
    j: () => (panel().open ? turn("next") : step(1)),
    k: () => (panel().open ? turn("prev") : step(-1)),
    o: () => turn("next"),
    n: () => turn("prev"),
    "?": () => find("#help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const pick = event.key === "Escape" && event.target.closest(".pick[open]");
    if (pick) { pick.open = false; find("summary", pick).focus(); }
    if (event.ctrlKey || event.metaKey || event.altKey || memory.get("keys") === "off") return;
    if (event.target.closest("input, select, textarea, [contenteditable]") || find("#help").open) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  /* The questions stay as the reader left them; the server draws them so from the next page on. */
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "questions") cookie("asks", event.target.open ? "open" : "folded");
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    panel().addEventListener("close", shut);
    panel().addEventListener("click", (event) => { if (event.target === panel()) panel().close(); });
    find("[data-keys]").checked = memory.get("keys") !== "off";
    if (memory.get("live") === "off") find("#live")?.removeAttribute("hx-sse:connect");
    dress();
  });
})();
