"""PostgreSQL, Kafka, SMTP and HTTP as workflow-api meets them."""
