"""What would have to change: the smallest basket that meets a rule, the nearest change that would flip a verdict, the
offer a customer is closest to, and all of it in words.

Everything said here was priced by the engine before it is said. What does not belong: the verdict itself
(``rules.engine``), and where the words are shown. ``rules.linting`` and everyone above ``rules`` may come in.
"""
