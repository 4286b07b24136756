"""Example conversations, and the stand-in that plays the chatbots' side of them for ``klimaspor try``."""
