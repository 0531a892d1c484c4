// Draws what the stage says. The stage's words are never trusted as markup: text goes in as text.
"use strict";

const $ = (id) => document.getElementById(id);
const BLOCKS_MOST = 60;
const SALES_FIRST = 5;
const DRAWER_MS = 2600; // So long somebody has the drawer open.

let lang = "zh";
let state = null;
let chosenCode = "";
let allSales = false;
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

// What a balance was before it last changed, since the page was opened, stands struck out beside it.
const balances = new Map();
function balance(name, value, shown) {
  const known = balances.get(name) || { now: value, before: null };
  if (known.now !== value) { known.before = known.now; known.now = value; }
  balances.set(name, known);
  const cell = make("td", { "data-balance": name });
  if (known.before !== null) cell.append(make("s", {}, shown(known.before)), " ");
  cell.append(make("b", {}, shown(value)));
  return cell;
}

function drawMembers(members) {
  const none = make("tr", {}, make("td", { class: "none" }, word("noMember")));
  list($("members").tBodies[0], members, (member) => `${member.member} ${member.points} ${member.stored_minor}`, (member) =>
    make("tr", { "data-member": member.member },
      make("td", {}, member.name, make("small", {}, WORDS[lang].tiers[member.tier] || member.tier)),
      balance(`${member.member}/stored`, member.stored_minor, money),
      balance(`${member.member}/points`, member.points, String)), none);
}

function drawLent({ loss_minor: loss, leases }) {
  $("loss").textContent = word("loss", money(loss));
  list($("leases").tBodies[0], leases, (lease) => `${lease.lease} ${lease.left}`, (lease) =>
    make("tr", { "data-lease": lease.lease },
      make("td", {}, nameOf(lease.holder), make("small", {}, WORDS[lang].assets[lease.asset] || lease.asset)),
      balance(lease.lease, lease.left, lease.money ? money : String),
      make("td", { class: lease.suspended ? "late" : "" }, make("small", {}, word(lease.suspended ? "suspended" : "until", lease.until)))),
  make("tr", {}, make("td", { class: "none" }, word("noLease"))));
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

// The drawer springs open with each pulse it is sent and is pushed shut again by a hand that nobody sees.
let drawerOpened = null;
let drawerShut = 0;
function drawDrawer(opened) {
  if (drawerOpened !== null && opened > drawerOpened) {
    clearTimeout(drawerShut);
    showDrawer(true);
    drawerShut = setTimeout(() => showDrawer(false), DRAWER_MS);
  } else {
    showDrawer($("drawer").dataset.open === "true");
  }
  drawerOpened = opened;
}

function showDrawer(open) {
  const says = WORDS[lang].drawer[open ? "open" : "shut"];
  $("drawer").dataset.open = open;
  $("drawer").setAttribute("aria-label", says);
  $("drawer").querySelector("span").textContent = says;
}

function draw(now) {
  const { books } = now;
  document.body.dataset.network = now.network;
  when("parts", now.parts, drawParts);
  when("tft", now.tft, drawTft);
  when("journal", now.journal, drawJournal);
  when("network", now.network, (on) => drawSwitch($("network"), on, "on", "off"));
  when("paper", now.paper, (on) => drawSwitch($("paper"), on, "in", "out"));
  when("pole", now.pole.join("\n"), () => {
    [...$("pole").children].forEach((row, at) => { row.textContent = now.pole[at] || ""; });
    $("pole").setAttribute("aria-label", `${WORDS[lang].pole}: ${now.pole.join(" ")}`);
  });
  when("printer", now.printer, (printer) => {
    $("printer").textContent = WORDS[lang].printer[printer] || printer;
    $("slot").dataset.trouble = !["ready", "printing"].includes(printer);
  });
  when("drawer", now.drawer, drawDrawer);
  when("cards", now.cards, drawCards);
  when("codes", now.codes, drawCodes);
  when("receipts", now.receipts, (receipts, first) => drawReceipts(receipts, first));
  when("terminal", books.terminal, drawTerminal);
  when("sales", books.sales, drawSales);
  when("members", books.members, drawMembers);
  when("lent", { lent: books.lent, names: books.members.map((item) => item.name) }, ({ lent }) => drawLent(lent));
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
