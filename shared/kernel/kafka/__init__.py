"""All that knows FastStream and aiokafka: topics, records in, records out."""
