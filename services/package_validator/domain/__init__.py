"""What package-validator decides: which packages there are, and what a check of one means.

`checks`, `merges` and `retiring` each make a `package_change`, within what `guards` refuses. `projections` keeps the
releases that packages are held against, `announcements` and `views` say where a package stands.
"""
