"""What Locust runs: `locust -f loadtests/locustfile.py` as it is, or through `penstock loadtest`."""

from locust import events

from loadtests.locust_run import listen
from loadtests.users import GrpcUser, RestUser

__all__ = ["GrpcUser", "RestUser"]

listen(events)  # a locustfile is there to be imported: Locust finds its users and listeners so
