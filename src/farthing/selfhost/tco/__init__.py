"""What own models cost a month beside an API: demand, fleet, both bills, break-even, and how sure all of it is."""
