// Draws what the stage says and sends what people do. The stage's words are never trusted as markup: text goes in as text.
"use strict";

const $ = (id) => document.getElementById(id);
const BLOCKS_MOST = 60;
const SALES_FIRST = 5;
const SHORTCUTS = {
  Enter: "enter", Backspace: "clear", Escape: "cancel", ",": "00", m: "member", $: "cash", c: "cash", r: "reprint",
  l: "lang", s: "signout",
};
const KEY_ROWS = [
  "7", "8", "9", "member", "clear",
  "4", "5", "6", "reprint", "cancel",
  "1", "2", "3", "lang", "signout",
  "0", "00", ".", "cash", "enter",
];
const HINTS = { member: "M", clear: "⌫", reprint: "R", cancel: "Esc", lang: "L", signout: "S", cash: "C", enter: "↵", "00": "," };

let lang = "zh";
let state = null;
let chosenCode = "";
let allSales = false;
let muted = false;
let audio = null;
let heard = null;
let drawn = new Map(); // What each part was last drawn from, so that only what changed is drawn again.

// --- words --------------------------------------------------------------------------------------------------------

function word(path, ...values) {
  let found = WORDS[lang];
  for (const step of path.split(".")) found = found && found[step];
  if (typeof found !== "string") return path.split(".").pop();
  return values.reduce((text, value, index) => text.replace(`{${index}}`, value), found);
}

const own = (item, name = "") => item[name ? `${name}_${lang}` : lang];

function money(minor) {
  const digits = String(Math.abs(minor)).padStart(3, "0");
  const units = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${minor < 0 ? "−" : ""}${units}.${digits.slice(-2)}`;
}

const amount = (value, unit) => (unit === "points" ? String(value).replace("-", "−") : money(value));
const unitName = (unit) => WORDS[lang].units[unit] || unit;

function age(seconds) {
  if (seconds < 90) return word("seconds", seconds);
  if (seconds < 5400) return word("minutes", Math.round(seconds / 60));
  return word("hours", Math.round(seconds / 3600));
}

function speak(next) {
  lang = next;
  try { localStorage.setItem("tapledger-lang", next); } catch { /* A browser may keep no memory; the page works without. */ }
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  for (const item of document.querySelectorAll("[data-t]")) item.textContent = word(item.dataset.t);
  for (const item of document.querySelectorAll("[data-t-label]")) item.setAttribute("aria-label", word(item.dataset.tLabel));
  for (const item of document.querySelectorAll("[data-lang]")) item.setAttribute("aria-pressed", item.dataset.lang === next);
  drawn = new Map();
  drawKeypad();
  drawMute();
  drawBanner();
  if (state) draw(state);
}

// --- building -----------------------------------------------------------------------------------------------------

function make(tag, attributes = {}, ...inside) {
  const item = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") item.className = value;
    else if (name.startsWith("on")) item.addEventListener(name.slice(2), value);
    else item.setAttribute(name, value);
  }
  item.append(...inside);
  return item;
}

// Calls `paint` where `value` or the language is not what part `name` was last drawn from.
function when(name, value, paint) {
  const now = JSON.stringify(value);
  const before = drawn.get(name);
  if (before === now) return;
  drawn.set(name, now);
  paint(value, before === undefined);
}

// Draws a list anew and lets those rows light up that were not there before.
function list(holder, items, key, row, none) {
  const known = holder.known;
  holder.known = new Set(items.map(key));
  holder.replaceChildren(...items.map((item) => {
    const made = row(item);
    if (known && !known.has(key(item))) made.classList.add("fresh");
    return made;
  }));
  if (!items.length && none) holder.append(none);
}

// --- what people do -----------------------------------------------------------------------------------------------

async function send(action, body) {
  let answer;
  try {
    answer = await fetch(`/api/${action}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (answer.ok) return true;
    const { reason, detail, detail_zh: inChinese } = await answer.json();
    toast((lang === "zh" && inChinese) || (answer.status === 409 && detail) || word(`problems.${reason}`), reason, detail);
  } catch {
    toast(word("problems.no_answer"), "no_answer", "");
  }
  return false;
}

