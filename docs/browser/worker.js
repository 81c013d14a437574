/** Converts recordings beside the page, so that the page stays responsive; a new job ends the one before. */

import * as ort from "./ort/ort.wasm.bundle.min.mjs";
import { convert } from "./convert.js";

// Threads need headers that simple servers do not send.
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.logLevel = "error";

class Superseded extends Error {}

const models = new Map();
let current = null;
let work = Promise.resolve();

/** Take a job, `{id, model, y, transpose, amount, mix}`; with the id null, end the one that runs. */
self.onmessage = ({ data: job }) => {
  current = job.id;
  if (job.id !== null) work = work.then(() => done(job));
};

async function done(job) {
  const answer = (message, transferred = []) => self.postMessage({ id: job.id, ...message }, transferred);
  async function progress(share) {
    answer({ progress: share });
    await new Promise((resolve) => setTimeout(resolve)); // lets messages in
    if (job.id !== current) throw new Superseded();
  }
  try {
    await progress(0);
    const { settings, network } = await loaded(job.model);
    const { transpose, amount, mix } = job;
    const audio = await convert(job.y, { ...settings, transpose, amount, mix }, network, progress);
    answer({ audio }, [audio.buffer]);
  } catch (error) {
    if (!(error instanceof Superseded)) answer({ error: error.message ?? String(error) });
  }
}

/** Return the settings of a model and its network, a function; both are kept. */
function loaded(name) {
  if (!models.has(name)) {
    const model = load(new URL(`./models/${encodeURIComponent(name)}/`, import.meta.url));
    model.catch(() => models.delete(name));
    models.set(name, model);
  }
  return models.get(name);
}

async function load(folder) {
  const [settings, graph] = await Promise.all([fetched("settings.json"), fetched("network.onnx")]);
  const session = await ort.InferenceSession.create(await graph.arrayBuffer(), { executionProviders: ["wasm"] });
  async function network(spectra, nFrames) {
    const input = new ort.Tensor("float32", spectra, [1, spectra.length / nFrames, nFrames, 1]);
    const { output } = await session.run({ spectra: input });
    return output.data;
  }
  return { settings: await settings.json(), network };

  async function fetched(file) {
    const response = await fetch(new URL(file, folder));
    if (!response.ok) throw new Error(`The file ${file} of the model is missing.`);
    return response;
  }
}
