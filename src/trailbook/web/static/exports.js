/* Exports: an order from the dialog, and how far each of one's own has come. The words are the page's. */
(() => {
  "use strict";
  const find = (selector, from = document) => from.querySelector(selector);
  const lang = find("#exports")?.lang || document.documentElement.lang; // as the server writes dates
  const json = { "Content-Type": "application/json", Accept: "application/json" };

  const count = () => { find("[data-total]", find("#export")).textContent = find("#total").textContent; };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-export]")) {
      count();
      find("#export").showModal();
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  });

  /* How many there are may be known only once the dialog is open. */
  document.addEventListener("htmx:after:swap", () => { if (find("#export")?.open) count(); });

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form.order");
    if (!form) return;
    event.preventDefault();
    event.stopPropagation();
    const fields = form.elements, table = ["csv", "xlsx", "parquet"].includes(fields.format.value);
    if (fields.format.value === "bundle-closed" && form.dataset.closed) { // what it would hold is said before it is ordered
      location.assign(`${form.dataset.closed}&lang=${encodeURIComponent(fields.lang.value)}`);
      return;
    }
    const preset = fields.preset.value, bundle = fields.format.value.startsWith("bundle");
    const columns = [...fields.columns].filter((box) => box.checked).map((box) => box.value);
    const order = {
      ...JSON.parse(form.dataset.order),
      format: fields.format.value, lang: fields.lang.value, tz: fields.tz.value, manifest: fields.manifest.checked,
      zip: fields.zip.checked && fields.manifest.checked && !bundle,
      ...(table ? (preset ? { preset } : { columns }) : {}),
    };
    const answer = await fetch(form.dataset.api, { method: "POST", headers: json, body: JSON.stringify(order) }).catch(() => null);
    if (answer?.ok) { location.assign(form.getAttribute("action")); return; }
    const refusal = find("[role=alert]", form), problem = await answer?.json().catch(() => null);
    find("span", refusal).textContent = problem?.detail ?? "";
    refusal.hidden = false;
  }, true);

  /* --- One's own exports. --- */
  const list = () => find("#exports");
  const date = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" });
  const number = new Intl.NumberFormat(lang);
  const word = (state) => [...document.querySelectorAll("#export-words dt")].find((name) => name.textContent === state)?.nextElementSibling.textContent ?? state;
  const live = (job) => job.state === "queued" || job.state === "running";

  const draw = (job) => {
    const row = document.getElementById(`x-${job.id}`) ?? find("#export-row").content.cloneNode(true).firstElementChild;
    row.id = `x-${job.id}`;
    const put = (name, text) => { const part = find(`[data-${name}]`, row); part.textContent = text; part.hidden = !text; };
    put("format", (job.format ?? "").toUpperCase());
    put("state", word(job.state));
    put("holds", job.words ?? "");
    put("when", job.created_at ? date.format(new Date(job.created_at)) : "");
    const rows = find("[data-rows]", row), expires = find("[data-expires]", row), progress = find("progress", row);
    rows.textContent = rows.dataset.words.replace("{done}", number.format(job.rows_done)).replace("{count}", number.format(job.count));
    expires.hidden = job.state !== "ready";
    expires.textContent = expires.dataset.words.replace("{when}", job.expires_at ? date.format(new Date(job.expires_at)) : "");
    progress.hidden = !live(job);
    progress.value = job.count ? job.rows_done / job.count : 0;
    const path = `${list().dataset.api}/${job.id}`;
    for (const name of ["file", "manifest"]) {
      const link = find(`[data-${name}]`, row);
      link.href = `${path}/${name}`;
      link.hidden = job.state !== "ready" || (name === "manifest" && job.manifest === false);
    }
    const drop = find("[data-drop]", row);
    drop.textContent = live(job) ? drop.dataset.cancel : drop.dataset.remove;
    drop.hidden = !live(job) && job.state !== "ready";
    drop.onclick = async () => { await fetch(path, { method: "DELETE", headers: json }); look(); };
    return row;
  };
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    const answer = await fetch(list().dataset.api, { headers: json }).catch(() => null);
    find("#exports-lost").hidden = Boolean(answer?.ok);
    if (answer && [401, 403].includes(answer.status)) { location.reload(); return; }
    if (!answer?.ok) { timer = setTimeout(look, 5000); return; }
    const { exports: jobs = [] } = await answer.json();
    list().replaceChildren(...jobs.map(draw));
    find("#exports-none").hidden = jobs.length > 0;
    if (jobs.some(live)) timer = setTimeout(look, 1000);
  };
  document.addEventListener("DOMContentLoaded", () => { if (list()) look(); });
})();
