TOPIC(segments)
TOPIC(selectors)
TOPIC(gates)
