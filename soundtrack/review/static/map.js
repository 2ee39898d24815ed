// The map of the library: tracks as buttons on a plane, sound on hover and focus, words, and playlists along a path.

import { ask } from "./ask.js";

const find = (id) => document.getElementById(id);
const plane = find("plane");
const sound = find("sound");
const EDGE = 0.04;
let tracks = [];
let view = "mood";
let text = "";
let corners = [];
let numbers = [];
let playing = null;
let current = 0;
let asked = 0;
let waiting = 0;

async function answerOf(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await ask(path, body ? options : undefined);
  const data = await answer.json();
  if (!answer.ok) throw data;
  return data;
}

function say(words, wrong = false) {
  find("said").textContent = words;
  find("said").classList.toggle("wrong", wrong);
}

const sayFault = (fault) => say(fault.error ? `${fault.error}; ${fault.hint}` : String(fault.message ?? fault), true);
const share = (value) => EDGE + ((1 - 2 * EDGE) * (value + 1)) / 2;
// Moods of a library lie near the middle: the plane is drawn as far as they reach.
let reach = 1;
const scale = () => (view === "mood" ? reach : 1);
const onPlane = ([x, y]) => [100 * share(x / scale()), 100 * share(-y / scale())];
const placeOf = (number) => tracks[number][view];
const isShown = (track) => !track.dot.classList.contains("out");

// --- the plane ----

function drawPlane() {
  plane.classList.toggle("mood", view === "mood");
  plane.setAttribute("aria-label", view === "mood" ? "Tracks by valence and arousal" : "Tracks by likeness");
  const range = `${-reach.toFixed(2)} to ${reach.toFixed(2)}`;
  find("across").textContent = view === "mood" ? `valence, ${range}` : "tracks that sound alike are close to each other";
  find("up").textContent = view === "mood" ? `arousal, ${range}` : "";
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-checked", String(button.dataset.view === view));
  }
  tracks.forEach((track) => {
    const [left, top] = onPlane(track[view]);
    track.dot.style.left = `${left}%`;
    track.dot.style.top = `${top}%`;
  });
}

function drawLine(points) {
  find("line").setAttribute("points", points.map((p) => onPlane(p).map((v) => v.toFixed(2)).join(",")).join(" "));
}

function makeDot(track, number) {
  const dot = document.createElement("button");
  dot.type = "button";
  dot.className = "dot";
  dot.dataset.number = String(number);
  dot.tabIndex = number === 0 ? 0 : -1;
  dot.title = `${track.name}\n${track.facts}`;
  dot.setAttribute("aria-label", `${track.name}, ${track.facts}`);
  dot.style.background = track.colour;
  track.dot = dot;
  return dot;
}

function makeCurrent(number) {
  tracks[current].dot.tabIndex = -1;
  current = number;
  tracks[number].dot.tabIndex = 0;
}

// The nearest track in a direction: what is far to the side counts twice.
function neighbour(dx, dy) {
  const [x, y] = placeOf(current);
  let best = null;
  tracks.forEach((track, number) => {
    if (number === current || !isShown(track)) return;
    const [along, aside] = [(track[view][0] - x) * dx + (track[view][1] - y) * dy, Math.abs((track[view][0] - x) * dy + (track[view][1] - y) * dx)];
    if (along <= 0 && !(along === 0 && aside === 0 && number > current)) return;
    const cost = along + 2 * aside;
    if (!best || cost < best.cost) best = { cost, number };
  });
  if (best) tracks[best.number].dot.focus();
}

// --- sound ----

async function play(number) {
  clearTimeout(waiting);
  stop();
  playing = number;
  mark();
  sound.src = `track/${number}`;
  sound.onloadedmetadata = () => {
    if (Number.isFinite(sound.duration)) sound.currentTime = sound.duration * 0.3;
  };
  try {
    await sound.play();
    if (playing === number) say(`${tracks[number].name}, ${tracks[number].facts}`);
  } catch (fault) {
    if (playing !== number || fault.name === "AbortError") return;
    playing = null;
    mark();
    say(fault.name === "NotAllowedError" ? "click once or press a key, then sound is allowed" : `${tracks[number].name}: this browser cannot play it`);
  }
}

function stop() {
  clearTimeout(waiting);
  playing = null;
  sound.pause();
  mark();
}

function mark() {
  const taken = new Set(numbers);
  tracks.forEach((track, number) => {
    track.dot.classList.toggle("playing", number === playing);
    track.dot.classList.toggle("taken", taken.has(number));
  });
  for (const button of find("list").querySelectorAll("button")) {
    button.classList.toggle("playing", Number(button.dataset.number) === playing);
  }
}

function soon(number) {
  clearTimeout(waiting);
  if (find("hover").checked) waiting = setTimeout(() => play(number), 150);
}

// --- playlist ----

async function follow() {
  drawLine(corners);
  const mine = (asked += 1);
  if (!corners.length) {
    numbers = [];
    drawList();
    return;
  }
  try {
    const n = Math.max(1, Math.min(200, Math.round(Number(find("n").value)) || 12));
    const found = await answerOf("path", { view, points: corners, n, text });
    if (mine !== asked) return;
    numbers = found.numbers;
    drawList();
    say(`${numbers.length} tracks along the path`);
  } catch (fault) {
    sayFault(fault);
  }
}

