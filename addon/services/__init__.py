"""One chatbot, or one API family, a file. ``addon.service.discover`` finds them."""
