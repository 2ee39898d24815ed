// The review page: shows the state that the server gives, and sends one request for each step.

import { ask } from "./ask.js";
import { Player, renderOffline } from "./player.js";
import { Waves } from "./waves.js";

const find = (id) => document.getElementById(id);
const blockS = Number(document.body.dataset.blockS);
const startS = Number(document.body.dataset.startS); // of the first picture, as the file counts
const items = new Map();
const MOST_TRIED = 48; // fewer than the server holds
const SHORTEST_S = 0.1; // what is left of a cue whose start or end moves
const REACH_S = 3; // a crossfade reaches beyond a cue
const MEASURE_AFTER_MS = 1500; // a long film takes half a minute to measure
let state = null;
let player = null;
let selected = null;
let heard = 1;
let tried = new Map();
let readying = 0;
let ready = Promise.resolve();
let readyBlock = null;
let measuring = null;
let replaced = []; // warnings of the film and of tracks whose files are others by now
const replacedTried = new Set(); // the same of alternatives that were heard
let snap = "cut";
let cuts = null; // of the film, once its analysis is kept
let busy = Promise.resolve();

// --- talking to the server ----

async function get(path) {
  const answer = await ask(path);
  const data = await answer.json();
  if (!answer.ok) throw data;
  return data;
}

async function post(path, body) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ revision: state.revision, ...body }),
  });
  const data = await answer.json();
  if (answer.status === 409) {
    await reload();
    throw data;
  }
  if (!answer.ok) throw data;
  return data;
}

function say(text, wrong = false) {
  find("said").textContent = text;
  find("said").classList.toggle("wrong", wrong);
}

const sayFault = (fault) => say(fault.error ? `${fault.error}; ${fault.hint}` : String(fault.message ?? fault), true);

// Steps one after the other: two quick keys must not start from the same revision. A step that depends on the state,
// such as louder, unlock or a start that moves to the next cut, is a function that is called when its turn comes.
function step(path, body, said) {
  busy = busy.then(async () => {
    try {
      const [what, words] = typeof body === "function" ? await body() : [body, said];
      if (what) await show(await post(path, what));
      if (words) say(typeof words === "function" ? words() : words);
    } catch (fault) {
      sayFault(fault);
    }
  });
  return busy;
}

async function reload() {
  await show(await get("state"));
}

// --- small parts ----

function make(name, { text, className, parent, ...rest } = {}, ...children) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  for (const [key, value] of Object.entries(rest)) element.setAttribute(key, value);
  element.append(...children);
  parent?.append(element);
  return element;
}

