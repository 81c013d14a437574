"""Checks of audio and spectra: what passes, and that errors name the place and the fix."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from sktimbre import LogSTFT, TimbreTransfer
from sktimbre._utils.validation import (
    LEAST_SAMPLES,
    MOST_CHANNELS,
    check_audio,
    check_finite,
    check_layout,
    check_numbers,
    check_spectra,
)
from sktimbre.baselines import IdentityBaseline
from sktimbre.exceptions import AudioError
from sktimbre.spectral import stft

BAD_NUMBERS = st.sampled_from([(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])


def spoiled(shape, place, value):
    array = np.ones(shape, np.float32)
    array[place] = value
    return array


@given(data=st.data(), shape=array_shapes(min_dims=2, max_dims=2), bad=BAD_NUMBERS)
def test_audio_that_is_not_finite_names_note_and_sample(data, shape, bad):
    note, sample = (data.draw(st.integers(0, n - 1)) for n in shape)
    X = spoiled(shape, (note, sample), bad[0])
    words = rf"^y\[{note}\] contains {bad[1]}.* at sample {sample}\. Repair it, .*numpy\.nan_to_num"
    for given_as in (X, list(X), X.astype(np.float64), pd.DataFrame(X), pd.Series(list(X))):
        with pytest.raises(AudioError, match=words):
            check_audio(given_as, name="y")


@given(data=st.data(), shape=array_shapes(min_dims=3, max_dims=3), bad=BAD_NUMBERS)
def test_spectra_that_are_not_finite_name_note_frequency_and_frame(data, shape, bad):
    note, frequency, frame = (data.draw(st.integers(0, n - 1)) for n in shape)
    X = spoiled(shape, (note, frequency, frame), bad[0])
    for given_as in (X, list(X)):
        with pytest.raises(
            AudioError, match=rf"^X\[{note}\] contains {bad[1]}.* at frequency {frequency}, frame {frame}\."
        ):
            check_spectra(given_as)


@given(data=st.data(), shape=array_shapes(min_dims=0, max_dims=4))
def test_the_first_bad_place_of_any_array_is_named(data, shape):
    place = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    outer = "".join(f"[{i}]" for i in place[:-1])
    with pytest.raises(
        AudioError, match=re.escape(f"y{outer} contains NaN at {f'sample {place[-1]}' if place else ''}")
    ):
        check_numbers(spoiled(shape, place, np.nan), "y")


def test_what_is_finite_passes_even_if_its_sum_is_not():
    check_finite(np.full(10, 3e38, np.float32), "y")
    check_finite(np.empty(0), "y")


def test_float64_stays_where_it_may():
    y = np.zeros(3)
    assert check_numbers(y, "y") is y
    assert check_numbers([1, 2], "y").dtype == np.float32
    assert check_numbers(y, "y", np.float32).dtype == np.float32
    assert check_numbers(pd.Series([1.0, 2.0]), "y").tolist() == [1, 2]
    with pytest.raises(AudioError, match="y holds complex numbers"):
        check_numbers(1j * y, "y")


@given(n_samples=st.integers(1, 40), n_notes=st.integers(1, 2000))
def test_only_hundreds_of_notes_of_a_few_samples_are_a_layout(n_samples, n_notes):
    X = np.zeros((n_notes, n_samples), np.float32)
    if n_samples > MOST_CHANNELS or n_notes < LEAST_SAMPLES:
        assert check_audio(X).shape == X.shape
        return
    for given_as in (X, list(X), pd.DataFrame(X)):
        with pytest.raises(
            AudioError, match=rf"\({n_notes}, {n_samples}\): .*\(n_samples, n_channels\), pass X\.T.*to_mono"
        ):
            check_audio(given_as)
    assert check_audio(X.T).shape == (n_samples, n_notes)


def test_the_layout_is_that_of_the_last_two_axes():
    check_layout((22050,), "y")
    check_layout((22050, 2, 100), "y")
    with pytest.raises(AudioError, match=r"numpy\.swapaxes\(y, -2, -1\)"):
        check_layout((3, 22050, 2), "y")


@pytest.mark.parametrize(
    ("note", "fix"), [(np.zeros((900, 2)), r"to_mono\(X\[1\]\.T\)"), (np.zeros((2, 900)), r"to_mono\(X\[1\]\)")]
)
def test_notes_with_channels_are_refused_with_what_mixes_them(note, fix):
    for X in ([np.zeros(900), note], pd.Series([np.zeros(900), note])):
        with pytest.raises(AudioError, match=rf"X\[1\] has shape .*sktimbre\.audio\.{fix}\."):
            check_audio(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ((note for note in [np.zeros(9)]), r"X is of type generator, .* Pass list\(X\)\.$"),
        (map(np.zeros, [9]), r"X is of type map, .* Pass list\(X\)"),
        ({"C4": np.zeros(9)}, r"X is of type dict, .* Pass list\(X\.values\(\)\)"),
        ({"C4": np.zeros(9)}.values(), r"X is of type dict_values, .* Pass list\(X\)"),
        ({1.0}, r"X is of type set, "),
        ("a.wav", r"names of files; .*read_audio"),
        (["a.wav"], r"names of files; .*load_notes.*TimbreTransfer"),
        (pd.Series(["a.wav"]), "names of files"),
    ],
)
def test_what_is_no_audio_is_named(X, words):
    for check in (check_audio, lambda X: check_spectra(X, name="X"), lambda X: check_numbers(X, "X")):
        with pytest.raises(AudioError, match=words):
            check(X)


def test_lists_arrays_of_objects_and_series_are_alike():
    notes = [np.ones(5), np.ones(3)]
    wanted = check_audio(notes)
    for X in (
        tuple(notes),
        np.fromiter(notes, object),
        pd.Series(notes, index=[4, 2]),
        pd.Series([n.tolist() for n in notes]),
    ):
        found = check_audio(X)
        assert isinstance(found, list)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
@pytest.mark.parametrize(
    "given_as", [np.asarray, list, pd.DataFrame, lambda X: X.tolist()], ids=["array", "list", "frame", "lists"]
)
def test_samples_of_sound_files_are_refused(dtype, given_as):
    """Also quiet ones, and integers that have lost their type if they are large."""
    X = np.full((2, 100), 100, dtype)
    small = isinstance(given_as(X), list) and not isinstance(given_as(X)[0], np.ndarray)
    if small:
        check_audio(given_as(X))
        X = np.full((2, 100), 20000)
    with pytest.raises(AudioError, match="integers up to"):
        check_audio(given_as(X))
    np.testing.assert_array_equal(check_audio(given_as(0 * X)), 0 * X)


def test_samples_of_sound_files_are_refused_by_functions_and_streams():
    quiet = np.full(4000, 100, np.int16)
    model = TimbreTransfer(stft=LogSTFT(n_fft=64), autoencoder=IdentityBaseline()).fit(
        np.ones((2, 4000)), np.ones((2, 4000))
    )
    for use in (stft, lambda y: list(model.predict_blocks(np.split(y, 4)))):
        with pytest.raises(AudioError, match="integers up to 100"):
            use(quiet)
