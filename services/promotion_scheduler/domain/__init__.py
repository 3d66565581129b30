"""What promotion-scheduler decides: pure functions from state and message to decision.

`candidate_marking` marks what may be promoted, `release_publishing` keeps the vendor's releases. A promotion is
scheduled in `promotion_scheduling`, its effect on extensions is judged in `promotion_checking`, and it is cancelled in
`promotion_cancelling`, or carried out in `promotion_execution`. A rollout is planned in `rollout_planning`, for a
`window` that is chosen in `window_setting`, and carried out in `rollout_execution`. `promotion_change` and
`rollout_change` are what these decide with, `terms` what an installation has set; `guards` refuse, `projections` keep
what other services tell, and `views` show it all.
"""
