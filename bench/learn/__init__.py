"""What the learning benchmark is made of: its calls, the gateway before the simulator, and what is read off them."""
