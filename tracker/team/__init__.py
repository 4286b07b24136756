"""An organisation sees itself, and nobody in it: weekly sums go out of a device, a k-anonymous report comes back."""
