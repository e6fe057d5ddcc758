"""Small models of our own that answer calls of one kind when they are sure, and else leave them to the teacher."""