function toast(text, reason, detail) {
  const more = [reason, detail].filter((part) => part && part !== text).join(" · ");
  const item = make("div", { class: "toast", "data-reason": reason }, text, make("code", {}, more));
  $("toasts").append(item);
  setTimeout(() => item.remove(), 6000);
  while ($("toasts").children.length > 3) $("toasts").firstChild.remove();
}

// Keys go one after the other, in the order they were pressed, however fast.
let pressing = Promise.resolve();
function press(key) {
  listen();
  const button = $("keypad").querySelector(`[data-key="${CSS.escape(key)}"]`);
  button.classList.add("down");
  setTimeout(() => button.classList.remove("down"), 110);
  pressing = pressing.then(() => send("press", { key }));
}

async function flip(button, action) {
  listen();
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  await send(action, { on: button.getAttribute("aria-checked") !== "true" });
  button.removeAttribute("aria-busy");
}

async function scan(text) {
  listen();
  if (!text || !(await send("scan", { text })) || text !== chosenCode) return;
  $("code").classList.add("read");
  setTimeout(() => $("code").classList.remove("read"), 600);
}

async function publish(button, pack) {
  button.disabled = true;
  button.textContent = word("publishing");
  if (!(await send("publish", { pack }))) {
    drawn.delete("packs");
    if (state) draw(state);
  }
}

// --- the keypad ---------------------------------------------------------------------------------------------------

function drawKeypad() {
  $("keypad").replaceChildren(...KEY_ROWS.map((key) => {
    const named = WORDS.zh.keys[key];
    const other = lang === "zh" ? "en" : "zh";
    const button = make("button", { type: "button", "data-key": key, class: named ? "key word" : "key" });
    if (key === "cash") button.classList.add("pay");
    if (key === "enter") button.classList.add("go");
    if (named) button.append(WORDS[lang].keys[key], make("small", {}, WORDS[other].keys[key]));
    else button.append(key);
    if (HINTS[key]) button.append(make("kbd", { "aria-hidden": "true" }, HINTS[key]));
    button.addEventListener("click", () => press(key));
    return button;
  }));
}

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea") || $("paper-view").open) return;
  if (event.target.matches("button") && (event.key === "Enter" || event.key === " ")) return;
  const key = /^[0-9.]$/.test(event.key) ? event.key : SHORTCUTS[event.key];
  if (!key || (event.repeat && key !== "clear")) return;
  event.preventDefault();
  press(key);
}

// --- cards ----------------------------------------------------------------------------------------------------------

function drawCards(cards) {
  $("cards").style.setProperty("--cards", cards.length);
  $("cards").replaceChildren(...cards.map((card) => {
    const item = make("button", { type: "button", class: "card", "data-card": card.name, "data-look": card.look },
      make("b", {}, own(card)), make("small", {}, own(card, "note")));
    item.addEventListener("pointerdown", (event) => drag(event, item, card));
    item.addEventListener("click", (event) => { if (event.detail === 0) tap(item, card, ghostOf(item)); });
    return item;
  }));
}

