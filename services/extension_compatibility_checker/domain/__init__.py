"""What extension-compatibility-checker decides.

`bases` are what extensions are checked against, and a `compatibility_check` says which of them work. What it finds
begins and ends remediations: rules in seeds/update-lifecycle-for-tenant-customizations.txt. `verdicts`,
`notifications`, `environments` and the `release_poll` each change an environment's remediations
(`remediation_change`), and the `remediation_clock` draws the conclusion, by the dates of the `remediation_policy`.
`projections` keeps releases and bases, `guards` refuses, `views` shows it all.
"""
