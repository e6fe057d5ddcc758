"""A folder for the path of back-ends: the one package in it is all that they see of Farthing."""
