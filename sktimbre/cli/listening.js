"use strict";
// Source, output and target of a note play together on the clock of the audio context; switching only changes their gains, so
// that there is no gap and no shift between them.
(() => {
  const FADE = 0.008; // seconds to change a gain without a click
  const STEP = 0.25; // seconds that an arrow key seeks
  const loop = document.getElementById("loop");
  const level = document.getElementById("level");
  const notes = [];
  let context = null;
  let current = null;

  class Note {
    constructor(card) {
      this.card = card;
      this.duration = Number(card.dataset.duration);
      this.lanes = [...card.querySelectorAll(".lane")];
      this.now = card.querySelector(".now");
      this.button = card.querySelector(".play");
      this.name = card.querySelector("h2").textContent;
      this.side = 1; // the output
      this.at = 0; // position in seconds while paused
      this.start = null; // the context's time at which the sounds began, while they play
      this.voices = [];
      this.buffers = null;
      this.turn = 0; // counts starts; a start that waited for decoding is dropped if a later one came
      this.button.addEventListener("click", () => this.toggle());
      this.lanes.forEach((lane, i) => {
        lane.querySelector(".pick").addEventListener("click", () => { this.select(i); if (!this.playing) this.play(); });
        lane.querySelector(".picture").addEventListener("click", (event) => {
          const box = event.currentTarget.getBoundingClientRect();
          this.select(i);
          this.play(((event.clientX - box.left) / box.width) * this.duration);
        });
      });
      for (const kind of ["focusin", "pointerdown"]) card.addEventListener(kind, () => this.enter());
      this.show();
    }

    get playing() { return this.start !== null; }

    get position() {
      if (!this.playing) return this.at;
      const passed = Math.max(0, context.currentTime - this.start);
      return loop.checked ? passed % this.duration : Math.min(passed, this.duration);
    }

    enter() {
      if (current === this) return;
      if (current) { current.pause(); current.card.classList.remove("current"); }
      current = this;
      this.card.classList.add("current");
    }

    async decode() {
      if (this.buffers) return;
      const sounds = this.lanes.map((lane) => {
        const text = atob(lane.querySelector("audio").getAttribute("src").split(",")[1]);
        return context.decodeAudioData(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
      });
      this.buffers = await Promise.all(sounds);
    }

    async play(at = this.at) {
      this.enter();
      this.stop();
      const turn = ++this.turn;
      context ??= new (window.AudioContext ?? window.webkitAudioContext)();
      try {
        await Promise.all([context.resume(), this.decode()]);
      } catch (error) {
        // If decoding fails, show the separate players.
        document.body.classList.remove("ready");
        console.warn(error);
        return;
      }
      if (turn !== this.turn || current !== this) return;
      const offset = Math.min(Math.max(at, 0), this.duration - 0.001);
      const when = context.currentTime + 0.02;
      this.voices = this.buffers.map((buffer, i) => {
        const source = new AudioBufferSourceNode(context, { buffer, loop: loop.checked, loopEnd: this.duration });
        const gain = new GainNode(context, { gain: this.gain(i) });
        source.connect(gain).connect(context.destination);
        source.start(when, offset);
        return { source, gain };
      });
      this.voices[0].source.onended = () => { if (turn === this.turn && this.playing) { this.stop(); this.at = 0; this.show(); } };
      this.start = when - offset;
      this.show();
      requestAnimationFrame(() => this.tick());
    }

    stop() {
      ++this.turn;
      for (const { source, gain } of this.voices) {
        gain.gain.cancelScheduledValues(context.currentTime);
        gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
        source.stop(context.currentTime + 2 * FADE);
      }
      this.voices = [];
      this.start = null;
    }

    pause() {
      this.at = this.position;
      this.stop();
      this.show();
    }

    toggle() { if (this.playing) this.pause(); else this.play(); }

    seek(at) {
      const place = loop.checked ? (at + this.duration) % this.duration : Math.min(Math.max(at, 0), this.duration);
      if (this.playing) this.play(place);
      else { this.at = place; this.show(); }
    }

    select(side) {
      this.side = Math.min(side, this.lanes.length - 1);
      this.mix();
      this.show();
    }

    gain(i) { return i === this.side ? (level.checked ? Number(this.lanes[i].dataset.gain) : 1) : 0; }

    mix() {
      this.voices.forEach(({ gain }, i) => {
        const now = context.currentTime;
        gain.gain.cancelScheduledValues(now);
        gain.gain.setValueAtTime(gain.gain.value, now);
        gain.gain.linearRampToValueAtTime(this.gain(i), now + FADE);
      });
    }

    relooped(looping) {
      if (!this.playing) return;
      const passed = context.currentTime - this.start;
      this.start = context.currentTime - (passed % this.duration);
      for (const { source } of this.voices) source.loop = looping;
    }

    tick() {
      if (!this.playing) return;
      this.draw();
      requestAnimationFrame(() => this.tick());
    }

    draw() {
      const position = this.position;
      this.card.style.setProperty("--at", position / this.duration);
      this.now.textContent = position.toFixed(2);
    }

    show() {
      this.card.classList.toggle("playing", this.playing);
      this.button.setAttribute("aria-label", `${this.playing ? "Pause" : "Play"} ${this.name}`);
      this.lanes.forEach((lane, i) => {
        lane.classList.toggle("on", i === this.side);
        lane.querySelector(".pick").setAttribute("aria-pressed", i === this.side);
      });
      this.draw();
    }
  }

  function step(by) {
    const next = notes[Math.min(Math.max(notes.indexOf(current) + by, 0), notes.length - 1)];
    if (next === current) return;
    const { playing, side } = current;
    if (current.card.contains(document.activeElement)) next.button.focus({ preventScroll: true });
    next.enter();
    next.select(side);
    next.card.scrollIntoView({ block: "nearest" });
    if (playing) next.play(0);
  }

  const keys = {
    " ": () => current.toggle(),
    1: () => current.select(0), s: () => current.select(0),
    2: () => current.select(1), o: () => current.select(1),
    3: () => current.select(2), t: () => current.select(2),
    ArrowLeft: () => current.seek(current.position - STEP),
    ArrowRight: () => current.seek(current.position + STEP),
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // The space bar toggles checkboxes and details, and the arrows scroll tables.
    const own = event.target.closest("input, summary, audio, .wide");
    if (!act || (own && (event.key === " " || event.key.startsWith("Arrow")))) return;
    event.preventDefault();
    act();
  });
  // Otherwise releasing the space bar would also press the focused button.
  document.addEventListener("keyup", (event) => { if (event.key === " " && event.target.closest("button")) event.preventDefault(); });

  if (!(window.AudioContext ?? window.webkitAudioContext)) return;
  document.body.classList.add("ready");
  document.getElementById("bar").hidden = false;
  notes.push(...[...document.querySelectorAll(".note")].map((card) => new Note(card)));
  notes[0]?.enter();
  loop.addEventListener("change", () => current.relooped(loop.checked));
  level.addEventListener("change", () => current.mix());
})();