function ghostOf(item) {
  const at = item.getBoundingClientRect();
  const ghost = item.cloneNode(true);
  ghost.classList.add("ghost");
  ghost.removeAttribute("data-card");
  ghost.setAttribute("aria-hidden", "true");
  Object.assign(ghost.style, { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` });
  document.body.append(ghost);
  return ghost;
}

function drag(down, item, card) {
  if (down.button !== 0) return;
  down.preventDefault();
  item.focus({ preventScroll: true });
  const ghost = ghostOf(item);
  const home = item.getBoundingClientRect();
  let moved = false;
  const over = (event) => {
    const at = $("reader").getBoundingClientRect();
    return event.clientX > at.left && event.clientX < at.right && event.clientY > at.top && event.clientY < at.bottom;
  };
  const follow = (event) => {
    if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > 6) moved = true;
    ghost.style.left = `${home.left + event.clientX - down.clientX}px`;
    ghost.style.top = `${home.top + event.clientY - down.clientY}px`;
    $("reader").classList.toggle("wanted", over(event));
  };
  const stop = (event) => {
    for (const [name, act] of [["pointermove", follow], ["pointerup", stop], ["pointercancel", stop]]) {
      window.removeEventListener(name, act);
    }
    $("reader").classList.remove("wanted");
    if (event.type === "pointerup" && (!moved || over(event))) tap(item, card, ghost);
    else ghost.remove();
  };
  window.addEventListener("pointermove", follow);
  window.addEventListener("pointerup", stop);
  window.addEventListener("pointercancel", stop);
}

async function tap(item, card, ghost) {
  listen();
  const reader = $("reader");
  if (reader.classList.contains("reading")) { ghost.remove(); return; }
  const from = ghost.getBoundingClientRect();
  const to = reader.getBoundingClientRect();
  const way = `translate(${to.left + to.width / 2 - from.left - from.width / 2}px, ${to.top + to.height / 2 - from.top - from.height / 2}px) scale(.62)`;
  item.classList.add("away");
  reader.classList.add("reading");
  ghost.style.setProperty("transform", "none", "");
  const quick = { duration: 260, easing: "ease-in-out", fill: "forwards" };
  const fly = ghost.animate([{ transform: "none" }, { transform: way }], quick).finished;
  await fly;
  const sent = send("tap", { card: card.name });
  if (card.look !== "pulled") await sent;
  await ghost.animate([{ transform: way }, { transform: "none", opacity: .3 }], { ...quick, delay: card.look === "pulled" ? 60 : 160 }).finished;
  await sent;
  ghost.remove();
  item.classList.remove("away");
  reader.classList.remove("reading");
}

// --- sound ----------------------------------------------------------------------------------------------------------

const TUNES = { // Notes of a sound: hertz, start and length in seconds.
  success: [[880, 0, 0.09], [1318, 0.1, 0.16]],
  refused: [[196, 0, 0.14], [165, 0.17, 0.22]],
  attention: [[660, 0, 0.08], [660, 0.14, 0.08]],
};

// A browser lets a page sound only after somebody has touched it.
function listen() {
  if (muted) return;
  try {
    audio = audio || new AudioContext();
    if (audio.state === "suspended") audio.resume();
  } catch { /* No sound card: the pulse is still seen. */ }
}

function sound(name) {
  const speaker = $("speaker");
  speaker.classList.remove("pulse");
  speaker.dataset.sound = name;
  void speaker.offsetWidth; // Lets the pulse begin anew.
  speaker.classList.add("pulse");
  setTimeout(() => speaker.classList.remove("pulse"), 800);
  if (muted || !audio || audio.state !== "running") return;
  for (const [hertz, start, length] of TUNES[name] || TUNES.attention) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    const at = audio.currentTime + start;
    tone.type = "triangle";
    tone.frequency.value = hertz;
    loud.gain.setValueAtTime(0, at);
    loud.gain.linearRampToValueAtTime(0.16, at + 0.012);
    loud.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(loud).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length + 0.02);
  }
}

function drawMute() {
  const cross = muted ? "M15 9l6 6M21 9l-6 6" : "M15.5 8.5a5 5 0 0 1 0 7M18.5 5.5a9 9 0 0 1 0 13";
  $("mute").innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9.5h3l5-4v13l-5-4H4z"/><path d="${cross}"/></svg>`;
  $("mute").setAttribute("aria-pressed", muted);
  $("mute").setAttribute("aria-label", word(muted ? "unmute" : "mute"));
  $("mute").title = word(muted ? "unmute" : "mute");
}

// --- the terminal ---------------------------------------------------------------------------------------------------

let wanted = 0;
function drawTft(tft) {
  $("frame").textContent = tft.frame;
  const text = tft.text.join("\n");
  const mirror = $("tft-text");
  if (mirror.textContent !== text) mirror.textContent = text;
  mirror.lang = tft.lang === "zh" ? "zh-CN" : "en";
  mirror.dataset.frame = tft.frame;
  mirror.dataset.columns = Math.min(3, Math.ceil(tft.text.length / 7) || 1);
  if (!tft.frame) { $("tft").dataset.frame = 0; $("tft").removeAttribute("src"); return; }
  if (Number($("tft").dataset.frame) === tft.frame) return;
  wanted = tft.frame;
  const next = new Image();
  next.onload = () => {
    if (wanted !== tft.frame) return;
    $("tft").src = next.src;
    $("tft").dataset.frame = tft.frame;
  };
  next.src = `/tft.png?frame=${tft.frame}`;
}

function drawJournal(journal) {
  $("journal-head").textContent = journal.head;
  $("journal-acked").textContent = journal.acked;
  $("journal-backlog").textContent = journal.backlog;
  $("journal-backlog").parentElement.dataset.some = journal.backlog > 0;
  $("journal-oldest").textContent = journal.backlog ? word("oldest", age(journal.oldest_s)) : "";
  const holder = $("blocks");
  const room = Math.max(4, Math.min(BLOCKS_MOST, Math.floor(holder.clientWidth / 19) - 2));
  const first = Math.max(1, journal.head - room + 1);
  const have = new Map([...holder.children].filter((item) => item.dataset.seq).map((item) => [Number(item.dataset.seq), item]));
  const items = [];
  if (first > 1) items.push(make("li", { class: "many" }, `+${first - 1}`));
  for (let seq = first; seq <= journal.head; seq += 1) {
    const item = have.get(seq) || make("li", { "data-seq": seq, title: `#${seq}` });
    item.classList.toggle("solid", seq <= journal.acked);
    items.push(item);
  }
  const same = items.length === holder.children.length && items.every((item, index) => item === holder.children[index]);
  if (!same) holder.replaceChildren(...items);
}

// --- paper ----------------------------------------------------------------------------------------------------------

function drawReceipts(receipts, first) {
  const holder = $("receipts");
  const have = new Map([...holder.querySelectorAll(".receipt")].map((item) => [item.dataset.receipt, item]));
  const items = receipts.map((receipt) => {
    const source = `/receipts/${receipt.id}.png?rows=${receipt.rows.length}`;
    let item = have.get(String(receipt.id));
    if (!item) {
      const picture = make("img", { alt: "", loading: "lazy" });
      item = make("div", { class: "receipt", "data-receipt": receipt.id }, make("button", { type: "button" }, picture));
      item.firstChild.addEventListener("click", () => enlarge(picture));
      item.classList.add("drawing");
      picture.addEventListener("load", () => comeOut(item, first));
    }
    const picture = item.querySelector("img");
    picture.alt = receipt.rows.join("\n");
    if (picture.getAttribute("src") !== source) picture.setAttribute("src", source);
    item.querySelector("mark")?.remove();
    if (receipt.reprint) item.append(make("mark", {}, word("reprint")));
    return item;
  });
  holder.replaceChildren(...(items.length ? items : [make("p", { class: "none" }, word("noReceipt"))]));
}

// A slip is fed out once its picture is there; the ones that were on the roll before the page was opened just lie there.
function comeOut(item, lying) {
  if (!item.classList.contains("drawing")) return;
  item.classList.remove("drawing");
  if (lying) return;
  $("receipts").scrollTop = 0;
  item.classList.add("fresh");
  setTimeout(() => item.classList.remove("fresh"), 1600);
}

function enlarge(picture) {
  const view = $("paper-view");
  view.querySelector("img").src = picture.src;
  view.querySelector("img").alt = picture.alt;
  view.showModal();
}

// --- head office ----------------------------------------------------------------------------------------------------

function drawTerminal(terminal) {
  const heardAt = terminal.heard_s < 0 ? word("never") : word("heard", age(terminal.heard_s));
  const fact = (name, value, some = false) =>
    make("div", { class: some ? "some" : "" }, make("dt", {}, word(name)), make("dd", { "data-fact": name }, String(value)));
  $("hq-terminal").replaceChildren(
    make("div", {}, `${terminal.address} · ${heardAt}`),
    fact("seq", terminal.seq), fact("ackedShort", terminal.acked), fact("backlogShort", terminal.backlog, terminal.backlog > 0),
  );
}

const nameOf = (member) => state.books.members.find((item) => item.member === member)?.name || member;

function drawSales(sales) {
  const shown = allSales ? sales : sales.slice(0, SALES_FIRST);
  $("more-sales").textContent = sales.length <= SALES_FIRST ? "" : allSales ? word("fewer") : word("more", sales.length);
  list($("sales"), shown, (sale) => sale.receipt, (sale) => {
    const sum = make("div", { class: "sum" });
    if (sale.list_minor !== sale.payable_minor) sum.append(make("s", { title: word("listPrice") }, money(sale.list_minor)));
    sum.append(make("b", {}, money(sale.payable_minor)));
    const proof = (ok, text) => make("span", { "data-ok": ok }, text);
    const priced = sale.verdict === "agrees" ? "true" : sale.verdict === "differs" ? "false" : "open";
    return make("li", { "data-receipt": sale.receipt },
      make("div", { class: "number" }, sale.receipt, " ", make("small", {}, sale.at)), sum,
      make("div", { class: "proof" }, proof(priced, word(sale.verdict)), proof(sale.signed, word("signed")),
        proof(sale.chained, word("chained")), make("em", {}, word("pack", sale.pack_version))),
      make("div", { class: "earned" }, sale.member ? `${nameOf(sale.member)} +${sale.points}` : word("walkIn")));
  }, make("li", { class: "none" }, word("noSale")));
}

function drawMembers(members) {
  const none = make("tr", {}, make("td", { class: "none" }, word("noMember")));
  list($("members").tBodies[0], members, (member) => `${member.member} ${member.points}`, (member) =>
    make("tr", { "data-member": member.member },
      make("td", {}, member.name, make("small", {}, WORDS[lang].tiers[member.tier] || member.tier)),
      make("td", {}, make("b", {}, String(member.points)), make("small", {}, word("points")))), none);
}

function drawDocuments(documents) {
  $("documents").tBodies[0].replaceChildren(...documents.map((item) =>
    make("tr", { "data-kind": item.kind }, make("td", {}, WORDS[lang].kinds[item.kind] || item.kind),
      make("td", {}, String(item.hq_version)),
      make("td", { class: item.hq_version === item.terminal_version ? "" : "late" }, String(item.terminal_version || "–")))));
}

function drawPacks(packs) {
  $("packs").replaceChildren(...packs.map((pack) => {
    const button = make("button", { type: "button", "data-pack": pack.name },
      word(pack.published ? "published" : "publish", own(pack)));
    button.disabled = pack.published;
    button.addEventListener("click", () => publish(button, pack.name));
    return button;
  }));
}

function drawAccounts({ accounts, sums }) {
  $("accounts").tBodies[0].replaceChildren(...accounts.map((row) =>
    make("tr", {}, make("td", {}, row.account),
      make("td", {}, amount(row.amount, row.unit), make("small", {}, unitName(row.unit))))));
  $("accounts").tFoot.replaceChildren(...sums.map((row) =>
    make("tr", { "data-unit": row.unit }, make("td", {}, word("total")),
      make("td", { class: row.amount ? "late" : "" }, amount(row.amount, row.unit), make("small", {}, unitName(row.unit))))));
  if (!accounts.length && !sums.length) {
    $("accounts").tBodies[0].append(make("tr", {}, make("td", { class: "none" }, word("noSale"))));
  }
  const level = sums.every((row) => row.amount === 0);
  $("balance").textContent = accounts.length ? word(level ? "balanced" : "unbalanced") : "";
  $("balance").dataset.ok = level;
}

function drawExceptions(exceptions) {
  $("exception-count").textContent = exceptions.length ? `${word("exceptions")} ${exceptions.length}` : "";
  list($("exceptions"), exceptions, (item) => JSON.stringify(item), (item) =>
    make("li", { "data-code": item.code }, make("time", {}, item.at),
      make("span", {}, make("code", {}, item.code), ` ${item.subject} ${item.detail}`)),
  make("li", { class: "none" }, word("noException")));
}

function drawEvents(events) {
  list($("events"), events, (item) => item.id, (item) =>
    make("li", { "data-tone": item.tone }, make("time", {}, item.at), make("span", {}, own(item))),
  make("li", { class: "none" }, word("noEvent")));
}

// --- everything -----------------------------------------------------------------------------------------------------

function drawSwitch(button, on, yes, no) {
  button.setAttribute("aria-checked", on);
  button.querySelector("b").textContent = word(on ? yes : no);
}

function drawCodes(codes) {
  if (!codes.some((code) => code.name === chosenCode)) chosenCode = codes.length ? codes[0].name : "";
  const chosen = codes.find((code) => code.name === chosenCode);
  $("code-name").textContent = chosen ? own(chosen) : "";
  $("code").disabled = !chosen;
  if (chosen) $("qr").src = `/qr/${encodeURIComponent(chosen.name)}.png`;
  $("codes").replaceChildren(...codes.map((code) => make("button", {
    type: "button", "data-code": code.name, "aria-pressed": code.name === chosenCode,
    onclick: () => { chosenCode = code.name; drawCodes(codes); },
  }, own(code))));
}

function drawParts(parts) {
  $("parts").replaceChildren(...parts.map((part) =>
    make("li", { "data-part": part.name, "data-state": part.state, title: `${word(part.state)} ${part.note}` }, own(part))));
}

function draw(now) {
  const { books } = now;
  document.body.dataset.network = now.network;
  when("parts", now.parts, drawParts);
  when("tft", now.tft, drawTft);
  when("journal", now.journal, drawJournal);
  when("network", now.network, (on) => drawSwitch($("network"), on, "on", "off"));
  when("paper", now.paper, (on) => drawSwitch($("paper"), on, "in", "out"));
  when("printer", now.printer, (printer) => {
    $("printer").textContent = WORDS[lang].printer[printer] || printer;
    $("slot").dataset.trouble = !["ready", "printing"].includes(printer);
  });
  when("cards", now.cards, drawCards);
  when("codes", now.codes, drawCodes);
  when("receipts", now.receipts, (receipts, first) => drawReceipts(receipts, first));
  when("terminal", books.terminal, drawTerminal);
  when("sales", books.sales, drawSales);
  when("members", books.members, drawMembers);
  when("documents", books.documents, drawDocuments);
  when("packs", books.packs, drawPacks);
  when("accounts", { accounts: books.accounts, sums: books.sums }, drawAccounts);
  when("exceptions", books.exceptions, drawExceptions);
  when("events", now.events, drawEvents);
  if (heard !== null && now.sounds.count > heard) sound(now.sounds.last);
  heard = now.sounds.count;
  $("speaker").dataset.count = heard;
}

let trouble = "";
function drawBanner() {
  const link = document.body.dataset.link;
  const text = trouble ? word("trouble", trouble) : link === "live" ? "" : word(link);
  $("banner").textContent = text;
  $("banner").classList.toggle("shown", Boolean(text));
}

function linked(link, reason = "") {
  document.body.dataset.link = link;
  trouble = reason;
  drawBanner();
}

function connect() {
  const stream = new EventSource("/api/state");
  stream.addEventListener("state", (event) => {
    state = JSON.parse(event.data);
    linked("live");
    draw(state);
  });
  stream.addEventListener("trouble", (event) => linked("live", JSON.parse(event.data).detail));
  stream.onerror = () => {
    linked(state ? "lost" : "connecting");
    if (stream.readyState !== EventSource.CLOSED) return; // The browser tries again by itself.
    setTimeout(connect, 1000);
  };
}

for (const button of document.querySelectorAll("[data-lang]")) button.addEventListener("click", () => speak(button.dataset.lang));
$("mute").addEventListener("click", () => { muted = !muted; drawMute(); listen(); });
$("more-sales").addEventListener("click", () => { allSales = !allSales; drawSales(state.books.sales); });
$("network").addEventListener("click", () => flip($("network"), "network"));
$("paper").addEventListener("click", () => flip($("paper"), "paper"));
$("code").addEventListener("click", () => scan(chosenCode));
$("scan").addEventListener("submit", (event) => { event.preventDefault(); scan($("scan-text").value); $("scan-text").value = ""; });
document.addEventListener("keydown", typed);
window.addEventListener("resize", () => { drawn.delete("journal"); if (state) draw(state); });

let kept = new URLSearchParams(location.search).get("lang");
try { kept = kept || localStorage.getItem("tapledger-lang"); } catch { /* As above. */ }
speak(kept === "en" ? "en" : "zh");
connect();
