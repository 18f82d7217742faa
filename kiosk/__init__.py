"""The operator's side: daemon, state machine, screens, passphrase entry, the stick job, command line."""
