"""The appliance: units, rules, and the package that installs them."""
