"""What every test may use."""

from hypothesis import HealthCheck, settings

# How long an input takes to make or to try says how busy the machine is, and nothing of what is tried.
settings.register_profile("everywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("everywhere")
