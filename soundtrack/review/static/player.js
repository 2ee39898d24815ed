// Film and music in step. The server mixes the music in blocks exactly as it renders it; here the blocks are laid
// end to end on the clock of the audio device, and the constant gains of the mix are applied.

import { ask } from "./ask.js";

export const RATE = 48000;
const AHEAD_S = 6;
const MOST_BUFFERS = 32;
const FADE_S = 0.02;
const APART_S = 0.04;
const DATA = 2; // HAVE_CURRENT_DATA of a media element

export const linear = (db) => 10 ** (db / 20);

function bufferOf(data) {
  const samples = new Float32Array(data);
  const n = samples.length / 2;
  const buffer = new AudioBuffer({ numberOfChannels: 2, length: n, sampleRate: RATE });
  buffer.copyToChannel(samples.subarray(0, n), 0);
  buffer.copyToChannel(samples.subarray(n), 1);
  return buffer;
}

async function fetchBlock(key, number) {
  const answer = await ask(`music/${key}/${number}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer.arrayBuffer();
}

// One block on a clock: `at` is when its first sample sounds, which may have passed.
function lay(context, buffer, target, at) {
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(target);
  const late = context.currentTime - at;
  if (late >= buffer.duration) return null;
  if (late > 0) source.start(context.currentTime, late);
  else source.start(at);
  return source;
}

// Music and film with the constant gains of the mix, into the destination of a context; the only place where they meet.
function makeGraph(context, gainsDb, keepsOriginal) {
  const levels = ({ music_gain_db: music, master_gain_db: master }, keeps) => [linear(music + master), keeps ? linear(master) : 0];
  const [music, film] = levels(gainsDb, keepsOriginal).map((level) => {
    const node = context.createGain();
    node.gain.value = level;
    node.connect(context.destination);
    return node;
  });
  const set = (nextDb, keeps) => levels(nextDb, keeps).forEach((level, i) => {
    [music, film][i].gain.setTargetAtTime(level, context.currentTime, 0.01);
  });
  return { music, film, set };
}

// A stretch of the film with its music through the graph of the player, without a device: for checks.
export async function renderOffline({ key, gainsDb, keepsOriginal, startS, stopS, blockS }) {
  const context = new OfflineAudioContext(2, Math.round((stopS - startS) * RATE), RATE);
  const graph = makeGraph(context, gainsDb, keepsOriginal);
  if (keepsOriginal) {
    const film = context.createBufferSource();
    film.buffer = await context.decodeAudioData(await (await fetch("film")).arrayBuffer());
    film.connect(graph.film);
    film.start(0, startS);
  }
  for (let n = Math.floor(startS / blockS); n * blockS < stopS; n += 1) {
    lay(context, bufferOf(await fetchBlock(key, n)), graph.music, n * blockS - startS);
  }
  return context.startRendering();
}

// Once the data of a film are there, or it is known that none come.
export function whenLoaded(video) {
  return new Promise((resolve) => {
    if (video.readyState >= DATA || video.error) resolve();
    for (const name of ["loadeddata", "error"]) video.addEventListener(name, resolve, { once: true });
  });
}

// When the first picture of the film is shown, on the clock of the browser: Chromium counts as the file does, also where
// its first packet is late; others count from that packet. Before the film was moved, and once its data are there.
export function filmStart(video, { startS, durationS }) {
  return video.currentTime > 0 || video.duration >= durationS + startS / 2 ? startS : 0;
}

// What takes the place of the film where the browser cannot play it.
class SilentClock extends EventTarget {
  constructor(durationS) {
    super();
    this.duration = durationS;
    this.paused = true;
    this.at = 0;
  }

  get currentTime() {
    return this.paused ? this.at : Math.min(this.duration, this.at + (performance.now() - this.since) / 1000);
  }

  set currentTime(value) {
    this.at = Math.max(0, Math.min(this.duration, value));
    this.since = performance.now();
    if (!this.paused) this.dispatchEvent(new Event("playing"));
  }

  async play() {
    this.since = performance.now();
    this.paused = false;
    this.dispatchEvent(new Event("playing"));
  }

  pause() {
    this.at = this.currentTime;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
}

export class Player extends EventTarget {
  constructor(video, { blockS, durationS, startS = 0 }) {
    super();
    this.video = video;
    this.clock = video;
    this.zeroS = 0; // when the first picture is shown, on the clock
    this.begun = false; // whether that is known
    this.wantedS = null; // where the film is to go then
    this.blockS = blockS;
    this.durationS = durationS;
    this.gainsDb = { music_gain_db: 0, master_gain_db: 0 };
    this.keepsOriginal = true;
    this.buffers = new Map();
    this.deck = null;
    this.key = null;
    this.music = { key: null, base: null, within: null };
    this.sounding = null; // the music of the last block that was begun, and when
    this.#listen(video);
    video.addEventListener("error", () => this.#withoutFilm());
    whenLoaded(video).then(() => {
      if (video.error) this.#withoutFilm();
      else if (!video.videoWidth) this.dispatchEvent(new Event("nopicture"));
      if (!this.begun) this.#begin(filmStart(video, { startS, durationS }));
    });
  }

  #listen(clock) {
    clock.addEventListener("playing", () => this.#anchor());
    for (const name of ["pause", "waiting", "seeking", "ended"]) clock.addEventListener(name, () => this.#stop());
    for (const name of ["play", "pause", "ended"]) clock.addEventListener(name, () => this.dispatchEvent(new Event("change")));
  }

  #begin(zeroS) {
    this.zeroS = zeroS;
    this.begun = true;
    if (this.wantedS !== null) this.seek(this.wantedS);
    this.wantedS = null;
  }

  #withoutFilm() {
    if (this.clock !== this.video) return;
    this.clock = new SilentClock(this.durationS);
    this.#begin(0);
    this.#listen(this.clock);
    this.dispatchEvent(new Event("nofilm"));
  }

  get time() {
    return this.wantedS ?? Math.max(0, this.clock.currentTime - this.zeroS);
  }

  get paused() {
    return this.clock.paused;
  }

  seek(timeS) {
    const nextS = Math.max(0, Math.min(this.durationS - 0.05, timeS));
    if (this.begun) this.clock.currentTime = this.zeroS + nextS;
    else this.wantedS = nextS;
    this.dispatchEvent(new Event("change"));
  }

  async toggle() {
    if (!this.clock.paused) {
      this.clock.pause();
      this.dispatchEvent(new Event("change"));
      return;
    }
    this.#open();
    try {
      await this.clock.play();
    } catch (fault) {
      if (fault.name !== "AbortError") throw fault; // paused again before it played
    }
    this.dispatchEvent(new Event("change"));
  }

  async play() {
    if (this.clock.paused) await this.toggle();
  }

  // Constant gains of the mix, and whether the sound of the film is heard.
  setGains(gainsDb, keepsOriginal) {
    this.gainsDb = gainsDb;
    this.keepsOriginal = keepsOriginal;
    this.graph?.set(gainsDb, keepsOriginal);
  }

  // Other music from now on; what sounds goes on until the new music is there. With `within`, start and end in seconds,
  // the music is that of `base` everywhere else.
  async setKey(key, within = null, base = key) {
    const music = { key, base, within };
    this.key = key;
    this.music = music;
    if (!this.deck || this.clock.paused) return;
    const number = Math.floor(this.time / this.blockS);
    await this.#buffer(this.#keyAt(music, number), number);
    if (this.music !== music || !this.deck || this.clock.paused) return;
    this.#anchor();
  }

  #keyAt({ key, base, within }, number) {
    if (within === null) return key;
    return (number + 1) * this.blockS > within[0] && number * this.blockS < within[1] ? key : base;
  }

  // The music around a time, ready to sound at once.
  async prefetch(key, timeS, n = 1) {
    const first = Math.floor(Math.max(0, timeS) / this.blockS);
    const last = Math.floor((this.durationS - 1e-3) / this.blockS);
    for (let number = first; number < first + n && number <= last; number += 1) await this.#buffer(key, number);
  }

  #open() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      this.graph = makeGraph(this.context, this.gainsDb, this.keepsOriginal);
      if (this.clock === this.video) this.context.createMediaElementSource(this.video).connect(this.graph.film);
      setInterval(() => this.#tick(), 250);
    }
    if (this.context.state === "suspended") this.context.resume();
  }

  async #buffer(key, number) {
    const name = `${key}/${number}`;
    const known = this.buffers.get(name) ?? fetchBlock(key, number).then((data) => bufferOf(data));
    this.buffers.delete(name); // the last one used is the last one in the order
    this.buffers.set(name, known);
    known.catch(() => this.buffers.delete(name));
    if (this.buffers.size > MOST_BUFFERS) this.buffers.delete(this.buffers.keys().next().value);
    return known;
  }

  #anchor() {
    if (!this.context) return;
    this.#stop();
    const gain = this.context.createGain();
    const now = this.context.currentTime;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(1, now + FADE_S);
    gain.connect(this.graph.music);
    this.deck = { music: this.music, gain, sources: new Map(), zero: now - this.time, apart: 0 };
    this.#fill();
  }

  #stop() {
    if (!this.deck) return;
    const { gain, sources } = this.deck;
    const now = this.context.currentTime;
    gain.gain.cancelScheduledValues(now);
    gain.gain.setTargetAtTime(0, now, FADE_S / 3);
    for (const source of sources.values()) source?.stop(now + 2 * FADE_S);
    setTimeout(() => gain.disconnect(), 200);
    this.deck = null;
  }

  async #fill() {
    const deck = this.deck;
    const from = Math.floor(this.time / this.blockS);
    const last = Math.floor(Math.min(this.durationS - 1e-3, this.time + AHEAD_S) / this.blockS);
    for (let n = from; n <= last; n += 1) {
      if (deck.sources.has(n)) continue;
      deck.sources.set(n, null);
      try {
        const key = this.#keyAt(deck.music, n);
        const buffer = await this.#buffer(key, n);
        if (this.deck !== deck) return;
        const source = lay(this.context, buffer, deck.gain, deck.zero + n * this.blockS);
        // A source holds its samples, 1.5 MB; a film that plays for an hour without a pause has 900 of them.
        source?.addEventListener("ended", () => deck.sources.set(n, null));
        deck.sources.set(n, source);
        if (n === from) this.sounding = { key, at: performance.now() };
      } catch (error) {
        this.dispatchEvent(new CustomEvent("fault", { detail: error.message }));
      }
    }
  }

  #tick() {
    if (this.clock.paused) return;
    if (!this.deck) {
      // The film runs again, but the event that says so did not come or came before the last stop.
      if (!this.clock.seeking && (this.clock.readyState ?? 4) > 2) this.#anchor();
      return;
    }
    const apart = Math.abs(this.context.currentTime - this.deck.zero - this.time);
    this.deck.apart = apart > APART_S ? this.deck.apart + 1 : 0;
    if (this.deck.apart >= 3) this.#anchor();
    else this.#fill();
  }
}
