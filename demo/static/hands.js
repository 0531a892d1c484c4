// What hands and ears meet: sending what people do, the keypad, the tray of cards, the sounds of the glass. Loaded before
// page.js, whose state it shares.
"use strict";

const SHORTCUTS = {
  Enter: "enter", Backspace: "clear", Escape: "cancel", ",": "00", m: "member", $: "cash", c: "cash", r: "reprint",
  l: "lang", s: "signout", v: "stored", b: "points", t: "topup", p: "slip", g: "redeem", u: "refund", z: "report",
  n: "training", "=": "menu",
};
const KEY_ROWS = [
  "stored", "points", "topup", "slip", "redeem",
  "refund", "report", "training", "menu", "reprint",
  "7", "8", "9", "member", "clear",
  "4", "5", "6", "lang", "cancel",
  "1", "2", "3", "signout", "enter",
  "0", "00", ".", "cash",
];
const HINTS = {
  stored: "V", points: "B", topup: "T", slip: "P", redeem: "G", refund: "U", report: "Z", training: "N", menu: "=",
  member: "M", clear: "⌫", reprint: "R", cancel: "Esc", lang: "L", signout: "S", cash: "C", enter: "↵", "00": ",",
};

let muted = false;
let audio = null;

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
