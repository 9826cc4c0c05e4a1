"""Stories in a real browser, against everything that ``make run`` starts."""
