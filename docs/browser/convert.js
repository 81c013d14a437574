/**
 * Convert a recording with an exported sktimbre model: convert.py of an export in JavaScript, in the same order.
 *
 * Spectra are arrays of frames, each a Float64Array of all frequencies: `spectra[t][k]`. Complex spectra are computed
 * frame by frame, as `{re, im}`, and last until the next one.
 */

import { realTransform } from "./fft.js";

const TINY = 2 ** -126; // the smallest normal number of 32 bits
const EPSILON = 2 ** -23;
// Coefficients of cosines.
const WINDOWS = { hann: [0.5, 0.5], hamming: [0.54, 0.46], blackman: [0.42, 0.5, 0.08] };
// Frames that the network gets at once: its memory stays small, and its progress is known.
const PIECE = 256;

/**
 * Return a recording with the target's timbre.
 *
 * `y` is mono, from -1 to 1, at the sample rate of the settings. `network` takes a Float32Array of log-magnitudes
 * (frequencies, frames) and the number of frames and returns a promise of the output of the same shape. `progress` is
 * awaited with the done share, from 0 to 1; the conversion ends where it throws.
 */
export async function convert(y, settings, network, progress = async () => {}) {
  const stft = new STFT(settings.stft);
  const source = mapped(stft.magnitudes(y, 2 ** (settings.transpose / 12)), Math.log1p);
  let output = source;
  if (settings.amount) {
    output = await predicted(source, settings, network, (done) => progress(0.5 * done));
    if (settings.noise.share) output = withNoise(source, output, settings.noise);
    if (settings.loudness.share) output = withLoudness(source, output, settings.loudness);
    if (settings.noise.kept) output = withKeptNoise(source, output, settings.noise);
    output = mapped(output, (x, t, k) => source[t][k] + settings.amount * (Math.max(x, 0) - source[t][k]));
    output = released(source, output, settings.release);
  }
  const magnitudes = mapped(output, Math.expm1);
  // Where the source is mixed in, its phases let partials of both add up.
  const mixed = settings.mix < 1 && !settings.transpose;
  const phases = mixed ? stft.phases(y) : gradientPhases(magnitudes, stft, settings.phase.gamma);
  const rest = (done) => progress(0.5 + 0.5 * done);
  const audio = await inverted(magnitudes, phases, stft, settings.phase, y.length, rest);
  return Float32Array.from(audio, (x, i) => settings.mix * x + (1 - settings.mix) * y[i]);
}

/** Short-time Fourier transform: frame t is centred on sample `t * hop`; zeros surround the signal. */
export class STFT {
  constructor({ n_fft: nFft, hop_length: hop, win_length: win, window }) {
    Object.assign(this, { nFft, hop, win, window });
    this.taper = tapered(window, win, nFft);
    this.pad = Math.floor(nFft / 2);
    this.bins = this.pad + 1;
    this.transform = realTransform(nFft);
    this.windowed = new Float64Array(nFft);
  }

  /** Return how many frames a signal has. */
  countFrames(length) {
    return 1 + Math.floor((length + 2 * this.pad - this.nFft) / this.hop);
  }

  /** Return the complex spectrum of frame t of a signal that is padded already; zeros follow it. */
  frame(padded, t) {
    return this.transform.forward(windowed(padded, t * this.hop, this.taper, this.windowed));
  }

  /** Return what a function makes of the complex spectrum of each frame of a signal. */
  frames(y, use) {
    const padded = surrounded(y, this.pad, this.pad);
    return Array.from({ length: this.countFrames(y.length) }, (_, t) => use(this.frame(padded, t)));
  }

  /** Return the phases of a signal. */
  phases(y) {
    return this.frames(y, ({ re, im }) => re.map((x, k) => Math.atan2(im[k], x)));
  }

