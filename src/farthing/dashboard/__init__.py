"""Pages for people: what is spent, saved and wrong, drawn from the store's sums. One page is one file in `pages` and one
template; the rest here is what all pages share. Pages decide nothing that the command line does not decide the same way."""
