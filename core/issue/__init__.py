"""What a certificate says, that it does, and how it is signed; CRLs; signing requests."""