  /** Return the magnitudes of a signal as if it were higher by a frequency ratio: windows are longer by this ratio. */
  magnitudes(y, ratio = 1) {
    if (ratio === 1) return this.frames(y, absolute);
    const nFft = Math.round(this.nFft * ratio);
    const taper = tapered(this.window, Math.round(this.win * ratio), nFft);
    const padded = surrounded(y, Math.floor(nFft / 2), nFft);
    const transform = realTransform(nFft), samples = new Float64Array(nFft);
    const scale = sum(this.taper) / sum(taper);
    return Array.from({ length: this.countFrames(y.length) }, (_, t) => {
      const known = absolute(transform.forward(windowed(padded, t * this.hop, taper, samples)));
      return Float64Array.from({ length: this.bins }, (_, k) => (k < known.length ? scale * known[k] : 0));
    });
  }

  /** Return the sum of overlapping windowed frames, as long as whole hops; `frame` is a function of t. */
  overlapped(nFrames, frame) {
    const overlap = Math.ceil(this.nFft / this.hop);
    const total = new Float64Array(this.hop * (nFrames + overlap - 1));
    for (let t = 0; t < nFrames; t++) {
      const samples = frame(t), start = t * this.hop;
      for (let i = 0; i < this.nFft; i++) total[start + i] += samples[i] * this.taper[i];
    }
    return total;
  }
}

/** Return a window with zeros on both sides. */
function tapered(window, length, nFft) {
  const coefficients = WINDOWS[window];
  if (!coefficients) throw new Error(`The window ${window} is unknown; there are ${Object.keys(WINDOWS).join(", ")}.`);
  const before = Math.floor((nFft - length) / 2);
  const taper = new Float64Array(nFft);
  for (let i = 0; i < length; i++) {
    const angle = (2 * Math.PI * i) / length;
    coefficients.forEach((c, j) => { taper[before + i] += (-1) ** j * c * Math.cos(j * angle); });
  }
  return taper;
}

/** Return a frame of a signal after a window; zeros follow the signal. */
function windowed(signal, start, taper, samples) {
  const n = Math.min(taper.length, signal.length - start);
  for (let i = 0; i < n; i++) samples[i] = taper[i] * signal[start + i];
  return samples.fill(0, Math.max(n, 0));
}

// --- from the source's log-magnitudes to the target's

/** Return what the network predicts; frames are brought to the level that it works at, and back. */
async function predicted(source, settings, network, progress) {
  let gain = new Float64Array(source.length).fill(1);
  const how = settings.level;
  if (how) {
    const level = source.map((frame) => sum(frame.map((x) => Math.expm1(x) ** how.exponent)) ** (1 / how.exponent));
    const loudest = maximumFilter(level, how.loudest_within);
    const smooth = convolved(loudest, hanning(how.smooth), "nearest");
    gain = smooth.map((x) => how.reference / Math.max(x, how.quietest));
  }
  const x = mapped(source, (value, t) => Math.log1p(Math.expm1(value) * gain[t]));
  const y = await inPieces(x, settings.network, network, progress);
  return mapped(y, (value, t) => Math.log1p(Math.expm1(Math.max(value, 0)) / gain[t]));
}

/** Return the network's output, from overlapping pieces: a frame depends on `context` frames before and after it. */
async function inPieces(x, { frame_multiple: multiple, context }, network, progress) {
  const bins = x[0].length;
  const whole = (n) => Math.ceil(n / multiple) * multiple;
  const around = whole(context), step = whole(PIECE);
  const output = [];
  for (let start = 0; start < x.length; start += step) {
    await progress(start / x.length);
    const first = Math.max(0, start - around), end = Math.min(x.length, start + step);
    const count = whole(Math.min(x.length, end + around) - first);
    const piece = new Float32Array(bins * count);
    for (let t = 0; t < count && first + t < x.length; t++) {
      for (let k = 0; k < bins; k++) piece[k * count + t] = x[first + t][k];
    }
    const y = await network(piece, count);
    for (let t = start - first; t < end - first; t++) {
      output.push(Float64Array.from({ length: bins }, (_, k) => y[k * count + t]));
    }
  }
  return output;
}

