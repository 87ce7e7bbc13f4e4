"""Profiles that come with Puente: how an event maps to CAJA's tables."""
