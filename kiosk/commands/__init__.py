"""The commands of `pism`, a module for each thing they are about; kiosk.commands.cli gathers them."""
