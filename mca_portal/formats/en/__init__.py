"""English: the day before the month, the month in letters, so that no reader takes 4/3 for the wrong day."""
