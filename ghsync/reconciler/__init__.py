"""Reads GitHub's API and brings the mirror up to it: what hooks did not tell, lost, or could not settle."""
