"""The clock, the power switch, the sensors and the guards of the box, and their twins."""
