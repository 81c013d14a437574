"""Variations of pairs, level and pitch: what they promise, beside resampled sound and closed forms."""

from functools import partial

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import NetworkOptions, PairAugmenter
from sktimbre.autoencoder.data.augmentation import Variations, filtered
from sktimbre.autoencoder.data.contours import loudness_envelope, release_rate
from sktimbre.autoencoder.data.level import level_gain, level_of
from sktimbre.autoencoder.data.pairs import frames_together
from sktimbre.autoencoder.data.pitch import pair_pitches, pitch_in_bins
from sktimbre.datasets import load_notes, make_paired_notes
from sktimbre.spectral.log_magnitudes import scaled, transposed

SR = 22050
# Settings that change nothing.
STILL = {
    "n_frames": None, "semitones": 0, "beyond": 0, "smoothing": 0,
    "dynamics": 0, "transitions": 0, "mixing": 0, "filtering": 0,
}  # fmt: skip


# A variation passes through magnitudes: it equals its note but for rounding.
assert_same = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)


def changing(**settings):
    """Return an augmenter that changes these settings alone."""
    return PairAugmenter(**{**STILL, **settings})


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(8, duration=0.6, random_state=0)


@pytest.fixture(scope="module")
def spectra(notes):
    stft = LogSTFT()
    return list(stft.transform(notes.source)), list(stft.transform(notes.target))


@pytest.mark.parametrize("semitones", [-1.0, 0.3, 1.0])
def test_transposing_spectra_is_near_to_resampling_the_sound(notes, semitones):
    ratio = 2 ** (semitones / 12)
    for y in notes.target[::3]:
        resampled = soxr.resample(y, SR * ratio, SR)
        middle = slice(6, 18)
        wanted = LogSTFT().transform(resampled[np.newaxis])[0][:, middle]
        S = LogSTFT().transform(y[np.newaxis])[0]
        got = transposed(S, ratio)[:, middle]
        assert np.mean((got - wanted) ** 2) < 0.2 * np.mean((S[:, middle] - wanted) ** 2)


