"""Helpers of all subpackages: checks of values, arrays and audio; seeds; atomic files; progress bars."""
