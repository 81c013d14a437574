"""What every room uses: checks of values, arrays and audio; seeds; files written atomically; progress bars."""
