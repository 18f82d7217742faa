"""The emulated box, scenarios on it, and the acceptance of a real one."""
