"""All services in one process, on stores and a broker in memory, in a time that passes only when nothing can happen.

What befalls them, what is asked of them and when follows from one seed. What they did is judged by `checker`, which
knows topics, schemas and documents, and nothing of the code that made them.
"""
