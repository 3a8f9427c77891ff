"""Methods that change who gets the places, given the scores."""