/** Return spectra whose level between partials changes from frame to frame as the source's does. */
function withNoise(source, output, how) {
  const level = decibels(output, how), ofSource = decibels(source, how);
  const usual = uniformFilter(level, how.context), usualOfSource = uniformFilter(ofSource, how.context);
  return output.map((frame, t) => {
    const noise = between(level[t], how);
    return frame.map((x, k) => {
      const change = ofSource[t][k] - usualOfSource[t][k] - (level[t][k] - usual[t][k]);
      return amplified(x, how.share * noise[k] * clipped(change, -how.largest, how.largest));
    });
  });
}

/** Return spectra that have the level of the source between partials of both. */
function withKeptNoise(source, output, how) {
  const level = decibels(output, how), ofSource = decibels(source, how);
  return level.map((frame, t) => {
    const noise = noisy(frame, how), noiseOfSource = noisy(ofSource[t], how);
    return frame.map((x, k) => {
      const kept = x + how.kept * noise[k] * noiseOfSource[k] * (ofSource[t][k] - x);
      return Math.log1p(10 ** (kept / 20));
    });
  });
}

/** Return the levels of log-magnitudes. */
function decibels(spectra, how) {
  return mapped(spectra, (x) => 20 * Math.log10(Math.max(Math.expm1(Math.max(x, 0)), how.lowest)));
}

/** Return how surely bins are noise, from 0 to 1: by how much they are softer than the loudest bin near them. */
function between(level, how) {
  return loudestNear(level, how).map((loudest, k) => rising(loudest - level[k], how.perhaps, how.surely));
}

/** Return how surely bins are noise, from 0 to 1: beside a partial, or where there are only weak ones. */
function noisy(level, how) {
  const loudest = maximum(level), near = loudestNear(level, how);
  const weak = near.map((x) => rising(loudest - x, how.perhaps_weak, how.surely_weak));
  return between(level, how).map((x, k) => Math.max(x, weak[k]));
}

/** Return the level of the loudest bin near each. */
function loudestNear(level, how) {
  return maximumFilter(level, how.within);
}

/** Return 0 up to a value, 1 from another on, and a line between them. */
function rising(x, low, high) {
  return clipped((x - low) / (high - low), 0, 1);
}

/** Return spectra whose loudness rises and falls as the source's does. */
function withLoudness(source, output, how) {
  const window = hanning(how.context);
  const powers = [source, output].map((spectra) =>
    Float64Array.from(spectra, (frame) => sum(frame.map((x) => Math.expm1(Math.max(x, 0)) ** 2))));
  const difference = powers[0].map((x, t) => 10 * Math.log10((x + TINY) / (powers[1][t] + TINY)));
  const both = powers[0].map((x, t) => Math.sqrt(x * powers[1][t]));
  const around = convolved(powers[0], window, "constant");
  const bothAround = convolved(both, window, "constant");
  const usual = convolved(difference.map((x, t) => x * both[t]), window, "constant");
  return output.map((frame, t) => {
    const loudness = 10 * Math.log10((powers[0][t] + TINY) / Math.max(around[t], TINY));
    const weight = clipped((loudness + how.quieter) / (how.quieter - how.quiet), 0, 1);
    const change = difference[t] - usual[t] / Math.max(bothAround[t], TINY);
    const gain = how.share * weight * clipped(change, -how.largest, how.largest);
    return frame.map((x) => amplified(x, gain));
  });
}

/** Fade the output where the source is digital silence, and silence it `frames` frames later. */
function released(source, output, how) {
  let since = how.frames + 1;
  return output.map((frame, t) => {
    since = source[t].some((x) => x !== 0) ? 0 : since + 1;
    if (!since) return frame;
    const gain = since <= how.frames ? 10 ** (((-how.fade / 20) * since) / (how.frames + 1)) : 0;
    return frame.map((x) => Math.log1p(Math.expm1(x) * gain));
  });
}

// --- from magnitudes to audio

