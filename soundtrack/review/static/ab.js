// Blind comparison: two sounds of one stretch in step with the film, one of them heard, and an answer for each pair.

import { ask } from "./ask.js";
import { filmStart, whenLoaded } from "./player.js";

const RATE = 48000;
const find = (id) => document.getElementById(id);
const film = find("film");
const sides = ["left", "right"];
const heardSides = new Set();
const { startS, durationS } = document.body.dataset;
const zeroS = whenLoaded(film).then(() => filmStart(film, { startS: Number(startS), durationS: Number(durationS) }));
let context = null;
let pair = null;
let buffers = null;
let playing = null;
let side = "left";

const say = (text) => {
  find("said").textContent = text;
};

async function get(path) {
  const answer = await ask(path);
  const data = await answer.json();
  if (!answer.ok) throw new Error(`${data.error}; ${data.hint}`);
  return data;
}

async function fetchSound(which) {
  const answer = await ask(`sound/${pair.number}/${which}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const samples = new Float32Array(await answer.arrayBuffer());
  const n = samples.length / 2;
  const buffer = new AudioBuffer({ length: n, numberOfChannels: 2, sampleRate: RATE });
  buffer.copyToChannel(samples.subarray(0, n), 0);
  buffer.copyToChannel(samples.subarray(n), 1);
  return buffer;
}

function stop() {
  playing?.sources.forEach((source) => source.stop());
  playing = null;
  film.pause();
}

// Both sounds run all the time; hearing the other one only moves two gains.
async function play(fromS = 0) {
  context ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  await context.resume();
  stop();
  film.currentTime = (await zeroS) + pair.start_s + fromS;
  await film.play().catch(() => {});
  const at = context.currentTime + 0.02;
  playing = { gains: {}, sources: [], zero: at - fromS };
  for (const which of sides) {
    const gain = context.createGain();
    gain.gain.value = which === side ? 1 : 0;
    gain.connect(context.destination);
    const source = context.createBufferSource();
    source.buffer = buffers[which];
    source.connect(gain);
    source.start(at, fromS);
    playing.gains[which] = gain;
    playing.sources.push(source);
  }
  playing.sources[0].onended = () => film.pause();
  heardSides.add(side);
  draw();
}

function hear(which) {
  if (!buffers) return;
  side = which;
  const position = playing ? context.currentTime - playing.zero : Infinity;
  if (!playing || position >= pair.end_s - pair.start_s) {
    play();
    return;
  }
  for (const other of sides) playing.gains[other].gain.setTargetAtTime(other === side ? 1 : 0, context.currentTime, 0.01);
  heardSides.add(side);
  draw();
}

function draw() {
  for (const which of sides) document.querySelector(`[data-do="hear-${which}"]`).setAttribute("aria-pressed", String(which === side));
  const isReady = sides.every((which) => heardSides.has(which));
  for (const button of document.querySelectorAll("[data-choice]")) button.disabled = !isReady;
}

async function show(next) {
  stop();
  pair = next;
  buffers = null;
  side = "left";
  heardSides.clear();
  draw();
  if (!pair.left) {
    await finish();
    return;
  }
  say("Loading the pair.");
  zeroS.then((atS) => { film.currentTime = atS + pair.start_s; });
  const [left, right] = await Promise.all(sides.map(fetchSound));
  buffers = { left, right };
  say(`${pair.left} to go. Hear both, then choose.`);
}

async function finish() {
  find("pair").hidden = true;
  const { results } = await get("results");
  const percent = (share) => `${Math.round(100 * share)}%`;
  find("results").replaceChildren(...results.map((r) => {
    const item = document.createElement("li");
    const share = r.share === null ? "no clear choice" : `plan preferred in ${percent(r.share)} (95% interval ${percent(r.low)} to ${percent(r.high)})`;
    item.textContent = `against ${r.against}: plan ${r.plan}, ${r.against} ${r.other}, neither ${r.neither}, both bad ${r.both_bad}; ${share}; same answer to ${r.n_consistent} of ${r.n_repeated} repeated ${r.n_repeated === 1 ? "pair" : "pairs"}`;
    return item;
  }));
  find("end").hidden = false;
  say("All pairs are answered. Thank you.");
}

async function choose(choice) {
  if (!buffers || sides.some((which) => !heardSides.has(which))) {
    say("Hear both first.");
    return;
  }
  buffers = null;
  const answer = await ask("answer", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ number: pair.number, choice }),
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(`${data.error}; ${data.hint}`);
  await show(data);
}

const actions = {
  "hear-left": () => hear("left"),
  "hear-right": () => hear("right"),
  again: () => buffers && play(),
  play: () => {
    if (!buffers) return;
    if (playing && !film.paused) stop();
    else play();
  },
};
const keys = { 1: "hear-left", 2: "hear-right", j: "again", k: "play" };
const choices = { a: "left", d: "right", n: "neither", b: "both-bad" };
const fault = (error) => say(error.message);

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do], [data-choice]");
  if (target?.dataset.do) actions[target.dataset.do]();
  else if (target) choose(target.dataset.choice).catch(fault);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (keys[key]) actions[keys[key]]();
  else if (choices[key]) choose(choices[key]).catch(fault);
});

window.comparison = { get pair() { return pair; }, get isReady() { return buffers !== null; }, get position() { return playing ? context.currentTime - playing.zero : null; } };
get("pair").then(show).catch(fault);
