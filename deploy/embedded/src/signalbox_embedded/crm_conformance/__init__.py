"""Does a CRM keep the contract of docs/guides/integrating-a-crm.md? Asked over Kafka alone."""
