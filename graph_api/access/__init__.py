"""Who asks, and what they may see and do. Pure: no HTTP, no GraphQL, no database."""