/** Return the audio of magnitudes and first phases, by iterations of accelerated Griffin-Lim. */
async function inverted(magnitudes, phases, stft, how, length, progress) {
  const nFrames = magnitudes.length;
  const start = (t) => ({
    re: phases[t].map((phase, k) => magnitudes[t][k] * Math.cos(phase)),
    im: phases[t].map((phase, k) => magnitudes[t][k] * Math.sin(phase)),
  });
  const power = stft.overlapped(nFrames, () => stft.taper);
  const last = Math.min(stft.pad + length, power.length);
  const inverse = power.map((x, i) => (i >= stft.pad && i < last ? 1 / Math.max(x, TINY) : 0));

  function synthesised(spectrum) {
    return stft.overlapped(nFrames, (t) => stft.transform.inverse(spectrum(t))).map((x, i) => x * inverse[i]);
  }

  /** Return the spectrum of a frame with the wanted magnitudes and its own phases. */
  function consistent(y, t) {
    const { re, im } = stft.frame(y, t);
    for (let k = 0; k < stft.bins; k++) {
      const scale = magnitudes[t][k] / (Math.sqrt(re[k] ** 2 + im[k] ** 2) + 1e-18);
      re[k] *= scale;
      im[k] *= scale;
    }
    return { re, im };
  }

  let y = synthesised(start), before = y, earlier = y;
  for (let i = 0; i < how.n_iter; i++) {
    await progress(i / how.n_iter);
    const found = synthesised((t) => consistent(y, t));
    const next = found.map((x, j) => {
      const ahead = before[j] + how.beta * (before[j] - earlier[j]);
      return ahead + how.gamma_step * (x - ahead);
    });
    y = next.map((x, j) => x + how.alpha * (x - before[j]));
    [before, earlier] = [next, before];
  }
  y = withLimitedEnds(before, start(nFrames - 1), power, stft, last);
  return Float32Array.from({ length }, (_, i) => (stft.pad + i < last ? y[stft.pad + i] : 0));
}

/** Return phases in radians, integrated along time at each spectral peak and along frequency from the peaks. */
function gradientPhases(magnitudes, stft, gamma) {
  const lowest = Math.max(maximum(magnitudes.map(maximum)) * 1e-7, TINY);
  const logS = mapped(magnitudes, (x) => Math.log(Math.max(x, lowest)));
  const nFrames = logS.length, bins = logS[0].length;
  const toTime = (stft.hop * stft.nFft) / gamma / (4 * Math.PI);
  const toFrequency = -gamma / (stft.hop * stft.nFft) / (2 * Math.PI);
  const phases = [];
  let lastRate;
  for (let t = 0; t < nFrames; t++) { // phases are in turns
    const p = logS[t];
    const rate = p.map((_, k) => {
      const ownTurn = ((stft.hop * k) % stft.nFft) / stft.nFft;
      return k > 0 && k < bins - 1 ? ownTurn + toTime * (p[k + 1] - p[k - 1]) : ownTurn;
    });
    const scale = toFrequency * (t > 0 && t < nFrames - 1 ? 0.5 : 1);
    const after = logS[Math.min(t + 1, nFrames - 1)], previous = logS[Math.max(t - 1, 0)];
    const slope = p.map((_, k) => scale * (after[k] - previous[k]) - 0.5);
    const now = new Float64Array(bins);
    let k = 0;
    while (k < bins) {
      let peak = k;
      while (peak + 1 < bins && p[peak + 1] >= p[peak]) peak++;
      now[peak] = t ? phases[t - 1][peak] + 0.5 * (lastRate[peak] + rate[peak]) : 0;
      for (let q = peak - 1; q >= k; q--) now[q] = now[q + 1] - 0.5 * (slope[q] + slope[q + 1]);
      k = peak + 1;
      while (k < bins && p[k] < p[k - 1]) {
        now[k] = now[k - 1] + 0.5 * (slope[k] + slope[k - 1]);
        k++;
      }
    }
    phases.push(now.map((x) => x - Math.floor(x)));
    lastRate = rate;
  }
  return mapped(phases, (x) => 2 * Math.PI * x);
}

