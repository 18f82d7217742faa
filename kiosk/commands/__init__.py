"""The commands of `pism`, a module for each thing they are about; kiosk.cli gathers them."""
