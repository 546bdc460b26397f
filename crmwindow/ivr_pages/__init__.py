"""The pages on which a customer's admin makes IVR functions, copies what the voice menu needs, and tries them out."""
