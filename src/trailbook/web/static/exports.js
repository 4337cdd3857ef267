/* Exports: an order from the dialog, and how far each of one's own has come. The words are the page's. */
(() => {
  "use strict";
  const find = (selector, from = document) => from.querySelector(selector);
  const json = { "Content-Type": "application/json", Accept: "application/json" };
  const send = (address, method, body) => fetch(address, { method, headers: json, body }).catch(() => null);

  /* --- The dialog. --- */
  const dialog = () => find("#export");
  const form = () => find("form.order");
  const said = () => (find("#total a") ? "" : find("#total")?.textContent); // a link until it is counted
  const say = (total) => ["p.count", "button.first"].forEach((name) => {
    const part = find(name, dialog());
    part.textContent = total ? part.dataset.words.replace("{total}", total.trim()) : part.dataset.plain;
  });
  const counted = (count) => {
    const { one, other } = form().dataset, { lang } = document.documentElement;
    return (count === 1 ? one : other).replace("{count}", new Intl.NumberFormat(lang).format(count));
  };
  const order = () => {
    const fields = form().elements, format = fields.format.value;
    const kind = [...fields.format].find((each) => each.checked).dataset, preset = fields.preset.value;
    const columns = [...fields.columns].filter((box) => box.checked).map((box) => box.value);
    return {
      ...JSON.parse(form().dataset.order), format, lang: fields.lang.value, tz: fields.tz.value,
      manifest: fields.manifest.checked, zip: fields.zip.checked && fields.manifest.checked && !("bundle" in kind),
      ...("table" in kind ? (preset ? { preset } : { columns }) : {}),
    };
  };
  const refuse = async (answer) => {
    const problem = await answer?.json().catch(() => null), refusal = find("#export-refused");
    find("span", refusal).textContent = problem?.detail ?? "";
    refusal.hidden = false;
  };
  /* A closed bundle holds more than the filter finds: nobody orders one who was not told how much. */
  const weigh = async () => {
    const note = find("#export-closed"), button = find("button.first", dialog());
    const closed = form().elements.format.value === "bundle-closed";
    note.hidden = find("#export-refused").hidden = true;
    button.disabled = closed || !form().elements.format.value;
    say(said());
    if (!closed) return;
    const answer = await send(form().dataset.api, "POST", JSON.stringify({ ...order(), preview: true }));
    if (form().elements.format.value !== "bundle-closed") return;
    if (!answer?.ok) { refuse(answer); return; }
    const { held, words } = await answer.json();
    find("strong", note).textContent = words;
    note.hidden = button.disabled = false;
    say(counted(held));
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-export]")) { dialog().showModal(); weigh(); }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  });
  document.addEventListener("change", ({ target }) => {
    if (target.form !== form() || !target.form) return;
    const fields = target.form.elements;
    if (target.name === "format") weigh();
    if (target.name === "columns") find("[name=preset][value='']", target.form).checked = true; // they are one's own now
    fields.zip.disabled = !fields.manifest.checked;
  });
  /* How many there are may be known only once the dialog is open. */
  document.addEventListener("htmx:after:swap", () => { if (dialog()?.open && form().elements.format.value !== "bundle-closed") say(said()); });
  document.addEventListener("submit", async (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    event.stopPropagation();
    const answer = await send(form().dataset.api, "POST", JSON.stringify(order()));
    if (answer?.ok) location.assign(form().getAttribute("action"));
    else refuse(answer);
  }, true);

  /* --- One's own exports: the page is asked again while one is made. --- */
  const live = () => find("#exports :is([data-state=queued], [data-state=running])");
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    const answer = await fetch(location.href).catch(() => null);
    find("#exports-lost").hidden = Boolean(answer?.ok);
    if (answer && [401, 403].includes(answer.status)) { location.reload(); return; }
    if (answer?.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      find("#exports").replaceChildren(...find("#exports", page).childNodes);
      show();
    }
    if (!answer?.ok || live()) timer = setTimeout(look, answer?.ok ? 1000 : 5000);
  };
  const show = () => document.querySelectorAll("#exports [data-drop]").forEach((button) => {
    button.hidden = false;
    button.onclick = async () => { await send(button.dataset.drop, "DELETE"); look(); };
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (!find("#exports")) return;
    show();
    if (live()) timer = setTimeout(look, 1000);
  });
})();