function clock(timeS) {
  const tenths = Math.round(timeS * 10);
  const [h, m, s] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const seconds = s.toFixed(1).padStart(4, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${seconds}` : `${m}:${seconds}`;
}

const cueOf = (id) => state.cues.find((cue) => cue.id === id);
const percent = (timeS) => `${(100 * timeS) / state.duration_s}%`;
const decibel = (db) => `${db >= 0 ? "+" : ""}${db.toFixed(1)} dB`;

// --- timeline ----

function place(element, startS, endS) {
  element.style.left = percent(startS);
  if (endS !== undefined) element.style.width = percent(endS - startS);
}

function line(className, points, low, high, parent) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", className.split(" ")[0]);
  svg.setAttribute("viewBox", "0 0 1000 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(space, "polyline");
  drawn.setAttribute("class", className.split(" ")[1] ?? "");
  const x = (t) => ((1000 * t) / state.duration_s).toFixed(2);
  const y = (v) => (100 - (100 * (v - low)) / (high - low)).toFixed(1);
  drawn.setAttribute("points", points.map(([t, v]) => `${x(t)},${y(v)}`).join(" "));
  svg.append(drawn);
  parent.append(svg);
}

function drawTimeline() {
  const timeline = document.createDocumentFragment();
  for (const scene of state.scenes) {
    const box = make("div", { className: "scene", text: scene.words || scene.mood, parent: timeline });
    box.title = `scene ${scene.index + 1}, ${clock(scene.start_s)} to ${clock(scene.end_s)}: ${scene.words || scene.mood}`;
    box.style.background = `hsl(${Math.round(130 + 80 * -scene.valence)} ${Math.round(45 + 35 * scene.arousal)}% 72%)`;
    place(box, scene.start_s, scene.end_s);
  }
  for (const name of ["valence", "arousal"]) {
    const points = state.scenes.flatMap((s) => [[s.start_s, s[name]], [s.end_s, s[name]]]);
    line(`arc ${name}`, points, -1, 1, timeline);
  }
  for (const cue of state.cues) {
    const bar = make("div", { className: "bar", text: cue.id, parent: timeline });
    bar.title = `${cue.id}: ${cue.title}`;
    bar.classList.toggle("locked", cue.locked);
    bar.dataset.cue = cue.id;
    place(bar, cue.start_s, cue.end_s);
  }
  for (const [startS, endS] of state.speech) place(make("div", { className: "speech", parent: timeline }), startS, endS);
  if (state.ducking.length) line("duck", [[0, 0], ...state.ducking, [state.duration_s, 0]], -24, 0, timeline);
  for (const timeS of state.hits) place(make("div", { className: "hit", parent: timeline }), timeS);
  make("div", { id: "playhead", parent: timeline });
  find("timeline").replaceChildren(timeline);
  find("timeline").style.width = `${100 * find("zoom").value}%`;
  markSelected();
}

// A film of 300 cues is not drawn again because another one is selected.
function markSelected() {
  for (const bar of find("timeline").querySelectorAll(".bar")) bar.classList.toggle("selected", bar.dataset.cue === selected);
}

// --- cues ----

const waves = new Waves(async (element) => {
  await ready; // what is about to be heard comes first
  const cue = cueOf(element.dataset.cue);
  return { peaks: await get(`wave/${state.key}/${cue.id}`), durationS: cue.end_s - cue.start_s };
});

// One waveform for each cue: of music that it has no more, none is kept.
function waveOf(cue) {
  const name = [cue.title, cue.start_s, cue.end_s, cue.gain_db].join("|");
  return waves.of(cue.id, name, () => make("div", { className: "wave", "aria-hidden": "true", "data-cue": cue.id }));
}

// The entry of a cue as it was drawn, unless something of it changed: a sheet of 300 cues is not drawn again at each step.
function itemOf(cue) {
  const isSelected = cue.id === selected;
  const name = JSON.stringify([cue, isSelected, ...(isSelected ? [heard, snap] : [])]);
  if (items.get(cue.id)?.name !== name) items.set(cue.id, { name, item: drawCue(cue) });
  return items.get(cue.id).item;
}

function drawCues() {
  const focus = document.activeElement?.dataset?.focus;
  for (const id of items.keys()) {
    if (!cueOf(id)) {
      items.delete(id);
      waves.drop(id);
    }
  }
  const list = find("cues");
  const next = state.cues.map(itemOf);
  const isMoved = next.some((item, i) => list.children[i] !== item && item.parentNode === list);
  if (isMoved || list.children.length !== next.length) list.replaceChildren(...next);
  else next.forEach((item, i) => list.children[i] !== item && list.children[i].replaceWith(item));
  if (focus) document.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}

function drawCue(cue) {
  const item = make("li", { className: "cue", "data-id": cue.id });
  const isSelected = cue.id === selected;
  item.classList.toggle("selected", isSelected);
  const when = `${clock(cue.start_s)} to ${clock(cue.end_s)}`;
  const pick = make("button", {
    type: "button", className: "pick", "data-select": cue.id, "data-focus": `pick-${cue.id}`, parent: item,
    "aria-expanded": String(isSelected),
  });
  pick.append(make("b", { text: `${cue.id} ` }), make("span", { className: "when", text: `${when} ` }));
  pick.append(make("bdi", { text: cue.title }), `, ${decibel(cue.gain_db)}${cue.locked ? ", locked" : ""}`);
  item.append(waveOf(cue));
  if (!isSelected) return item;
  const choices = make("div", { className: "tools choices", role: "radiogroup", "aria-label": `Music of ${cue.id}`, parent: item });
  [{ title: cue.title }, ...cue.others.slice(0, 3)].forEach((other, i) => {
    const number = i + 1;
    const choice = make("button", {
      type: "button", role: "radio", "aria-checked": String(heard === number), "data-do": `hear-${number}`,
      "data-focus": `hear-${number}`, parent: choices, title: other.note ?? "",
    });
    choice.append(make("kbd", { text: String(number) }), " ", make("bdi", { text: other.title }));
  });
  const tool = (name, text, key, parent, rest = {}) => {
    const button = make("button", { type: "button", "data-do": name, "data-focus": name, parent, ...rest });
    button.append(text, " ", make("kbd", { text: key }));
    return button;
  };
  const edits = make("div", { className: "tools", role: "toolbar", "aria-label": `Edit ${cue.id}`, parent: item });
  tool("use", "Use what is heard", "Enter", edits).disabled = heard === 1;
  tool("lock", cue.locked ? "Unlock" : "Lock", "X", edits, { "aria-pressed": String(cue.locked) });
  tool("silence", "Silence", "S", edits);
  tool("softer", "0.5 dB softer", "-", edits);
  tool("louder", "0.5 dB louder", "+", edits);
  tool("more", "More like this", "M", edits);
  tool("less", "Less like this", "N", edits);
  const ends = make("div", { className: "tools", role: "toolbar", "aria-label": `Start and end of ${cue.id}`, parent: item });
  tool("snap", `Move to ${snap === "cut" ? "cuts" : "bars"}`, "B", ends);
  tool("start-earlier", "Start earlier", "[", ends);
  tool("start-later", "Start later", "]", ends);
  tool("end-earlier", "End earlier", "{", ends);
  tool("end-later", "End later", "}", ends);
  const reasons = make("details", { parent: item }, make("summary", { text: `Reasons, merit ${cue.merit.toFixed(3)}` }));
  const lines = [...cue.why, cue.facts, ...cue.others.map((o) => `${o.rank}. ${o.title}: ${o.note}`)].filter(Boolean);
  make("ul", { parent: reasons }, ...lines.map((text) => make("li", { text })));
  return item;
}

// --- the whole page ----

async function show(next) {
  const isFirst = state === null;
  const before = state?.key;
  state = next;
  if (before !== state.key) tried = new Map();
  if (isFirst) openPlayer();
  if (!cueOf(selected)) selected = state.cues[0]?.id ?? null;
  if (before !== state.key) heard = 1;
  drawTimeline();
  drawCues();
  drawScenes();
  document.querySelector('[data-do="undo"]').disabled = !state.undo;
  document.querySelector('[data-do="redo"]').disabled = !state.redo;
  document.querySelector('[data-do="vocals"]').setAttribute("aria-pressed", String(state.vocals));
  if (before !== state.key) {
    player.setKey(state.key);
    makeReady();
    clearTimeout(measuring);
    measuring = setTimeout((key) => { measure(key); look(key); }, isFirst ? 0 : MEASURE_AFTER_MS, state.key);
  }
}

// The gains of the mix, once no step follows; until then those measured last are heard.
async function measure(key) {
  try {
    const gains = await get(`gains/${key}`);
    if (gains === null) return; // a later version was saved, whose gains are asked for on their own
    if (state.key === key) player.setGains(gains, state.keep_original);
    document.body.dataset.measured = key;
  } catch (fault) {
    if (state.key === key) sayFault(fault);
  }
}

// The files of the tracks are read for it, so it comes after the page.
async function look(key) {
  try {
    const found = await get(`replaced/${key}`);
    if (state.key === key) replaced = found;
    else for (const text of found) replacedTried.add(text);
    drawScenes();
  } catch (fault) {
    if (state.key === key) sayFault(fault);
  }
}

function drawScenes() {
  const chosen = find("scene").value;
  find("scene").replaceChildren(...state.scenes.map((scene) =>
    make("option", { value: String(scene.index), text: `${scene.index + 1}: ${clock(scene.start_s)}, ${scene.mood}` })));
  if (chosen) find("scene").value = chosen;
  const worded = state.scenes.filter((scene) => scene.words);
  find("moods").replaceChildren(...worded.map((s) => make("li", { text: `scene ${s.index + 1}: ${s.words}` })));
  const silences = state.silences.map((s) => `silence ${clock(s.start_s)} to ${clock(s.end_s)}: ${s.reason}`);
  find("notes").replaceChildren(...[...silences, ...state.warnings, ...new Set([...replaced, ...replacedTried])].map((text) => make("li", { text })));
}

function openPlayer() {
  player = new Player(find("film"), { blockS, durationS: state.duration_s, startS });
  player.addEventListener("change", () => {
    const button = document.querySelector('[data-do="play"]');
    button.setAttribute("aria-pressed", String(!player.paused));
    button.replaceChildren(player.paused ? "Play " : "Pause ", make("kbd", { text: "K" }));
  });
  const advice = "end the command and start `soundtrack review --small-copy`, which makes a copy that it can show";
  player.addEventListener("nofilm", () => say(`this browser cannot play the film; the music is played without it; ${advice}`, true));
  player.addEventListener("nopicture", () => say(`this browser cannot show the picture of the film; ${advice}`, true));
  player.addEventListener("fault", (event) => say(event.detail, true));
  const draw = () => {
    const [time, left, playhead] = [clock(player.time), percent(player.time), find("playhead")];
    if (find("time").textContent !== time) find("time").textContent = time; // the same text would be laid out again
    if (playhead && playhead.style.left !== left) playhead.style.left = left;
    const block = Math.floor(player.time / blockS);
    if (block !== readyBlock) makeReady();
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  window.review = { player, renderOffline, get state() { return state; } };
}

function select(id) {
  const cue = cueOf(id);
  if (!cue) return;
  selected = id;
  hearCurrent();
  drawCues();
  markSelected();
  document.querySelector(`[data-select="${CSS.escape(id)}"]`)?.focus();
  if (player.time < cue.start_s || player.time >= cue.end_s) player.seek(cue.start_s);
  makeReady();
}

// --- alternatives ----

function trying(cue, rank) {
  const name = `${cue.id}/${rank}`;
  if (!tried.has(name)) {
    const asked = post("try", { cue: cue.id, rank }).then(({ key }) => key);
    asked.catch(() => tried.delete(name));
    tried.set(name, asked);
    if (tried.size > MOST_TRIED) tried.delete(tried.keys().next().value);
  }
  return tried.get(name);
}

// What may be heard next is made ready, so that it is heard at once: the alternatives of the selected cue where the film
// is, then the cues before and after it with theirs. Whatever is selected or reached meanwhile ends it.
function makeReady() {
  const turn = (readying += 1);
  readyBlock = Math.floor(player.time / blockS);
  const at = state.cues.findIndex((cue) => cue.id === selected);
  const cue = state.cues[at];
  if (!cue) return;
  const isUnder = player.time >= cue.start_s && player.time < cue.end_s;
  const timeS = isUnder ? player.time : cue.start_s;
  const isOff = () => turn !== readying;
  const others = async (of, fromS, n) => {
    for (const other of of.locked ? [] : of.others.slice(0, 3)) {
      if (isOff()) return;
      const key = await trying(of, other.rank);
      if (!isOff()) await player.prefetch(key, fromS, n);
    }
    if (!isOff()) await player.prefetch(state.key, fromS, n);
  };
  ready = others(cue, timeS, 1).catch(() => {});
  ready.then(async () => {
    if (isUnder) await others(cue, timeS, 2);
    for (const next of [state.cues[at + 1], state.cues[at - 1]]) if (next) await others(next, next.start_s, 1);
  }).catch(() => {});
}

const around = (cue) => [cue.start_s - REACH_S, cue.end_s + REACH_S];

function hearCurrent() {
  heard = 1;
  player.setKey(state.key);
}

async function hear(number) {
  const cue = cueOf(selected);
  if (!cue) return;
  if (number > Math.min(4, cue.others.length + 1)) {
    say(`${cue.id} has no alternative ${number}`);
    return;
  }
  if (player.time < cue.start_s || player.time >= cue.end_s) player.seek(cue.start_s);
  readying += 1; // what was asked for comes before what may be asked for
  try {
    const key = number === 1 ? state.key : await trying(cue, cue.others[number - 2].rank);
    if (selected !== cue.id) return;
    heard = number;
    drawCues();
    await player.setKey(key, number === 1 ? null : around(cue), state.key);
    await player.play();
    makeReady();
    if (number > 1) look(key);
    say(number === 1 ? `${cue.id}: ${cue.title}` : `${cue.id} with alternative ${number}: ${cue.others[number - 2].title}`);
  } catch (fault) {
    tried = new Map(); // the server may hold it no longer
    sayFault(fault);
  }
}

// --- steps ----

async function edge(cue, which, direction) {
  const now = which === "start" ? cue.start_s : cue.end_s;
  let places;
  if (snap === "cut") {
    if (!cuts?.length) cuts = await get("cuts");
    places = [...cuts, ...state.scenes.flatMap((scene) => [scene.start_s, scene.end_s])];
  } else {
    places = await get(`bars/${state.key}/${cue.id}`);
    const n = places.length;
    if (n > 1) places = [2 * places[0] - places[1], ...places, 2 * places[n - 1] - places[n - 2]];
  }
  const [low, high] = which === "start" ? [0, cue.end_s - SHORTEST_S] : [cue.start_s + SHORTEST_S, state.duration_s];
  const beyond = places.filter((t) => (direction > 0 ? t > now + 0.02 : t < now - 0.02) && t >= low && t <= high);
  if (!beyond.length) throw { error: `no ${snap} there`, hint: `press B to move to ${snap === "cut" ? "bars" : "cuts"}` };
  return direction > 0 ? Math.min(...beyond) : Math.max(...beyond);
}

function move(which, direction) {
  const id = selected;
  step("edit", async () => {
    const cue = cueOf(id);
    if (!cue) return [null];
    const timeS = await edge(cue, which, direction);
    const set = { action: "set", cue: id, [`${which}_s`]: timeS };
    const words = `${id}: ${which} at ${clock(timeS)}`;
    if (which === "start" || direction > 0) return [set, words];
    // A cue that ends on the last note of its track needs a fade where it is made shorter.
    const fade = cue.fades_out ? {} : { fade_out_s: Math.min(2.5, (timeS - cue.start_s) / 2) };
    return [{ ...set, ...fade }, words];
  });
}

function louder(db) {
  const id = selected;
  step("edit", () => {
    const cue = cueOf(id);
    if (!cue) return [null];
    const gain = Math.round(2 * (cue.gain_db + db)) / 2;
    return [{ action: "set", cue: id, gain_db: gain }, `${id}: ${decibel(gain)}`];
  });
}

async function job(path, body) {
  try {
    await post(path, body);
    const bar = find("progress");
    bar.hidden = false;
    for (;;) {
      const now = await get("job");
      if (!now.running) {
        await reload();
        if (now.error) sayFault(now);
        else say(now.message);
        break;
      }
      say(now.total ? `${now.stage}: ${now.done} of ${now.total}` : now.stage);
      if (now.total) [bar.value, bar.max] = [now.done, now.total];
      else bar.removeAttribute("value");
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } catch (fault) {
    sayFault(fault);
  }
  find("progress").hidden = true;
}

function neighbour(by) {
  const at = state.cues.findIndex((cue) => cue.id === selected);
  const next = state.cues[Math.max(0, Math.min(state.cues.length - 1, at + by))];
  if (next) select(next.id);
}

const edit = (action, said) => {
  const cue = cueOf(selected);
  if (cue) step("edit", { action, cue: cue.id }, `${cue.id}: ${said}`);
};

// Other music in the cue at once, heard in the next sound if the film plays.
const lean = (action, said) => {
  const id = selected;
  step("edit", () => (cueOf(id) ? [{ action, cue: id }, () => `${id}: ${cueOf(id)?.title}, ${said}`] : [null]));
};

const actions = {
  help: () => find("help").showModal(),
  undo: () => step("undo", () => (state.undo ? [{}, "one step undone"] : [null, "nothing to undo"])),
  redo: () => step("redo", () => (state.redo ? [{}, "one step redone"] : [null, "nothing to redo"])),
  vocals: () => step("edit", () => [{ action: "vocals", on: !state.vocals }, `vocals under speech ${state.vocals ? "off" : "on"} in the next plan`]),
  plan: () => job("plan", {}),
  render: () => job("render", { force: find("force").checked }),
  back: () => player.seek(player.time - 5),
  forward: () => player.seek(player.time + 5),
  play: () => player.toggle(),
  hit: () => {
    const at = player.time;
    step("edit", () => {
      const n = state.hits.length;
      return [{ action: "hit", time_s: at }, () => `hit point at ${clock(at)} ${state.hits.length < n ? "removed" : "for the next plan"}`];
    });
  },
  lock: () => {
    const id = selected;
    step("edit", () => {
      const action = cueOf(id)?.locked ? "unlock" : "lock";
      return cueOf(id) ? [{ action, cue: id }, `${id}: ${action}ed`] : [null];
    });
  },
  more: () => lean("more", "more like the one before"),
  less: () => lean("less", "less like the one before"),
  silence: () => edit("silence", "silence instead"),
  softer: () => louder(-0.5),
  louder: () => louder(0.5),
  use: () => {
    const cue = cueOf(selected);
    const other = cue?.others[heard - 2];
    if (other) step("edit", { action: "swap", cue: cue.id, rank: other.rank }, `${cue.id}: ${other.title}`);
  },
  snap: () => {
    snap = snap === "cut" ? "bar" : "cut";
    drawCues();
    say(`starts and ends move to ${snap}s`);
  },
  "start-earlier": () => move("start", -1),
  "start-later": () => move("start", 1),
  "end-earlier": () => move("end", -1),
  "end-later": () => move("end", 1),
};
for (const number of [1, 2, 3, 4]) actions[`hear-${number}`] = () => hear(number);

const keys = {
  j: "back", k: "play", l: "forward", z: "undo", y: "redo", v: "vocals", p: "plan", r: "render", h: "hit", x: "lock",
  s: "silence", "-": "softer", "+": "louder", "=": "louder", "[": "start-earlier", "]": "start-later",
  "{": "end-earlier", "}": "end-later", b: "snap", m: "more", n: "less", "?": "help", 1: "hear-1", 2: "hear-2", 3: "hear-3", 4: "hear-4",
};

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do], [data-select]");
  if (target?.dataset.do) actions[target.dataset.do]();
  else if (target) select(target.dataset.select);
});

document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  const target = event.target;
  const isField = target.matches("select, textarea, input:not([type=checkbox])");
  if (isField) return;
  const arrows = { ArrowUp: () => neighbour(-1), ArrowDown: () => neighbour(1), ArrowLeft: () => player.seek(player.time - 1), ArrowRight: () => player.seek(player.time + 1) };
  const isButton = target.matches("button, summary, input");
  if (event.key === "Enter" && (!isButton || (target.dataset.do ?? "").startsWith("hear-") || target.dataset.select === selected) && heard > 1) actions.use();
  else if (event.key === " " && !isButton) actions.play();
  else if (arrows[event.key]) arrows[event.key]();
  else if (keys[event.key.toLowerCase()]) actions[keys[event.key.toLowerCase()]]();
  else return;
  event.preventDefault();
});

find("timeline").addEventListener("click", (event) => {
  const box = find("timeline").getBoundingClientRect();
  player.seek(((event.clientX - box.left) / box.width) * state.duration_s);
  const under = state.cues.find((cue) => cue.start_s <= player.time && player.time < cue.end_s);
  if (under) select(under.id);
});

find("zoom").addEventListener("input", () => {
  find("timeline").style.width = `${100 * find("zoom").value}%`;
});

find("mood").addEventListener("submit", (event) => {
  event.preventDefault();
  const scene = Number(find("scene").value);
  const words = find("words").value;
  step("edit", { action: "mood", scene, words }, words ? `scene ${scene + 1}: ${words}, in the next plan` : `scene ${scene + 1} as the picture says`);
});

reload().then(() => {
  if (!find("said").classList.contains("wrong")) say(`${state.cues.length} ${state.cues.length === 1 ? "cue" : "cues"}`);
}).catch(sayFault);
