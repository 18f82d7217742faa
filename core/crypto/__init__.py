"""Keys, passphrases, age, recipients, identities, and what a process with secrets asks of the kernel."""
