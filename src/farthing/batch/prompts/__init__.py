"""Files of prompts as people have them: what is in them, the requests that become of them, and what these will cost."""
