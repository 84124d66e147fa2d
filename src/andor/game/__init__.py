"""Games: coalitions, transforms between values and interactions, attributions, and the files of interactions."""
