"""What holds for all tests: a slow machine is no failure, so no example is timed."""

from hypothesis import HealthCheck, settings

settings.register_profile("pism", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pism")
