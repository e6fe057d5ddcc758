"""From what was captured to a model of one's own: what is worth it, the data set, the training at a provider or here, the proof."""