function drawList() {
  find("list").replaceChildren(...numbers.map((number) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.number = String(number);
    button.textContent = tracks[number].name;
    button.title = tracks[number].facts;
    item.append(button);
    return item;
  }));
  mark();
}

const pointOf = (event) => {
  const box = plane.getBoundingClientRect();
  const value = (part) => scale() * Math.max(-1, Math.min(1, (2 * (part - EDGE)) / (1 - 2 * EDGE) - 1));
  return [value((event.clientX - box.left) / box.width), -value((event.clientY - box.top) / box.height)];
};

let drawn = null;
let wasDrawn = false;

plane.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drawn = [pointOf(event)];
  wasDrawn = false;
});

plane.addEventListener("pointermove", (event) => {
  if (!drawn) return;
  const point = pointOf(event);
  const last = drawn[drawn.length - 1];
  if (Math.hypot(point[0] - last[0], point[1] - last[1]) < 0.02 * scale()) return;
  if (!wasDrawn) plane.setPointerCapture(event.pointerId);
  wasDrawn = true;
  if (drawn.length < 400) drawn.push(point);
  drawLine(drawn);
});

function drawnToHere() {
  if (drawn && wasDrawn) {
    corners = drawn;
    follow();
  }
  drawn = null;
}
plane.addEventListener("pointerup", drawnToHere);
plane.addEventListener("pointercancel", drawnToHere);

// --- what a person does ----

const actions = {
  help: () => find("help").showModal(),
  stop,
  all: () => {
    find("words").value = "";
    filter("");
  },
  back: () => {
    corners = corners.slice(0, -1);
    follow();
  },
  clear: () => {
    corners = [];
    follow();
  },
};

function change(to) {
  if (to === view) return;
  view = to;
  corners = [];
  drawPlane();
  follow();
  say(view === "mood" ? "by valence and arousal" : "by likeness");
}

async function filter(words) {
  try {
    const found = words.trim() ? await answerOf("ask", { text: words }) : null;
    text = found ? words : "";
    const kept = found && new Set(found.numbers);
    tracks.forEach((track, number) => track.dot.classList.toggle("out", kept !== null && !kept.has(number)));
    const n = kept === null ? tracks.length : kept.size;
    find("shown").textContent = String(n);
    if (n && !isShown(tracks[current])) makeCurrent(found.numbers[0]);
    say(found ? `${n} tracks, ${found.understood}` : `${n} tracks`);
    if (corners.length) follow();
  } catch (fault) {
    sayFault(fault);
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do], [data-view], [data-number]");
  if (!target) return;
  if (target.dataset.do) actions[target.dataset.do]();
  else if (target.dataset.view) change(target.dataset.view);
  else if (!wasDrawn) play(Number(target.dataset.number));
});

plane.addEventListener("pointerover", (event) => {
  if (event.target.dataset.number && !drawn) soon(Number(event.target.dataset.number));
});
plane.addEventListener("pointerout", (event) => {
  if (event.target.dataset.number && event.target !== document.activeElement) stop();
});
plane.addEventListener("focusin", (event) => {
  if (!event.target.dataset.number) return;
  makeCurrent(Number(event.target.dataset.number));
  if (event.target.matches(":focus-visible")) soon(current);
});
plane.addEventListener("focusout", stop);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  if (event.key === "Escape") stop();
  if (event.target.matches("input:not([type=checkbox])")) return;
  const isDot = event.target.classList.contains("dot");
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (isDot && arrows[event.key]) neighbour(...arrows[event.key]);
  else if (isDot && event.key === "Enter") {
    corners = [...corners, placeOf(current)];
    follow();
  } else if (isDot && event.key === " ") playing === current ? stop() : play(current);
  else if (event.key === "Backspace") actions.back();
  else if (event.key.toLowerCase() === "l") change(view === "mood" ? "likeness" : "mood");
  else if (event.key === "/") find("words").focus();
  else if (event.key === "?") actions.help();
  else return;
  event.preventDefault();
});

find("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  filter(find("words").value);
});
find("n").addEventListener("change", follow);
find("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { saved } = await answerOf("save", { name: find("name").value, numbers });
    say(`saved: ${saved}`);
  } catch (fault) {
    sayFault(fault);
  }
});

answerOf("tracks").then((found) => {
  tracks = found.tracks;
  reach = Math.min(1, Math.max(0.25, ...tracks.flatMap(({ mood }) => mood.map(Math.abs))));
  plane.append(...tracks.map(makeDot));
  find("legend").replaceChildren(...found.legend.map(([name, colour]) => {
    const item = document.createElement("li");
    const key = document.createElement("i");
    key.style.background = colour;
    item.append(key, ` ${name}`);
    return item;
  }));
  drawPlane();
  say(`${tracks.length} tracks`);
  window.map = { sound, state: () => ({ view, corners, numbers, playing, current, text }) };
}).catch(sayFault);
