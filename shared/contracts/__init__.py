"""The messages that Drydock's services, users and dashboards exchange over Kafka.

One module per owner (the service that takes the command or sends the event), `common` for what every service
sends; `message` is what they are made of, `envelope` what travels around them, `cloudevents` how both become a
Kafka record, `topics` where they travel.
"""
