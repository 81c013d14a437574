"use strict";
// Each trial shuffles its sounds when the page is opened. Answers become a CSV file; nothing is sent.
(() => {
  const trials = [];
  let playing = null;

  function shuffled(items) {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = crypto.getRandomValues(new Uint32Array(1))[0] % (i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  function play(audio, button) {
    if (playing) {
      playing.audio.pause();
      playing.button.classList.remove("on");
    }
    playing = { audio, button };
    button.classList.add("on");
    audio.currentTime = 0;
    audio.onended = () => button.classList.remove("on");
    // The next sound may interrupt this one before it has begun.
    audio.play().catch((error) => { if (error.name !== "AbortError") console.warn(error); });
  }

  class Trial {
    constructor(card) {
      this.name = card.dataset.note;
      const sounds = Object.fromEntries([...card.querySelectorAll("audio")].map((each) => [each.dataset.system, each]));
      const [a, b] = shuffled(["model", "target"]);
      this.x = shuffled(["A", "B"])[0];
      this.places = { A: a, B: b, X: this.x === "A" ? a : b, reference: "target" };
      this.order = shuffled(Object.keys(sounds));
      this.order.forEach((system, i) => { this.places[i + 1] = system; });
      for (const button of card.querySelectorAll("button[data-sound]"))
        button.addEventListener("click", () => play(sounds[this.places[button.dataset.sound]], button));
      this.choices = [...card.querySelectorAll('input[type="radio"]')];
      this.sliders = [...card.querySelectorAll('input[type="range"]')];
      this.rated = this.sliders.map(() => false);
      this.sliders.forEach((slider, i) => slider.addEventListener("input", () => {
        this.rated[i] = true;
        slider.nextElementSibling.textContent = slider.value;
        show();
      }));
      for (const choice of this.choices) choice.addEventListener("change", show);
    }

    get left() { return this.rated.filter((done) => !done).length + (this.choices.some((choice) => choice.checked) ? 0 : 1); }

    get rows() {
      const chosen = this.choices.find((choice) => choice.checked);
      const rows = chosen ? [["abx", this.name, "model", chosen.value === this.x ? 1 : 0]] : [];
      this.order.forEach((system, i) => { if (this.rated[i]) rows.push(["rating", this.name, system, this.sliders[i].value]); });
      return rows;
    }
  }

  function csv() {
    const participant = document.getElementById("participant").value.trim();
    const page = document.body.dataset.page;
    const quoted = (cell) => /[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell;
    const rows = trials.flatMap((trial) => trial.rows).map((row) => [participant, ...row, page].map(quoted).join(","));
    return ["participant,part,note,system,value,page", ...rows].join("\n") + "\n";
  }

  function show() {
    const left = trials.reduce((sum, trial) => sum + trial.left, 0);
    document.getElementById("left").textContent = left ? `${left} answers are missing.` : "All is answered.";
    document.getElementById("csv").value = csv();
  }

  trials.push(...[...document.querySelectorAll(".trial")].map((card) => new Trial(card)));
  document.getElementById("participant").addEventListener("input", show);
  document.getElementById("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    const who = document.getElementById("participant").value.trim().replace(/\W+/g, "-") || "participant";
    link.download = `answers-${who}-${Date.now()}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  show();
})();
