"""A day of a shop with SAE in an hour: what people do to it, what Puente costs it meanwhile, and how long each edit takes to the tills.

day      who is at work, when SAE is left alone, what was seen
script   what happens, and when
gauge    what the engine says of everybody's work, by its monitoring tables
plot     the day as a picture
"""
