/**
 * Fourier transforms of real signals of any length.
 *
 * A complex transform is a function that changes two Float64Arrays, real and imaginary parts, in place. With both
 * swapped it is the inverse transform without its division by the length.
 */

/** Return the transforms of real signals of a length; the inverse is for even ones. A result lasts until the next. */
export function realTransform(n) {
  const bins = Math.floor(n / 2) + 1;
  const spectrum = { re: new Float64Array(bins), im: new Float64Array(bins) };
  const even = n % 2 === 0;
  // An even length is transformed as half as many complex numbers: even samples are real parts, odd ones imaginary.
  const size = even ? n / 2 : n;
  const transform = complexTransform(size);
  const re = new Float64Array(size), im = new Float64Array(size), signal = new Float64Array(n);
  const turn = unitCircle(n, bins);

  function forward(x) {
    for (let i = 0; i < size; i++) {
      re[i] = even ? x[2 * i] : x[i];
      im[i] = even ? x[2 * i + 1] : 0;
    }
    transform(re, im);
    for (let k = 0; k < bins; k++) {
      if (!even) {
        spectrum.re[k] = re[k];
        spectrum.im[k] = im[k];
        continue;
      }
      const a = k % size, b = (size - k) % size;
      const evenRe = (re[a] + re[b]) / 2, evenIm = (im[a] - im[b]) / 2;
      const oddRe = (im[a] + im[b]) / 2, oddIm = (re[b] - re[a]) / 2;
      spectrum.re[k] = evenRe + turn.cos[k] * oddRe + turn.sin[k] * oddIm;
      spectrum.im[k] = evenIm + turn.cos[k] * oddIm - turn.sin[k] * oddRe;
    }
    return spectrum;
  }

  function inverse(y) {
    if (!even) throw new Error("The inverse transform is for even lengths.");
    for (let k = 0; k < size; k++) {
      const m = size - k;
      // The first and the last value of the spectrum of a real signal are real.
      const im1 = k ? y.im[k] : 0, im2 = k ? -y.im[m] : 0;
      const evenRe = y.re[k] + y.re[m], evenIm = im1 + im2;
      const re2 = y.re[k] - y.re[m], imag2 = im1 - im2;
      const oddRe = turn.cos[k] * re2 - turn.sin[k] * imag2, oddIm = turn.cos[k] * imag2 + turn.sin[k] * re2;
      re[k] = evenRe - oddIm;
      im[k] = evenIm + oddRe;
    }
    transform(im, re);
    for (let i = 0; i < size; i++) {
      signal[2 * i] = re[i] / n;
      signal[2 * i + 1] = im[i] / n;
    }
    return signal;
  }

  return { forward, inverse };
}

function complexTransform(n) {
  return Number.isInteger(Math.log2(n)) ? powerOfTwoTransform(n) : bluesteinTransform(n);
}

/** Cooley and Tukey's algorithm. */
function powerOfTwoTransform(n) {
  const turn = unitCircle(n, n / 2);
  const reversed = new Uint32Array(n);
  for (let i = 1; i < n; i++) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
  return (re, im) => {
    for (let i = 0; i < n; i++) {
      const j = reversed[i];
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let half = 1; half < n; half *= 2) {
      const step = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k, b = a + half;
          const cos = turn.cos[k * step], sin = turn.sin[k * step];
          const bRe = re[b] * cos + im[b] * sin, bIm = im[b] * cos - re[b] * sin;
          re[b] = re[a] - bRe;
          im[b] = im[a] - bIm;
          re[a] += bRe;
          im[a] += bIm;
        }
      }
    }
  };
}

/** Bluestein's algorithm: a transform of any length is a convolution, which transforms of a power of two compute. */
function bluesteinTransform(n) {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const transform = powerOfTwoTransform(size);
  const circle = unitCircle(2 * n, 2 * n);
  // Half the square of k, in turns: as a remainder it stays exact.
  const cos = Float64Array.from({ length: n }, (_, k) => circle.cos[(k * k) % (2 * n)]);
  const sin = Float64Array.from({ length: n }, (_, k) => circle.sin[(k * k) % (2 * n)]);
  const chirpRe = new Float64Array(size), chirpIm = new Float64Array(size);
  for (let k = 0; k < n; k++) {
    chirpRe[k] = chirpRe[(size - k) % size] = cos[k];
    chirpIm[k] = chirpIm[(size - k) % size] = sin[k];
  }
  transform(chirpRe, chirpIm);
  const aRe = new Float64Array(size), aIm = new Float64Array(size);
  return (re, im) => {
    aRe.fill(0);
    aIm.fill(0);
    for (let k = 0; k < n; k++) {
      aRe[k] = re[k] * cos[k] + im[k] * sin[k];
      aIm[k] = im[k] * cos[k] - re[k] * sin[k];
    }
    transform(aRe, aIm);
    for (let k = 0; k < size; k++) {
      const real = aRe[k] * chirpRe[k] - aIm[k] * chirpIm[k];
      aIm[k] = aRe[k] * chirpIm[k] + aIm[k] * chirpRe[k];
      aRe[k] = real;
    }
    transform(aIm, aRe);
    for (let k = 0; k < n; k++) {
      re[k] = (aRe[k] * cos[k] + aIm[k] * sin[k]) / size;
      im[k] = (aIm[k] * cos[k] - aRe[k] * sin[k]) / size;
    }
  };
}

/** Return cosines and sines of the first multiples of the n-th part of a turn. */
function unitCircle(n, count) {
  const angles = Float64Array.from({ length: Math.max(count, 1) }, (_, k) => (2 * Math.PI * k) / n);
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}