@given(st.floats(0.5, 2), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_transposed_spectra_stay_spectra(ratio, seed):
    S = np.random.default_rng(seed).random((33, 4), np.float32)
    out = transposed(S, ratio)
    assert out.shape == S.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0
    np.testing.assert_array_equal(transposed(S, 1), S)


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_envelopes_are_positive_factors(n_frames, seed):
    gain = loudness_envelope(n_frames, np.random.default_rng(seed))
    assert gain.shape == (n_frames,)
    assert np.isfinite(gain).all()
    assert gain.min() > 0
    assert gain.max() == pytest.approx(1)


def test_envelopes_have_tremolos_late_attacks_and_early_ends():
    decibels = [20 * np.log10(loudness_envelope(100, np.random.default_rng(seed))) for seed in range(300)]
    turns = [np.count_nonzero(np.diff(np.sign(np.diff(curve)))) for curve in decibels]
    # A swell through four points at most turns twice, an attack and an end once each.
    assert 0.25 < np.mean(np.array(turns) > 6) < 0.55
    for end in (0, -1):
        assert 0.1 < np.mean([curve[end] < -35 for curve in decibels]) < 0.3


def test_pitch_is_the_fundamental_of_harmonic_sounds():
    time = np.arange(SR) / SR
    for hertz in (98.0, 440.0, 987.8, 1760.0):
        partials = [np.sin(2 * np.pi * h * hertz * time) / h for h in range(1, 9) if h * hertz < SR / 2]
        S = LogSTFT().transform(0.1 * np.sum(partials, axis=0)[np.newaxis])[0]
        assert 1200 * abs(np.log2(pitch_in_bins(S) * SR / 1024 / hertz)) < 15
    noise = LogSTFT().transform(np.random.default_rng(0).uniform(-0.5, 0.5, (1, SR)))[0]
    assert np.isnan(pitch_in_bins(noise))
    assert np.isnan(pitch_in_bins(np.zeros((513, 10), np.float32)))


def test_pitch_of_real_notes(notes_folder):
    """Every note of the piano from 87 Hz to 2.6 kHz; lower ones, whose partials run together, have none or are right."""
    notes = load_notes(notes_folder / "piano", duration=1.0, trim=False)
    wanted = 440 * 2 ** ((notes.pitches - 69) / 12)
    found = np.array([pitch_in_bins(S) for S in LogSTFT().transform(notes.audio)]) * SR / 1024
    cents = 1200 * np.abs(np.log2(found / wanted))
    middle = (notes.pitches >= 42) & (notes.pitches <= 100)
    assert np.mean(cents[middle] < 50) > 0.98
    assert np.mean(np.isnan(cents[~middle]) | (cents[~middle] < 100)) > 0.9


def test_pairs_that_disagree_about_their_pitch_have_none(spectra):
    sources, targets = spectra
    assert pair_pitches(sources[0], targets[0]) == (pitch_in_bins(sources[0]), pitch_in_bins(targets[0]))
    assert np.isnan(pair_pitches(sources[0], targets[5])).all()
    for pair in ((sources[0], np.zeros_like(targets[0])), (np.zeros_like(sources[0]), targets[0])):
        assert np.isnan(pair_pitches(*pair)).all()


def test_without_augmentation_left_a_variation_is_its_pair(spectra):
    still = changing()
    source, target = Variations(still, spectra).draw(3, np.random.default_rng(0))
    assert_same(source, spectra[0][3])
    assert_same(target, spectra[1][3])


@pytest.mark.parametrize("dynamics", [0, 1])
def test_dynamics_change_the_loudness_alone(dynamics):
    S = [np.full((33, 30), 2, np.float32)]
    how = changing(dynamics=dynamics)
    source, _ = Variations(how, (S, S)).draw(0, np.random.default_rng(0))
    np.testing.assert_array_equal(source, np.broadcast_to(source[:1], source.shape))
    assert (np.ptp(source[0]) > 0.5) == bool(dynamics)


def test_nearer_neighbours_give_the_source_more_often():
    """At 3 of 4 semitones a neighbour has a quarter of the weight of a note at the pitch itself."""
    S = [np.full((65, 8), value, np.float32) for value in (1, 2)]
    variations = Variations(changing(smoothing=4), (S, S))
    variations.pitches = variations.target_pitches = np.array([40.0, 43.0])
    rng = np.random.default_rng(0)
    drawn = [variations.draw(0, rng) for _ in range(400)]
    assert np.mean([source[30, 0] == 1 for source, _ in drawn]) == pytest.approx(0.8, abs=0.06)
    np.testing.assert_allclose([target[30, 0] for _, target in drawn], 0.8 * 1 + 0.2 * 2, rtol=1e-5)


def test_smoothing_moves_neighbours_to_the_pitch_of_the_variation(spectra):
    pitches = 12 * np.log2([pitch_in_bins(S) for S in spectra[0]])
    variations = Variations(changing(semitones=1, smoothing=4), spectra)
    rng = np.random.default_rng(0)
    half_way = np.diff(pitches)[3:5] / 2
    for _ in range(10):
        source, target = variations.draw(4, rng)
        for side in (source, target):
            shift = 12 * np.log2(pitch_in_bins(side)) - pitches[4]
            assert -half_way[0] - 0.2 < shift < half_way[1] + 0.2


def test_neighbours_that_are_tuned_differently_are_mixed_into_partials_as_strong_as_theirs():
    """The mean of logarithms of partials that do not fall together would be weak, and have two ridges that beat."""
    time = np.arange(SR) / SR
    hertz, off = 1600 * 2 ** (np.array([-1, 0, 1]) / 12), 2 ** (np.array([0.4, -0.5, 0.4]) / 12)
    phases = 2 * np.pi * np.outer(np.append(hertz, hertz * off), time)
    S = LogSTFT().transform(0.1 * (np.sin(phases) + np.sin(2 * phases) + np.sin(3 * phases)))
    still = changing(smoothing=2)
    target = Variations(still, (S[:3], S[3:])).draw(1, np.random.default_rng(0))[1]
    tuning = 12 * np.log2(pitch_in_bins(target) / pitch_in_bins(S[1]))
    assert tuning == pytest.approx(np.average([0.4, -0.5, 0.4], weights=[1, 2, 1]), abs=0.05)
    middle = target[:, target.shape[1] // 2]
    for h in (1, 2, 3):
        place = round(h * pitch_in_bins(target))
        assert middle[place - 2 : place + 3].max() > 0.95 * S[4, :, 20].max()


def test_between_notes_that_lie_far_apart_targets_are_interpolated():
    """Fewer notes than the smoothing reaches over, as where eight were recorded: every pitch between them is heard."""
    time, apart = np.arange(SR) / SR, 7
    hertz = 800 * 2 ** (np.array([0, apart]) / 12)
    phases = 2 * np.pi * np.outer(hertz, time)
    first, second, third = (LogSTFT().transform(0.1 * np.sin(h * phases)) for h in (1, 2, 3))
    # The second partial is in the lower target alone, the third in the upper alone.
    targets = [first[0] + second[0], first[1] + third[1]]
    sources = list(first + second + third)
    still = changing(semitones=0.5, smoothing=1)
    variations, rng = Variations(still, (sources, targets)), np.random.default_rng(0)
    heard = []
    for index in rng.integers(0, 2, 60):
        source, target = variations.draw(index, rng)
        above = 12 * np.log2(pitch_in_bins(source) / pitch_in_bins(sources[0]))
        strengths = [target[round(h * pitch_in_bins(source))].mean() for h in (2, 3)]
        share = np.clip(above / apart, 0, 1)
        np.testing.assert_allclose(strengths / np.sum(strengths), [1 - share, share], atol=0.08)
        heard.append(above)
    assert min(heard) > -0.6
    assert max(heard) < apart + 0.6
    assert np.diff(np.sort(heard)).max() < 1


@given(st.integers(10, 90), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_pair_lasts_until_one_of_the_two_ends_before_the_other(at, fade, seed):
    """A string that dies away is no end of the pair, nor are two that end together."""
    note = np.random.default_rng(seed).uniform(1, 1.5, (129, 100)).astype(np.float32)
    frames = np.arange(100)
    ended = scaled(note, (10 ** (-3 * np.clip((frames - at) / fade, 0, 1))).astype(np.float32))
    dying = scaled(note, (10 ** (-3 * frames / 100)).astype(np.float32))
    assert at <= frames_together(note, ended) == frames_together(ended, note) <= at + fade
    assert frames_together(note, dying) == frames_together(ended, ended) == 100
    silent = np.zeros_like(note)
    assert frames_together(note, silent) == frames_together(silent, silent) == 100
    variations = Variations(changing(n_frames=16), ([note], [ended]))
    targets = [variations.draw(0, np.random.default_rng(i))[1] for i in range(20)]
    assert min(target.max() for target in targets) > 0.1


def test_source_and_target_get_the_same_dynamics(spectra):
    pairs = spectra[0], spectra[0]
    variations = Variations(changing(n_frames=10, semitones=1, dynamics=1), pairs)
    rng = np.random.default_rng(0)
    for i in range(8):
        source, target = variations.draw(i, rng)
        assert 1 <= source.shape[1] <= 10
        np.testing.assert_allclose(source, target, atol=1e-5)


def test_pieces_have_the_ends_of_a_note_half_as_often_as_its_middle():
    """Drawn evenly, the first frames, which are the attack, would be in one of 85 pieces of a note of 100 frames."""
    S = np.broadcast_to(np.linspace(0.1, 1, 100, dtype=np.float32), (1, 129, 100))
    still = Variations(changing(n_frames=16), (S, S))
    rng = np.random.default_rng(0)
    pieces = [still.draw(0, rng)[0][0] for _ in range(400)]
    first, middle, last = (
        np.mean([np.isclose(frame, piece).any() for piece in pieces]) for frame in S[0, 0, [0, 50, -1]]
    )
    assert 0.3 * middle < min(first, last) <= max(first, last) < 0.8 * middle


def test_variations_are_drawn_by_the_seed(spectra):
    variations = Variations(PairAugmenter(), spectra)
    first, second = (variations.draw(2, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[0], variations.draw(2, np.random.default_rng(8))[0])


def test_notes_shorter_than_a_neighbour_s_end_take_no_part(spectra):
    sources, targets = ([a[:, : 26 - 2 * i] for i, a in enumerate(side)] for side in spectra)
    variations = Variations(changing(smoothing=6, semitones=1.2, dynamics=0.3), (sources, targets))
    for i in range(8):
        assert variations.draw(i, np.random.default_rng(i))[0].shape[1] <= 26 - 2 * i


def test_a_wrong_augmenter_is_refused_before_training(pair):
    with pytest.raises(ValueError, match="semitones"):
        TimbreAutoencoder(filters=2, epochs=1, augment=PairAugmenter(semitones=-1)).fit(*pair)


@given(st.floats(-40, 10), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_gain_at_the_input_is_the_same_change_of_level(decibels, seed):
    S = np.random.default_rng(seed).gamma(2, 0.7, (129, 60)).astype(np.float32)
    louder = scaled(S, np.float32(10 ** (decibels / 20)))
    np.testing.assert_allclose(20 * np.log10(level_gain(S) / level_gain(louder)), np.full(60, decibels), atol=0.02)


@pytest.mark.slow
def test_a_model_s_output_has_the_gain_of_its_input(spectra):
    model = TimbreAutoencoder(filters=4, epochs=2, random_state=0).fit(*spectra)
    S = np.stack(spectra[0])
    quiet = model.predict(scaled(S, np.float32(0.1)))
    np.testing.assert_allclose(quiet, scaled(model.predict(S), np.float32(0.1)), atol=2e-3)
    np.testing.assert_allclose(model.encode(scaled(S[:1], np.float32(0.1))), model.encode(S[:1]), atol=2e-3)
    plain = TimbreAutoencoder(filters=4, epochs=2, random_state=0, normalize_level=False).fit(*spectra)
    assert np.abs(plain.predict(scaled(S, np.float32(0.1))) - scaled(plain.predict(S), np.float32(0.1))).max() > 0.05


def test_partials_have_one_level_at_every_window():
    """The same sound at 22050 and 44100 Hz, in windows of 46 ms."""
    reference = NetworkOptions().reference
    peaks = []
    for sr, n_fft in ((22050, 1024), (44100, 2048)):
        t = np.arange(sr) / sr
        y = 0.1 * sum(np.sin(2 * np.pi * 440 * h * t) / h for h in range(1, 9))
        S = LogSTFT(n_fft=n_fft).transform(y[np.newaxis].astype(np.float32))[0]
        level = level_of(scaled(S, level_gain(S, reference)))
        assert level[5:-5] == pytest.approx(reference, rel=0.02)
        peaks.append(scaled(S, level_gain(S, reference))[:300, 20])
    np.testing.assert_allclose(peaks[1][peaks[0] > 1], peaks[0][peaks[0] > 1], atol=0.02)


def test_silence_is_not_blown_up():
    np.testing.assert_allclose(level_gain(np.zeros((513, 20), np.float32)), 10 ** (70 / 20), rtol=1e-5)


def test_short_notes_are_continued_by_others(spectra):
    # One note is long.
    S = [s[:, 2:7] for s in spectra[0][:-1]] + [spectra[0][-1][:, 2:20]]
    still = changing(n_frames=12)
    variations = Variations(still, (S, S))
    rng = np.random.default_rng(0)
    for i in range(len(S) - 1):
        source, target = variations.draw(i, rng)
        assert source.shape[1] == 12
        np.testing.assert_array_equal(source, target)
        assert_same(source[:, :5], S[i])
        starts = [s[:, k : k + 5] for s in S for k in range(s.shape[1] - 4)]
        assert any(np.allclose(source[:, 5:10], s, atol=1e-5) for s in starts)
    # Pieces are no longer than the longest note.
    short = Variations(still, (S[:-1], S[:-1]))
    assert all(short.draw(i, rng)[0].shape[1] == 5 for i in range(len(S) - 1))
    # Whole notes are not continued.
    whole = Variations(changing(), (S, S))
    assert whole.draw(0, rng)[0].shape[1] == 5


def test_notes_of_pitches_that_recur_keep_their_targets(spectra):
    """Eight takes of two pitches, with targets that differ by their level; then one of each."""
    S = [spectra[0][i] for i in (2, 5) for _ in range(8)]
    T = [scaled(spectra[1][i], np.float32(2.0**-k)) for i in (2, 5) for k in range(8)]
    still = {**STILL, "smoothing": None}
    rng = np.random.default_rng(0)
    recurring = Variations(PairAugmenter(**still), (S, T))
    for i in (0, 7, 9):
        assert_same(recurring.draw(i, rng)[1], T[i])
    mixed = Variations(PairAugmenter(**{**still, "smoothing": 3.5}), (S, T)).draw(0, rng)[1]
    assert np.abs(mixed - T[0]).max() > 0.1
    few = Variations(PairAugmenter(**still), (S[1:8], T[1:8]))
    assert np.abs(few.draw(0, rng)[1] - T[1]).max() > 0.1


def lines(*rates):
    """Return notes of two pitches, each a line of its own, that end at these rates in dB a frame on each side."""
    frames = np.arange(200)
    sides = []
    for rate in rates:
        side = [np.zeros((65, 200), np.float32) for _ in range(2)]
        for k, S in enumerate(side):
            S[10 * (k + 1)] = np.log1p(100 * 10 ** (np.maximum(-rate * np.maximum(frames - 149, 0), -120) / 20))
        sides.append(side)
    return tuple(sides)


def test_rates_of_releases():
    fast, slow = lines(40.0, 2.0)
    assert release_rate(fast) == pytest.approx(30, abs=1)  # four frames to the floor
    assert release_rate(slow) == pytest.approx(2, abs=0.01)


def test_notes_of_a_phrase_end_near_the_next_one_at_the_rate_of_their_instrument():
    """The release of the source, of 30 dB a frame, tells where each note ends; the target fades by 2 dB a frame from there."""
    variations = Variations(changing(n_frames=48, transitions=1), lines(40.0, 2.0))
    fallen = lasting = together = rests = 0
    for seed in range(60):
        pair = variations.draw(0, np.random.default_rng(seed))
        source, target = (20 * np.log10(np.expm1(S[[10, 20]].astype(float)) + 1e-9) for S in pair)
        assert pair[0].shape == pair[1].shape == (65, 48)
        for line in (0, 1):
            falls = np.flatnonzero(np.diff(source[line]) < -25)
            for fall in falls[np.diff(falls, prepend=-9) > 1]:
                fallen += 1
                # The target goes on to fade, unless the same pitch is played again.
                fading = np.diff(target[line, fall : fall + 5])
                if fading.max(initial=-2) < -1.5:
                    np.testing.assert_allclose(fading, -2, atol=0.01)
                    lasting += len(fading) == 4
                other = source[1 - line, max(0, fall - 3) : fall + 5] > 0
                together += other.any() and not other.all()
        silent = np.flatnonzero(source.max(axis=0) < 0)
        rests += bool((silent[9:] - silent[:-9] == 9).any())  # longer than from the end of a note to the next
    assert fallen > 40
    assert lasting > 20
    assert together > 0.4 * fallen  # otherwise the same pitch follows, or a rest
    assert 2 < rests < 20


def test_notes_that_sound_together_add_their_powers():
    S = [np.zeros((33, 12), np.float32) for _ in range(4)]
    for k, note in enumerate(S):
        note[4 * k + 2] = np.log1p(50)
    drawn = [Variations(changing(mixing=1), (S, S)).draw(0, np.random.default_rng(seed)) for seed in range(60)]
    voices = []
    for source, target in drawn:
        np.testing.assert_array_equal(source, target)
        assert level_of(source).max() == pytest.approx(level_of(S[0]).max(), rel=1e-4)
        power = np.expm1(source[2::4, 0].astype(float)) ** 2
        shares = power[power > 1] / power[power > 1].min()
        np.testing.assert_allclose(
            shares, np.round(shares), atol=1e-2
        )  # notes that were drawn twice have twice the power
        voices.append(round(shares.sum()))
    assert {1, 2, 3, 4} >= set(voices) >= {2, 3, 4}  # one if the same note was drawn again


def test_filtering_changes_the_source_smoothly_and_not_its_level(spectra):
    variations = Variations(changing(filtering=1), spectra)
    steps = []
    for i in range(8):
        source, target = variations.draw(i, np.random.default_rng(i))
        assert_same(target, spectra[1][i])
        assert level_of(source).max() == pytest.approx(level_of(spectra[0][i]).max(), rel=1e-3)
        loud = np.expm1(spectra[0][i]) > 1e-2
        gains = 20 * np.log10(np.maximum(np.expm1(source), 1e-9) / np.maximum(np.expm1(spectra[0][i]), 1e-9))
        of_bins = np.array([np.median(row[on]) if on.any() else np.nan for row, on in zip(gains, loud, strict=True)])
        assert 1 < np.nanstd(of_bins) < 15
        steps.append(np.nanmax(np.abs(np.diff(of_bins[32:]))))
    assert max(steps) < 2


def test_a_filter_leaves_silence_silent():
    silent = np.zeros((33, 4), np.float32)
    np.testing.assert_array_equal(filtered(silent, np.random.default_rng(0)), silent)


def test_some_variations_lie_beyond_the_notes(spectra):
    pitches = 12 * np.log2([pitch_in_bins(S) for S in spectra[0]])
    rng = np.random.default_rng(0)
    drawn = [Variations(changing(beyond=3), spectra).draw(4, rng)[0] for _ in range(80)]
    shifts = np.array([12 * np.log2(pitch_in_bins(S)) for S in drawn])
    outside = (shifts < pitches.min() - 0.2) | (shifts > pitches.max() + 0.2)
    assert 0.03 < outside.mean() < 0.3
    assert pitches.min() - 3.2 < np.nanmin(shifts) < np.nanmax(shifts) < pitches.max() + 3.2
    np.testing.assert_allclose(shifts[~outside & (np.abs(shifts - pitches[4]) > 0.1)], [], atol=0.5)
