// Waveforms of cues, drawn while they are in view: one request at a time, since a browser opens few connections to a
// server and music must not wait behind waveforms, and given up out of view, since each holds a canvas.

import WaveSurfer from "./wavesurfer.esm.js";

export class Waves {
  // `peaksOf` asks for the highest samples of the cue of an element, and for the length of the cue in seconds.
  constructor(peaksOf) {
    this.peaksOf = peaksOf;
    this.known = new Map();
    this.wanted = new Set();
    this.isDrawing = false;
    this.watcher = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !target.drawn) this.wanted.add(target);
        else if (!isIntersecting) this.#clear(target);
      }
      this.#draw();
    }, { rootMargin: "200px" });
  }

  // The element of a cue; another one where `name`, all that the waveform depends on, is another one.
  of(id, name, make) {
    if (this.known.get(id)?.name !== name) {
      this.drop(id);
      const element = make();
      this.watcher.observe(element);
      this.known.set(id, { name, element });
    }
    return this.known.get(id).element;
  }

  drop(id) {
    const known = this.known.get(id);
    if (!known) return;
    this.watcher.unobserve(known.element);
    this.#clear(known.element);
    this.known.delete(id);
  }

  #clear(element) {
    this.wanted.delete(element);
    element.drawn?.destroy();
    delete element.drawn;
  }

  async #draw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    while (this.wanted.size) {
      const element = this.wanted.values().next().value;
      try {
        const { peaks, durationS } = await this.peaksOf(element);
        if (this.wanted.has(element) && !element.drawn) this.#show(element, peaks, durationS);
      } catch {
        // it is asked for again when it comes into view again
      }
      this.wanted.delete(element);
    }
    this.isDrawing = false;
  }

  #show(element, peaks, durationS) {
    const colours = getComputedStyle(document.documentElement);
    element.drawn = WaveSurfer.create({
      container: element, height: 40, interact: false, cspNonce: document.body.dataset.nonce, normalize: true,
      waveColor: colours.getPropertyValue("--wave").trim(), cursorWidth: 0,
      peaks: [peaks], duration: durationS,
    });
  }
}
