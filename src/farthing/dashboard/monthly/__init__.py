"""The parts of the report to send: what a month was like, for people who see no page. Figures are those of the pages."""
