/** The page: takes a sound, has the worker convert it, and plays both. */

const LONGEST = 60; // seconds
const SHORTEST = 0.1;
const RECORDED = 10;
const LARGEST = 200e6; // bytes of a file
const SILENT = 1e-5;

const element = (id) => document.getElementById(id);
const sliders = ["amount", "transpose", "mix"].map(element);
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

let models = [];
let sound = null; // {name, bytes, y, sr}: bytes as they were given, y as the model takes it
let job = null; // what the worker converts now
let jobs = 0;
let taken = 0;
let recorder = null;

/** An error that says in one sentence what to do. */
class Advice extends Error {}

function say(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}

function fail(error) {
  console.debug(error);
  say(error instanceof Advice ? error.message : `The page cannot go on (${error.message}); load it again.`, true);
}

// --- sounds

/** Take a sound file or a recording, and convert it. */
async function take(blob, name) {
  const turn = ++taken;
  try {
    if (blob.size > LARGEST) throw new Advice(`The file is too large; give at most ${LONGEST} seconds.`);
    say("Reading the sound");
    const bytes = await blob.arrayBuffer();
    await ready;
    const { sr } = chosen();
    const y = await decoded(bytes, sr);
    if (turn !== taken) return;
    sound = { name, bytes, y, sr };
    show(element("before"), wav(y, sr, 32));
    element("before-name").textContent = `Before: ${name}`;
    element("convert").disabled = false;
    await convert();
  } catch (error) {
    if (turn === taken) fail(error);
  }
}

/** Return the samples of a sound file, its channels averaged, at a sample rate. */
async function decoded(bytes, sr) {
  let buffer;
  try {
    // Decoding takes the bytes away.
    buffer = await new OfflineAudioContext(1, 1, sr).decodeAudioData(bytes.slice(0));
  } catch {
    throw new Advice("The browser cannot read this as sound; choose a WAV, FLAC, MP3 or Ogg file.");
  }
  if (buffer.duration > LONGEST) {
    throw new Advice(`The sound lasts ${Math.ceil(buffer.duration)} seconds; give at most ${LONGEST}.`);
  }
  if (buffer.duration < SHORTEST) throw new Advice(`The sound is too short; give at least ${SHORTEST} seconds.`);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
  const y = channels[0].map((_, i) => channels.reduce((total, channel) => total + channel[i], 0) / channels.length);
  if (y.every((x) => Math.abs(x) < SILENT)) {
    throw new Advice("The sound is silent; choose another, or turn the microphone up.");
  }
  return y;
}

/** Return a WAV file of one channel, of 16-bit integers or 32-bit floats. */
function wav(y, sr, bits) {
  const size = bits / 8;
  const view = new DataView(new ArrayBuffer(44 + size * y.length));
  const text = (at, characters) => [...characters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, bits === 32 ? 3 : 1, true); // 3: floats, 1: integers
  view.setUint16(22, 1, true);
  view.setUint32(24, sr, true);
  view.setUint32(28, sr * size, true);
  view.setUint16(32, size, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, size * y.length, true);
  y.forEach((x, i) => {
    if (bits === 32) view.setFloat32(44 + 4 * i, x, true);
    else view.setInt16(44 + 2 * i, Math.round(Math.min(Math.max(x, -1), 1) * 32767), true);
  });
  return new Blob([view], { type: "audio/wav" });
}

/** Have a player play a file or a link lead to it, in place of the last. */
function show(target, blob) {
  const attribute = target instanceof HTMLAudioElement ? "src" : "href";
  if (target[attribute]) URL.revokeObjectURL(target[attribute]);
  target[attribute] = URL.createObjectURL(blob);
}

/** Switch a microphone off. */
function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

async function record() {
  if (recorder) {
    recorder.stop();
    return;
  }
  const button = element("record");
  button.disabled = true;
  let stream = null;
  try {
    // What improves speech harms music.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
    const parts = [];
    recorder = new MediaRecorder(stream, { audioBitsPerSecond: 256000 });
    const ended = new Promise((resolve) => { recorder.onstop = resolve; });
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    const limit = setTimeout(() => recorder.stop(), 1000 * RECORDED);
    button.textContent = "Stop recording";
    button.disabled = false;
    say("Recording");
    await ended;
    clearTimeout(limit);
    stop(stream);
    await take(new Blob(parts, { type: recorder.mimeType }), "recording");
  } catch (error) {
    console.debug(error);
    say("The microphone cannot be used; allow it in the browser's settings for this page, or choose a file.", true);
  } finally {
    stop(stream);
    recorder = null;
    button.textContent = "Record ten seconds";
    button.disabled = false;
  }
}

// --- conversion

function chosen() {
  return models.find(({ name }) => name === element("model").value);
}

/** Have the worker convert the sound; what it converts now is given up. */
async function convert() {
  if (!sound) return;
  const model = chosen();
  if (sound.sr !== model.sr) Object.assign(sound, { y: await decoded(sound.bytes, model.sr), sr: model.sr });
  const [amount, transpose, mix] = sliders.map((slider) => Number(slider.value));
  job = { id: ++jobs, name: sound.name, model, started: performance.now() };
  worker.postMessage({ id: job.id, model: model.name, y: sound.y, amount, transpose, mix });
  say("Converting");
  busy(true);
}

function cancel() {
  job = null;
  worker.postMessage({ id: null });
  say("Cancelled");
  busy(false);
}

function busy(is) {
  element("progress").removeAttribute("value");
  element("progress").hidden = element("cancel").hidden = !is;
}

worker.onmessage = ({ data }) => {
  if (data.id !== job?.id) return;
  if (data.progress !== undefined) {
    // Without a value it shows that it waits for the model.
    if (data.progress) element("progress").value = data.progress;
    return;
  }
  busy(false);
  if (data.error) fail(new Error(data.error));
  else finish(data.audio);
  job = null;
};
worker.onerror = (event) => {
  busy(false);
  fail(new Error(event.message ?? "the worker does not start"));
};

function finish(audio) {
  const { model, name, started } = job;
  show(element("after"), wav(audio, model.sr, 32));
  for (const bits of [16, 32]) {
    const link = element(`wav${bits}`);
    show(link, wav(audio, model.sr, bits));
    link.download = `${name.replace(/\.[^.]*$/, "")}-${model.name}.wav`;
  }
  element("after-name").textContent = `After: ${model.target}`;
  element("downloads").hidden = false;
  say(`Converted in ${((performance.now() - started) / 1000).toFixed(1)} seconds`);
}

// --- controls

function label(slider) {
  document.querySelector(`output[for=${slider.id}]`).textContent = slider.value;
}

for (const slider of sliders) {
  label(slider);
  slider.addEventListener("input", () => label(slider));
}
element("settings").addEventListener("change", () => convert().catch(fail));
element("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  convert().catch(fail);
});
element("cancel").addEventListener("click", cancel);
element("record").addEventListener("click", record);
element("file").addEventListener("change", ({ target }) => {
  if (target.files.length) take(target.files[0], target.files[0].name);
});
// Files are taken wherever they are dropped: beside the zone, the browser would leave the page for them.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("zone").classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const [file] = event.dataTransfer.files;
    if (file) take(file, file.name);
    else say("This is not a file; drop a sound file.", true);
  });
}

async function listModels() {
  models = await (await fetch("models.json")).json();
  element("model").append(...models.map(({ name, target }) => new Option(target, name)));
}

const ready = listModels();
ready.catch(fail);
