"""The customer's self-service pages, a module each. `guard.member` lets their people in and everybody else find nothing."""
