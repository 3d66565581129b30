"""The messages that Drydock's services, users and dashboards exchange over Kafka.

One package per owner (the service that takes the command or sends the event): `messages`, the `parts` that they are
made of, the `reasons` of refusals, and the `states` of what they tell of with their lifecycles. `common` is for what
every service sends; `message` is what they are made of, `envelope` what travels around them, `cloudevents` how both
become a Kafka record, `topics` where they travel.
"""
