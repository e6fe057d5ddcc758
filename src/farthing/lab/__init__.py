"""The prompt lab: which parts of a prompt can go, shown on items with known answers. Knows nothing of terminals and files'
places; what it asks models goes through the pipeline like any call."""
