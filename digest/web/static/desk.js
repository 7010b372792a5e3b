// The desk's page: keys, autosave, dragging. Every change is sent with the version of the sheet it was made on, one
// after the other, and the server answers with the issue as it is then.
"use strict";
const root = document.documentElement, period = root.dataset.period, key = document.querySelector('meta[name="desk"]').content;
const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const sheet = $("#sheet"), rows = $("#rows"), filters = $("#filters");
let version = Number(root.dataset.version), stale = false, queue = Promise.resolve();

const say = (words, bad = false) => { const said = $("#said"); said.textContent = words; said.toggleAttribute("data-bad", bad); };
let reading = null; // the work in the reading pane
const entryOf = (node) => node && (node.closest("#read") ? reading && entryFor(reading.name, $(reading.column)) : node.closest(".row, .pick"));
const entryFor = (name, within) => all(".row, .pick", within).find((entry) => entry.dataset.key === name);

// -- talking to the server ----------------------------------------------------------------------------------------

async function post(path, body) {
  const response = await fetch(`/${period}/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json", "X-Desk": key }, body: JSON.stringify(body),
  });
  const told = response.headers.get("Content-Type") === "application/json" ? await response.json() : { error: await response.text() };
  if (!response.ok) throw Object.assign(new Error([told.error, told.hint].filter(Boolean).join(" → ")), { answered: true });
  return told;
}

function send(path, make, doing = "Saving …") {
  const sent = queue.then(async () => {
    say(doing);
    try {
      const told = await post(path, make());
      own.add(told.version);
      version = Math.max(version, told.version); // the next edit is made on it, drawn or not
      say(told.said || "Saved");
      return told;
    } catch (error) {
      say(error.answered ? error.message : "Not saved: the desk does not respond. Your text stays on this page.", true);
      throw error;
    }
  });
  queue = sent.catch(() => {});
  return sent;
}

const LABELS = { pick: "Picked", reject: "Rejected", open: "Taken out", choose: "Text changed", mark: "Changed", address: "Added", link: "Link changed", "open-section": "Section added", "close-section": "Section removed", highlight: "Highlight changed", sign: "Verdict signed", strike: "Verdict struck" };
const undoable = [], own = new Set(); // [{before, after, label, group}], versions that this tab made
let group = 0;
function remember(before, told, label, of = ++group) {
  if (told.version !== before) undoable.push({ before, after: told.version, label, group: of });
  $("#undo").hidden = !undoable.length;
}
function act(action, fields = {}, of) {
  let before = 0;
  return send("edit", () => { before = version; return { action, version, ...fields }; }).then((told) => {
    remember(before, told, LABELS[action] || "Changed", of);
    if (!told.said) say(LABELS[action] || "Saved");
    show(told);
  }).catch(() => {});
}
const undo = () => queue.then(undoLast); // after what is on its way
function undoLast() {
  const last = undoable.pop();
  if (!last) { say("Nothing to undo"); return; }
  const all = [last];
  while (undoable.length && undoable.at(-1).group === last.group) all.push(undoable.pop());
  send("edit", () => ({ action: "undo", version: last.after, before: String(all.at(-1).before) }), "Undoing …").then((told) => {
    if (!told.said) say(`Undone: ${last.label.toLowerCase()}`);
    if (document.activeElement.matches("[data-action]")) document.activeElement.blur();
    show(told);
    $("#undo").hidden = !undoable.length;
  }).catch(() => undoable.push(...all.reverse()));
}
$("#undo").addEventListener("click", undo);

function show(told) {
  mark(told);
  later(preview);
  if (typing() || held || dragged) { stale = true; return; }
  stale = false;
  version = told.version;
  const active = document.activeElement, at = sheet.contains(active) ? entryOf(active) : null;
  const here = at && { name: at.dataset.key, again: active.dataset.do, index: all(".pick", sheet).indexOf(at) };
  const open = all("details[data-fold][open]", sheet).map((one) => one.dataset.fold);
  const begun = all(".add", sheet).map((form) => [form.id || form.dataset.section, form.elements[0].value]);
  sheet.innerHTML = told.html;
  for (const form of all(".add", sheet)) form.elements[0].value = (begun.find(([of]) => of === (form.id || form.dataset.section)) || ["", ""])[1];
  prepare();
  for (const one of all("details[data-fold]", sheet)) one.open ||= open.includes(one.dataset.fold) || one.dataset.fold === wanted;
  wanted = "";
  if (here) {
    const found = entryFor(here.name, sheet) || all(".pick", sheet)[Math.min(here.index, all(".pick", sheet).length - 1)];
    const button = here.again && found && found.dataset.key === here.name && $(`button[data-do="${here.again}"], select[data-do="${here.again}"]`, found);
    (button || found || $("#issue")).focus();
  }
}
let wanted = "", held = false;
const follows = () => setTimeout(() => { if (stale && !typing() && !held) refresh().catch(() => {}); }, 0);
document.addEventListener("pointerdown", () => { held = true; }, true); // a page redrawn between press and release eats the click
for (const end of ["pointerup", "pointercancel", "dragend"]) document.addEventListener(end, () => { held = false; follows(); }, true);

function mark(told) {
  $("#state").textContent = told.state;
  $("#picks").textContent = told.picks;
  for (const row of all(".row")) {
    row.dataset.mark = told.marks[row.dataset.key] || " ";
    for (const button of all('[data-do="pick"]', row)) button.setAttribute("aria-pressed", row.dataset.mark === "x");
    for (const button of all('[data-do="reject"]', row)) button.setAttribute("aria-pressed", row.dataset.mark === "-");
    label(row);
  }
  if (reading) read(entryFor(reading.name, $(reading.column)), true);
}

function label(row) {
  const state = row.dataset.mark === "x" ? "Picked" : row.dataset.mark === "-" ? "Rejected" : row.dataset.maybe !== undefined ? "Maybe" : "";
  $(".mark", row).textContent = state;
}

const refresh = () => fetch(`/${period}/issue`, { headers: { Accept: "application/json" } }).then(async (answer) => {
  const told = await answer.json();
  if (answer.ok) show(told); else say([told.error, told.hint].join(" → "), true);
});

async function follow() { // the file, or another tab, may have changed the sheet
  const sent = queue; // of what is on its way the answer would look like another's
  await sent;
  try {
    const answer = await fetch(`/${period}/state`, { headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (queue !== sent) return;
    if (!answer.ok) say([told.error, told.hint].join(" → "), true);
    else if (told.version !== version && !typing() && !unsaved.size) {
      const before = works();
      await refresh();
      if (!own.has(told.version)) say(`Changed outside this tab: ${differences(before, works())}`);
    }
    else if (unsaved.size) for (const field of unsaved) save(field);
  } catch { say("The desk does not respond. Your text stays on this page.", true); }
}

const works = () => new Map(all(".pick", sheet).map((entry) => [entry.dataset.key, { name: $('[data-action="title"]', entry).value, text: $('[data-action="blurb"]', entry).value }]));
function differences(before, after) {
  const short = (name) => `“${name.length > 40 ? `${name.slice(0, 39)}…` : name}”`;
  const parts = [];
  for (const [name, work] of after) if (!before.has(name)) parts.push(`${short(work.name)} added`); else if (before.get(name).text !== work.text || before.get(name).name !== work.name) parts.push(`${short(work.name)} edited`);
  for (const [name, work] of before) if (!after.has(name)) parts.push(`${short(work.name)} removed`);
  return parts.length > 3 ? `${parts.slice(0, 3).join(", ")} and ${parts.length - 3} more` : parts.join(", ") || "texts or order of the issue";
}

let waiting = 0;
const later = (job, wait = 400) => { clearTimeout(waiting); waiting = setTimeout(job, wait); };
function preview() {
  for (const frame of all("#preview iframe")) {
    if (frame.closest("[hidden]")) frame.dataset.old = "";
    else reload(frame);
  }
  gates();
}
function reload(frame) {
  const inside = () => frame.contentDocument && frame.contentWindow; // null while the browser shows an error page there
  const top = inside() ? frame.contentWindow.scrollY : 0;
  frame.addEventListener("load", () => inside() && frame.contentWindow.scrollTo(0, top), { once: true });
  delete frame.dataset.old;
  if (frame.dataset.src) { frame.src = frame.dataset.src; delete frame.dataset.src; } else if (inside()) frame.contentWindow.location.reload();
  else frame.src = frame.src;
}
let checks = "";
async function gates() {
  const answer = await fetch(`/${period}/gates`).catch(() => null);
  if (!answer) return; // `follow` says that the desk does not respond
  const html = await answer.text(), panel = $("#gates"), within = panel.contains(document.activeElement);
  if (html !== checks) { // redrawn only when it differs: ticks and focus stay
    panel.innerHTML = checks = html;
    if (within) ($(".primary", panel) || $("button", panel) || panel).focus();
  }
  const list = $(".problems"), count = list ? Number(list.dataset.count) : 0;
  $("#open-gates").textContent = count ? `${count} open` : "";
}

async function release() {
  const answer = await fetch(`/${period}/release`).catch(() => null);
  if (answer) $("#release").innerHTML = await answer.text();
}
function confirmed(text) { // a second yes
  const dialog = $("#confirm");
  $("#confirm-text").textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
async function take(form) {
  const fields = Object.fromEntries(new FormData(form)), { step: name, confirm } = form.dataset;
  if (confirm && !(await confirmed(confirm))) { say("Nothing was done"); return; }
  for (const button of all("button", $("#release"))) button.disabled = true;
  const told = await send("release", () => ({ step: name, confirmed: Boolean(confirm), ...fields }), "Working …").catch((error) => ({ said: error.message, failed: true }));
  if (!told.failed) show(told);
  await release();
  if (!told.failed) gates();
  const outcome = $(".outcome"), lines = [told.said, ...(told.details || [])];
  outcome.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  $("#release").focus();
}

// -- fields that save themselves ----------------------------------------------------------------------------------

const unsaved = new Set(), sending = new Map(); // fields; texts on their way, by the name of their field
const name = (field) => `desk:${period}:${field.dataset.action}:${field.dataset.field || ""}:${field.dataset.section || ""}:${field.dataset.key || ""}`;
const typing = () => { const field = document.activeElement; return Boolean(field && field.matches("[data-action], .add input") && sheet.contains(field)); };

function prepare() {
  for (const field of all("[data-action]", sheet)) {
    field.dataset.base = version;
    field.saved = field.value;
    fit(field);
    count(field);
    const kept = localStorage.getItem(name(field));
    if (kept !== null && sending.get(name(field)) === kept) field.saved = field.value = kept; // it is on its way
    else if (kept !== null && kept !== field.value && !field.matches(":disabled")) {
      field.value = kept;
      const edit = field.closest(".edit"), folded = field.closest(".relink, .rehighlight, .reverdict");
      if (folded) folded.hidden = false;
      if (edit) { edit.hidden = false; $(".blurb", entryOf(field)).hidden = true; }
      say("Text that could not be saved was restored");
      save(field);
    }
  }
}
function count(field) {
  const shown = field.dataset.field && $(`[data-counts="${field.dataset.field}"]`, field.closest("label")), length = field.value.split(/\s+/).filter(Boolean).length;
  if (shown) shown.textContent = length === 1 ? "1 word" : `${length} words`;
}
const fits = CSS.supports("field-sizing", "content");
function fit(field) { if (!fits && field.dataset.oneLine !== undefined && field.scrollHeight) { field.style.height = "auto"; field.style.height = `${field.scrollHeight + 2}px`; } }

function save(field) {
  clearTimeout(field.timer);
  const text = field.value;
  if (text === field.saved) return queue;
  unsaved.add(field);
  localStorage.setItem(name(field), text);
  const fields = { action: field.dataset.action, text };
  for (const part of ["field", "section", "key"]) if (field.dataset[part]) fields[part] = field.dataset[part];
  sending.set(name(field), text);
  const arrived = () => { if (sending.get(name(field)) === text) sending.delete(name(field)); };
  return send("edit", () => ({ ...fields, version: Number(field.dataset.base) })).finally(arrived).then((told) => {
    remember(Number(field.dataset.base), told, "Edited");
    field.saved = text;
    field.dataset.base = told.version;
    if (field.value === text) { unsaved.delete(field); localStorage.removeItem(name(field)); }
    show(told);
  }).catch((error) => { if (error.answered) unsaved.delete(field); });
}
sheet.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches("[data-action]") || field.type === "url") return; // half an address is none: it waits for the end
  fit(field);
  count(field);
  unsaved.add(field);
  localStorage.setItem(name(field), field.value);
  clearTimeout(field.timer);
  field.timer = setTimeout(() => save(field), 900);
});
sheet.addEventListener("focusout", (event) => {
  const field = event.target;
  if (!field.matches("[data-action]")) { follows(); return; }
  const edit = field.closest(".edit"), entry = entryOf(field);
  if (edit && field.value === field.saved && !stale) close(entry);
  const folded = field.closest(".relink, .rehighlight, .reverdict");
  if (folded && field.value === field.saved) folded.hidden = true;
  save(field).then(follows);
});
window.addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });

function edit(entry) {
  const field = entry && $('[data-action="blurb"]', entry);
  if (!field || field.matches(":disabled")) return;
  field.closest(".edit").hidden = false;
  $(".blurb", entry).hidden = true;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}
function close(entry) { $(".edit", entry).hidden = true; $(".blurb", entry).hidden = false; }

// -- what can be done to a work -----------------------------------------------------------------------------------

const picked = (entry) => entry.matches(".pick") || entry.dataset.mark === "x";
const sections = () => all(".block", sheet);
function step(entry, by) {
  const list = all(".pick", entry.parentElement), there = list.indexOf(entry) + by, section = entry.closest(".block").dataset.section;
  if (there < 0 || there >= list.length) return;
  const before = list[by > 0 ? there + 1 : there];
  act("pick", { key: entry.dataset.key, section, before: before ? before.dataset.key : "" });
}
function unfold(entry, action) {
  const field = $(`[data-action="${action}"]`, entry);
  if (field && !field.matches(":disabled")) { field.closest("label").hidden = false; field.focus(); field.select(); }
}
async function triage(name, entries, set) {
  for (const entry of entries) { if (set) entry.dataset[name] = ""; else delete entry.dataset[name]; if (entry.matches(".row")) label(entry); }
  await post("triage", { name, keys: entries.map((entry) => entry.dataset.key), set }).then(() => say(name === "seen" ? `${entries.length} seen` : set ? "Maybe" : "Not maybe any more"), (error) => say(error.message, true));
}
const chosen = (entry) => { const some = entry && entry.matches(".row") ? all(".row[data-selected]", rows) : []; return some.length ? some : [entry]; };
function together(entry, does) { // one undo for all
  const of = ++group, some = chosen(entry);
  for (const one of some) does(one, of);
  if (some.length > 1) for (const one of some) delete one.dataset.selected;
}
const DO = {
  pick: (entry) => together(entry, (one, of) => act(picked(one) ? "open" : "pick", { key: one.dataset.key }, of)),
  reject: (entry) => together(entry, (one, of) => act(one.dataset.mark === "-" ? "open" : "reject", { key: one.dataset.key }, of)),
  open: (entry) => act("open", { key: entry.dataset.key }),
  maybe: (entry) => triage("maybe", [entry], entry.dataset.maybe === undefined),
  source: (entry) => { window.open(entry.dataset.url, "_blank", "noopener,noreferrer"); },
  highlight: (entry) => unfold(entry, "highlight"),
  verdict: (entry) => unfold(entry, "verdict"),
  sign: (entry) => act("sign", { key: entry.dataset.key }),
  strike: (entry) => act("strike", { key: entry.dataset.key }),
  edit: (entry) => edit(entry.matches(".pick") ? entry : entryFor(entry.dataset.key, sheet)),
  title: (entry) => { const field = $('[data-action="title"]', entry); if (field) { field.focus(); field.select(); } },
  words: (entry) => {
    wanted = entry.dataset.key;
    send("words", () => ({ key: entry.dataset.key })).then(show).catch(() => {});
  },
  up: (entry) => step(entry, -1),
  down: (entry) => step(entry, 1),
  note: (entry) => act("mark", { key: entry.dataset.key, field: "note", text: $('[data-do="note"]', entry).getAttribute("aria-pressed") === "true" ? "" : "yes" }),
  mark: (entry, button) => act("mark", { key: entry.dataset.key, field: button.dataset.field, text: button.dataset.text }),
  choose: (entry, button) => act("choose", { key: entry.dataset.key, text: button.dataset.text }),
  settle: (_, button) => { const { key: of, field, text } = button.closest(".conflict").dataset; act("settle", { ...(of ? { key: of } : {}), field, text, take: button.dataset.take }); },
  link: (entry) => unfold(entry, "link"),
  unlink: (entry) => act("link", { key: entry.dataset.key, text: "" }),
  unaddress: (_, button) => act("unaddress", { section: button.dataset.section, url: button.dataset.url }),
  "close-section": (_, button) => act("close-section", { section: button.dataset.section }),
  same: (entry, button) => act("same", { key: entry.dataset.key, other: button.dataset.other }).then(() => load()).catch(() => {}),
  differ: (entry, button) => act("differ", { key: entry.dataset.key, other: button.dataset.other }).then(() => load()).catch(() => {}),
  links: () => send("links", () => ({}), "Checking the links …").then(show).catch(() => {}),
  reopen: () => send("reopen", () => ({})).then(show).catch(() => {}),
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && button.tagName !== "SELECT") DO[button.dataset.do](entryOf(button), button);
  const go = event.target.closest("[data-goto]");
  if (go) { pane("issue"); focus(entryFor(go.dataset.goto, sheet)); }
  const goField = event.target.closest("[data-goto-field]");
  if (goField) { pane("issue"); const field = $(`[data-field="${goField.dataset.gotoField}"]`, sheet); if (field) { field.focus(); field.scrollIntoView({ block: "center" }); } }
  const row = event.target.closest(".row");
  if (row && !event.target.closest("button, a, summary")) { focus(row); if (narrow.matches) pane("preview"); }
  const more = event.target.closest(".more");
  if (more) load(more.dataset.offset).catch(() => {});
});
document.addEventListener("change", (event) => {
  if (event.target.matches('[data-do="section"]')) act("pick", { key: entryOf(event.target).dataset.key, section: event.target.value });
});
document.addEventListener("submit", (event) => {
  if (event.target.method === "dialog") return;
  event.preventDefault();
  if (event.target.dataset.step) { take(event.target); return; }
  const form = new FormData(event.target);
  if (event.target.matches(".add")) { event.target.reset(); document.activeElement.blur(); } // what stood there is on its way
  if (event.target.id === "open-section") act("open-section", { title: form.get("title") });
  else if (event.target.matches(".add")) act("address", { section: event.target.dataset.section, url: form.get("url") });
  if (event.target.id === "approve") {
    const words = { sign: form.has("sign"), accept_gaps: form.has("accept_gaps") };
    queue.then(() => stale && refresh()).then(() => send("approve", () => ({ version, ...words }), "Checking links and draft …")).then(show).catch(() => gates());
  }
});

// -- the shortlist ------------------------------------------------------------------------------------------------

async function load(offset = "") {
  const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
  if (!offset) history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  if (offset) query.set("offset", offset);
  const answer = await fetch(`/${period}/shortlist?${query}`), text = await answer.text();
  if (!offset) { rows.innerHTML = text; all(".row", rows).forEach(label); if (reading) read(entryFor(reading.name, $(reading.column)), true); return; }
  $(".more", rows).remove();
  const more = document.createRange().createContextualFragment(text), first = $(".row", more);
  all(".row", more).forEach(label);
  rows.append(...all(".rows, .more", more));
  if (first) focus(first);
}
let searching = 0;
filters.addEventListener("input", () => { clearTimeout(searching); searching = setTimeout(() => load().catch(() => {}), 180); });

// -- keys ---------------------------------------------------------------------------------------------------------

function focus(entry) {
  if (!entry) return;
  entry.tabIndex = 0;
  entry.focus({ preventScroll: true });
  entry.scrollIntoView({ block: "nearest" });
}
function pane(which) {
  document.body.dataset.pane = which;
  for (const button of all("[data-show]")) button.setAttribute("aria-pressed", button.dataset.show === which);
}
const narrow = matchMedia("(max-width: 44rem)");
function read(entry, again = false) { // the text of the work at hand, beside the list
  const text = entry && $(".reading", entry);
  if (!text) return;
  const name = entry.dataset.key, column = entry.matches(".row") ? "#rows" : "#sheet", panel = $("#read");
  const same = again && reading && reading.name === name, open = same && all("details[open]", panel).length > 0, focused = same && panel.contains(document.activeElement) && document.activeElement.dataset.do;
  reading = { name, column };
  panel.innerHTML = text.innerHTML;
  if (open) for (const one of all("details", panel)) one.open = true;
  const button = focused && $(`[data-do="${focused}"]`, panel);
  if (button) button.focus();
  if (!same) panel.scrollTop = 0;
}
function walk(by) {
  const here = entryOf(document.activeElement) || (reading && entryFor(reading.name, $(reading.column))), column = here ? here.closest(".column") : $("#shortlist"), list = all(".row, .pick", column);
  focus(here ? list[list.indexOf(here) + by] : list[0]);
}
function select(entry) {
  if (entry.dataset.selected === undefined) entry.dataset.selected = ""; else delete entry.dataset.selected;
  say(`${all(".row[data-selected]", rows).length} selected`);
}
const blockOf = (digit) => sections().find((block) => { const number = $("kbd", block); return number && number.textContent === digit; });
function decide(entry, action) { if ($(`[data-do="${action}"]`, entry)) DO[action](entry); else say("No proposed verdict here"); }
function across(which) { pane(which); focus($(".row, .pick", $(`#${which}`))); }
const KEYS = {
  j: () => walk(1), k: () => walk(-1), ArrowDown: () => walk(1), ArrowUp: () => walk(-1),
  ArrowLeft: () => across("shortlist"), ArrowRight: () => across("issue"), l: () => across("issue"),
  h: (entry) => { if (entry && entry.matches(".pick")) DO.highlight(entry); else across("shortlist"); },
  x: DO.pick, r: DO.reject, e: DO.edit, t: DO.title, w: DO.words, n: DO.note, J: DO.down, K: DO.up, o: DO.source,
  m: (entry) => { const some = chosen(entry); triage("maybe", some, some.some((one) => one.dataset.maybe === undefined)); },
  s: (entry) => { if (entry.matches(".row")) triage("seen", all(".row", rows).slice(0, all(".row", rows).indexOf(entry) + 1), true); },
  v: (entry) => { if (entry.matches(".row")) select(entry); },
  u: () => undo(),
  i: () => { pane("issue"); $('[data-field="intro"]', sheet).focus(); },
  S: () => { pane("issue"); const field = $('[data-field="subject"]', sheet); field.closest("details").open = true; field.focus(); },
  b: DO.verdict,
  y: (entry) => decide(entry, "sign"),
  Y: (entry) => decide(entry, "strike"),
  a: async () => { pane("preview"); await tab($("#tab-gates")); ($("#approve .primary") || $("#gates button") || $("#gates")).focus(); },
  P: async () => { pane("preview"); await tab($("#tab-release")); ($("#release button, #release input") || $("#release")).focus(); },
  p: () => { pane("preview"); tab($("#tab-read").getAttribute("aria-selected") === "true" ? $("#tab-post") : $("#tab-read")); },
  "/": () => { pane("shortlist"); $("#search").focus(); $("#search").select(); },
  "?": () => $("#help").showModal(),
};
const FOR_PICKS = "twnJKbyY", ANYWHERE = ["j", "k", "h", "l", "u", "i", "S", "p", "a", "P", "/", "?", "ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp"];
let going = false;
document.addEventListener("keydown", (event) => {
  const at = event.target, entry = entryOf(at);
  if (event.key === "Escape" && at.matches("input, textarea, select")) {
    event.preventDefault();
    if (entry) focus(entry); else if (at.id === "search") focus($(".row", rows)); else at.blur();
    return;
  }
  if (event.key === "Enter" && ((at.matches("textarea") && (at.dataset.oneLine !== undefined || event.ctrlKey)) || at.matches("input[data-action]"))) { event.preventDefault(); if (entry) focus(entry); else at.blur(); return; }
  if (event.key === "Enter" && at.id === "search") { event.preventDefault(); focus($(".row", rows)); return; }
  if (at.matches("input, textarea, select, [role=tab]") || $("dialog[open]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); undo(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[1-8]$/.test(event.key) && (entry || going)) {
    const section = blockOf(event.key);
    event.preventDefault();
    if (section && going) { pane("issue"); section.scrollIntoView({ block: "start" }); focus($(".pick", section) || $("input", section)); }
    else if (section) together(entry, (one, of) => act("pick", { key: one.dataset.key, section: section.dataset.section }, of));
    going = false;
    return;
  }
  going = event.key === "g";
  const does = KEYS[event.key];
  if (!does || !(ANYWHERE.includes(event.key) || entry) || (FOR_PICKS.includes(event.key) && !(entry && entry.matches(".pick")))) return;
  event.preventDefault();
  does(entry);
});
document.addEventListener("focusin", (event) => {
  const entry = entryOf(event.target);
  if (!entry || event.target.closest("#read")) return;
  for (const one of all('.row[tabindex="0"], .pick[tabindex="0"]', entry.closest(".column"))) if (one !== entry) one.tabIndex = -1;
  entry.tabIndex = 0;
  if (!event.target.closest("#read")) read(entry);
});
$("#density").addEventListener("click", () => {
  const compact = document.body.dataset.density !== "compact";
  document.body.dataset.density = compact ? "compact" : "";
  $("#density").setAttribute("aria-pressed", compact);
  localStorage.setItem("desk:density", document.body.dataset.density);
});
if (localStorage.getItem("desk:density") === "compact") $("#density").click();

// -- dragging -----------------------------------------------------------------------------------------------------

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest && event.target.closest('[draggable="true"]');
  if (dragged) { event.dataTransfer.setData("text/plain", dragged.dataset.key); event.dataTransfer.effectAllowed = "move"; }
});
const target = (event) => dragged && (event.target.closest("#sheet .pick") || event.target.closest("#sheet .block"));
document.addEventListener("dragover", (event) => {
  for (const one of all(".over")) one.classList.remove("over");
  const place = target(event);
  if (place && place !== dragged) { event.preventDefault(); place.classList.add("over"); }
});
document.addEventListener("drop", (event) => {
  const place = target(event);
  if (!place || place === dragged) return;
  event.preventDefault();
  act("pick", { key: dragged.dataset.key, section: place.closest(".block").dataset.section, before: place.matches(".pick") ? place.dataset.key : "" });
});
document.addEventListener("dragend", () => { dragged = null; for (const one of all(".over")) one.classList.remove("over"); });

// -- columns, tabs, help ------------------------------------------------------------------------------------------

for (const button of all("[data-show]")) button.addEventListener("click", () => pane(button.dataset.show));
$("#help-button").addEventListener("click", () => $("#help").showModal());
const tabs = all('[role="tab"]');
function tab(chosen) {
  for (const one of tabs) {
    const on = one === chosen, panel = document.getElementById(one.getAttribute("aria-controls"));
    one.setAttribute("aria-selected", on);
    one.tabIndex = on ? 0 : -1;
    panel.hidden = !on;
    const frame = on && $("iframe", panel);
    if (frame && (frame.dataset.src || frame.dataset.old !== undefined)) reload(frame);
  }
  return chosen.id === "tab-gates" ? gates() : chosen.id === "tab-release" ? release() : undefined;
}
for (const one of tabs) {
  one.addEventListener("click", () => tab(one));
  one.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { const next = tabs[(tabs.indexOf(one) + by + tabs.length) % tabs.length]; tab(next); next.focus(); }
  });
}
all(".row", rows).forEach(label);
prepare();
gates();
setInterval(follow, 2500);
