"""Ways to tell people of alerts, one a file. Each sends one message, or raises `NotDelivered` with why."""
