"""The command `farthing`: one file a command. Reads arguments and prints; what is done is done by the folders below."""
