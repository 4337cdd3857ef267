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
    sift();
    mark();
    pausing();
    beside();
  };

  /* Where one is, and where one may skip to: the part of the page that changed holds neither. */
  const standing = () => {
    all(".skip").forEach((skip) => { skip.hidden = !find(skip.hash)?.checkVisibility(); });
    const places = all(".top nav a");
    const here = places.findLast((place) => location.pathname.startsWith(place.pathname));
    places.forEach((place) => (place === here ? place.setAttribute("aria-current", "true") : place.removeAttribute("aria-current")));
  };

  /* A question that needs a name puts the reader where it is typed, one that ends in a file where that is chosen; once. */
  let asked = null, filed = null;
  const asking = () => {
    const field = find("#whom"), view = field && new URLSearchParams(location.search).get("view");
    if (field && asked !== view) { field.focus(); field.click(); } // which opens what it offers
    asked = view;
    const file = find("#file-asked")?.dataset.view ?? null;
    if (file && filed !== file) find("[data-export]")?.click();
    filed = file;
  };

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
    if (field.form?.id !== "filter" || !field.matches("select, [type=checkbox], [type=radio], [type=date]")) return;
    if (field.name === "date" || field.name === "from" || field.name === "to") dated(field);
    else field.form.requestSubmit();
  });
  /* A period, or two days: whichever was chosen last takes the other away, and two days wait for each other. */
  const dated = (field) => {
    const form = field.form, days = ["from", "to"].map((name) => form.elements[name]);
    if (field.value === "between") { days[0].focus(); return; }
    if (days.includes(field)) form.elements.date.value = "between";
    else days.forEach((day) => { day.value = ""; });
    if (days.includes(field) && !days.every((day) => day.value)) return;
    if (!days.includes(field)) shutPop(field);
    form.requestSubmit();
  };
  const POPS = ".cell[open], .opt[open]";
  const shutPop = (inside) => {
    const pop = inside.closest(POPS);
    if (pop) { pop.open = false; find("summary", pop).focus(); }
    return pop;
  };
  /* A long list of values is searched where it stands. */
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase(root.lang);
  const sift = () => all("[data-find]").forEach((field) => {
    const wanted = plain(field.value.trim());
    all(".check", document.getElementById(field.dataset.find)).forEach((choice) => { choice.hidden = !plain(choice.textContent).includes(wanted); });
  });
  /* What was offered for other letters is no answer: it goes before anybody can choose it by mistake. */
  document.addEventListener("input", (event) => {
    event.target.closest("ds-suggestion")?.querySelector("u-datalist[data-nofilter]")?.replaceChildren();
    if (event.target.matches("[data-find]")) sift();
  });
  /* A language is chosen where one is: the list may have moved on since its frame came. */
  document.addEventListener("submit", (event) => {
    if (event.target.matches(".top .languages") && location.pathname.includes("/orgs/")) event.target.elements.to.value = location.pathname + location.search;
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
  /* A name that was typed and entered, with no row chosen, is asked for: the element itself would only take it away. */
  document.addEventListener("keydown", (event) => {
    const input = event.target.closest?.("ds-suggestion input");
    if (event.key !== "Enter" || !input?.value.trim() || input.getAttribute("aria-activedescendant")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    find("u-datalist", input.parentElement).replaceChildren();
    input.form.requestSubmit();
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.edit");
    if (link) { event.preventDefault(); reach(link.hash.slice(1)); }
    if (event.target.closest("#panel [data-close]")) { event.preventDefault(); close(); }
    if (event.target.closest("a.to-asks")) find("#questions").open = true;
    all(POPS).forEach((pop) => { pop.open = pop.contains(event.target); });
    /* Another name is meant, or none: what was typed goes, or the next choice would send it again. */
    const clears = event.target.closest("[data-clears]");
    if (clears) document.getElementById(clears.dataset.clears).value = "";
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

  /* --- One entry beside the list, where there is room for both; elsewhere its link leads to its page. --- */
  const panel = () => find("#panel"), open = () => Boolean(panel()?.childElementCount);
  const room = matchMedia("(min-width: 64rem)");
  let wide = room.matches;
  room.addEventListener("change", () => {
    if (matchMedia("print").matches || room.matches === wide) return; // paper has a width of its own
    wide = room.matches;
    if (open()) location.reload(); // which is the entry's page
  });
  let list = null, row = null, stood = 0; // the list's address; the row beside whose list its entry stands, and where
  const link = () => document.getElementById(row)?.querySelector("a.when");
  const above = () => link()?.getBoundingClientRect().top ?? 0;
  const beside = () => {
    if (open()) row = "e-" + location.pathname.split("/e/")[1];
    all(".row").forEach((each) => (open() && each.id === row ? each.setAttribute("aria-current", "true") : each.removeAttribute("aria-current")));
  };
  /* A list that grows narrower or wider leaves the row where the reader's eyes are. */
  const still = () => { scrollBy({ top: above() - stood, behavior: "instant" }); link()?.closest(".row").scrollIntoView({ block: "nearest", behavior: "instant" }); };
  const entered = () => {
    still();
    panel().scrollTop = 0;
    find("h1, h2", panel())?.focus({ preventScroll: true });
  };
  /* Whoever closes it goes back to the list's address: the way back is the same by key, by press and by the browser. */
  const close = () => { if (open()) { shut(); history.back(); } };
  const shut = () => {
    stood = above();
    panel().replaceChildren();
    beside();
    still();
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("a.when");
    if (!pressed) return;
    if (!room.matches) event.stopImmediatePropagation(); // and the browser follows the link
    else row = pressed.closest(".row").id;
  }, true);
  /* The first entry adds an address, the next one takes its place: Back leads to the list, however many were read. */
  document.addEventListener("htmx:before:request", (event) => {
    const context = event.detail.ctx;
    if (context.target?.id !== "panel") return;
    if (open()) Object.assign(context, { push: null, replace: "true" });
    else list = location.pathname + location.search;
  });
  document.addEventListener("htmx:before:swap", () => { stood = above(); });
  document.addEventListener("htmx:after:swap", (event) => {
    dress();
    if (event.detail.ctx?.target?.id === "panel") entered();
    if (event.detail.ctx?.target?.id === "page") list = null;
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (list === null || location.pathname + location.search !== list) return;
    event.preventDefault();
    if (open()) shut();
    link()?.focus({ preventScroll: true }); // not before, for going back takes the focus away
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
    if ([401, 403].includes(context.response.status)) { find("#page").replaceChildren(); context.target = find("#page"); }
  });

  /* --- What comes while the page is read: counted, never shoved in. --- */
  const pausing = () => {
    const button = find("#pause");
    if (!button) return;
    const off = memory.get("live") === "off";
    button.setAttribute("aria-pressed", String(off));
    find("span", button).textContent = off ? button.dataset.go : button.dataset.pause;
  };
  /* That one looks at somebody is an entry too, and no news to whoever looks. */
  const own = (entry, reader) => entry.category === "activity_log" && `${entry.actor.type}/${entry.actor.id}` === reader;
  let came = 0, counted = null;
  document.addEventListener("entry", (event) => {
    const live = event.target.closest?.("#live"), link = find("#arrived");
    if (!live || !link || own(JSON.parse(event.detail.data), live.dataset.reader)) return;
    if (counted !== live.dataset.asOf) { came = 0; counted = live.dataset.asOf; }
    came += 1;
    const text = came === 1 ? link.dataset.one : link.dataset.other;
    link.textContent = text.replace("{count}", new Intl.NumberFormat(root.lang).format(came));
    link.hidden = false;
  });
  document.addEventListener("end", (event) => {
    if (event.target.id !== "live") return;
    find("#page").replaceChildren();
    location.reload();
  });
  document.addEventListener("htmx:sse:error", () => { const offline = find("#offline"); if (offline) offline.hidden = false; });
  document.addEventListener("htmx:sse:after:connection", () => { const offline = find("#offline"); if (offline) offline.hidden = true; });
  document.addEventListener("htmx:sse:before:connection", (event) => { if (memory.get("live") === "off") event.preventDefault(); });

  /* --- Single keys. --- */
  const step = (by) => {
    const times = all("a.when").filter((time) => time.checkVisibility()), at = times.indexOf(document.activeElement);
    (times[at + by] || times[at] || times[0])?.focus();
  };
  const turn = (rel) => find(`${open() ? "#panel" : "#content"} a[rel=${rel}]`)?.click();
  const keys = {
    "/": () => reach("f-text"),
    q: () => { find("#questions").open = true; find("#questions a").focus(); },
    f: () => { find(".filters").open = true; find("#f-date").focus(); },
    j: () => (open() ? turn("next") : step(1)),
    k: () => (open() ? turn("prev") : step(-1)),
    o: () => turn("next"),
    n: () => turn("prev"),
    "?": () => find("#help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !shutPop(event.target) && !event.target.closest("input, select, textarea, dialog")) close();
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
    find("[data-keys]").checked = memory.get("keys") !== "off";
    if (memory.get("live") === "off") find("#live")?.removeAttribute("hx-sse:connect");
    dress();
  });
})();
