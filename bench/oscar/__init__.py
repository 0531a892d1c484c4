"""What stands beside our rules in ``./dev bench rules_beside_oscar``: the same offers and baskets, once in words of
neither side, once in django-oscar's, once in ours.

``description`` says what is on offer and what is bought, ``peer`` is the program that prices it with django-oscar, in
an environment of its own (``.venv`` here, from ``requirements.lock``), and ``own`` prices it with our engine. What
does not belong: anything of the product; Django is never installed beside it. Only the bench comes in here.
"""
