"""Korean: year, month, day, with their units."""
