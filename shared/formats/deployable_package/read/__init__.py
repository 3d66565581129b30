"""What the files of a package say; what cannot be read is a finding."""
