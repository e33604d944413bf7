"""The conversation record and the human side of it: log, emotion, triggers, queues, agents, desk."""
