"""Maps each CRM event to the workflows it triggers."""
