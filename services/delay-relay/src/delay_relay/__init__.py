"""Kafka as the timer: returns waiting messages when they are due."""
