"""Charts, each a file with one function from plain rows to an Altair chart. They are drawn in a process of their own
(`studio`), so that neither the gateway's event loop nor its memory feels the drawing; `chart` is what a page asks for."""