/** Limit the samples at the end that only the edge of one window covers: dividing by its power amplifies errors. */
function withLimitedEnds(y, wanted, power, stft, last) {
  const highest = maximum(power);
  const well = (i) => power[i] >= 0.5 * highest;
  let covered = power.length - 1;
  while (!well(covered)) covered--;
  const first = Math.max(covered + 1, stft.pad);
  if (first >= last) return y;
  const start = power.length - Math.ceil(stft.nFft / stft.hop) * stft.hop; // of the last frame
  const frame = y.slice(start, start + stft.nFft);
  const size = norm([...wanted.re, ...wanted.im]);
  const loudest = maximum(frame.map((x, i) => (well(start + i) ? Math.abs(x) : 0)));
  const level = Math.max(loudest, (Math.sqrt(2 / stft.nFft) * size) / norm(stft.taper));
  const found = stft.frame(y, start / stft.hop);
  const errors = [...found.re.map((x, k) => x - wanted.re[k]), ...found.im.map((x, k) => x - wanted.im[k])];
  const error = norm(errors) / Math.max(size, TINY);
  let lowest = 1;
  for (let i = first; i < last; i++) {
    const trust = (1e-2 * Math.sqrt(power[i] / highest)) / Math.max(error, EPSILON);
    lowest = Math.min(lowest, (level * Math.max(trust, 1)) / Math.max(Math.abs(y[i]), 1e-38));
    y[i] *= lowest ** 2;
  }
  return y;
}

// --- what numpy and scipy have

/** Return spectra with a function of each value, its frame and its bin. */
function mapped(spectra, change) {
  return spectra.map((frame, t) => frame.map((x, k) => change(x, t, k)));
}

function absolute({ re, im }) {
  return re.map((x, k) => Math.sqrt(x ** 2 + im[k] ** 2));
}

/** Return a log-magnitude after a gain in decibels. */
function amplified(x, gain) {
  return Math.log1p(Math.expm1(Math.max(x, 0)) * 10 ** (gain / 20));
}

function clipped(x, low, high) {
  return Math.min(Math.max(x, low), high);
}

function sum(values) {
  let total = 0;
  for (const x of values) total += x;
  return total;
}

function norm(values) {
  return Math.sqrt(sum(values.map((x) => x ** 2)));
}

function maximum(values) {
  let highest = -Infinity;
  for (const x of values) if (x > highest) highest = x;
  return highest;
}

function surrounded(y, before, after) {
  const padded = new Float64Array(before + y.length + after);
  padded.set(y, before);
  return padded;
}

/** Return a Hann window of values to each side of its middle, without zeros, that sums to 1. */
function hanning(side) {
  const n = 2 * side + 1;
  const window = Float64Array.from({ length: n }, (_, i) => Math.sin((Math.PI * (i + 1)) / (n + 1)) ** 2);
  const total = sum(window);
  return window.map((x) => x / total);
}

/** Return the largest value within a distance of each. */
function maximumFilter(values, within) {
  return Float64Array.from(values, (_, i) => maximum(values.slice(Math.max(0, i - within), i + within + 1)));
}

/** Return means over the frames up to `context` before and after each; the outermost frames are repeated outwards. */
function uniformFilter(spectra, context) {
  return mapped(spectra, (_, t, k) => {
    let total = 0;
    for (let i = t - context; i <= t + context; i++) total += spectra[clipped(i, 0, spectra.length - 1)][k];
    return total / (2 * context + 1);
  });
}

/** Return a convolution with a symmetric window; beyond the ends are zeros or, if "nearest", the outermost values. */
function convolved(values, window, mode) {
  const side = (window.length - 1) / 2;
  return Float64Array.from(values, (_, i) => {
    let total = 0;
    for (let j = 0; j < window.length; j++) {
      const at = i + j - side;
      if (mode === "nearest") total += window[j] * values[clipped(at, 0, values.length - 1)];
      else if (at >= 0 && at < values.length) total += window[j] * values[at];
    }
    return total;
  });
}
