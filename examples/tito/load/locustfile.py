"""Tito's users, for Locust: each keeps one connection, asks, reads, and asks again.

    locust -f locustfile.py --headless --only-summary -H URL -u USERS -r USERS_A_SECOND -t 30s

PAUSE_MS is what a user waits between two questions, GOAL_P95_MS what nineteen of twenty answers must keep to. The figures are
printed every half second in the Wavefront format while it runs; exit code 1: the goal was missed.
"""

import json
import os
import time

import gevent
from locust import HttpUser, constant, events, task

GOAL = int(os.environ.get("GOAL_P95_MS", "200"))
TAGS = os.environ.get("METRIC_TAGS", "")
EVERY = 0.5


class Driver(HttpUser):
    wait_time = constant(int(os.environ.get("PAUSE_MS", "200")) / 1000)

    @task
    def when_to_leave(self):
        self.client.get("/", timeout=10)


@events.init.add_listener
def report_while_it_runs(environment, **_):
    def loop():
        while True:
            gevent.sleep(EVERY)
            report(environment)

    gevent.spawn(loop)


def report(environment):
    total = environment.stats.total
    if total.num_requests == 0:
        return
    figures = {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "users": environment.runner.user_count,
        "requests_per_second": round(total.total_rps, 1),
        "p50_ms": percentile(total, 0.5),
        "p95_ms": percentile(total, 0.95),
    }
    for name, value in figures.items():
        if value is not None:
            print(f"tito.load.{name} {value} {int(time.time())} source=locust {TAGS}".rstrip(), flush=True)


def percentile(total, share):
    """Of the last seconds; of all, as long as Locust has too few of them."""
    return total.get_current_response_time_percentile(share) or total.get_response_time_percentile(share)


@events.quitting.add_listener
def judge(environment, **_):
    report(environment)
    total = environment.stats.total
    p95 = int(total.get_response_time_percentile(0.95) or 0)
    options = environment.parsed_options
    for error in environment.stats.errors.values():
        print(f"{error.occurrences} requests failed: {error.error}")
    passed = total.num_requests > 0 and total.num_failures == 0 and p95 <= GOAL
    print(f"{'Goal met' if passed else 'GOAL MISSED'}: p95 {p95} ms of {GOAL} ms, {total.num_failures} of {total.num_requests} requests failed")
    result = {
        "by": "Locust",
        "users": options.num_users,
        "seconds": options.run_time,
        "requests": total.num_requests,
        "failures": total.num_failures,
        "p50": int(total.get_response_time_percentile(0.5) or 0),
        "p95": p95,
        "goal": GOAL,
        "passed": passed,
    }
    if os.environ.get("SCRIPT_RESPONSE_FILE"):
        with open(os.environ["SCRIPT_RESPONSE_FILE"], "w", encoding="utf-8") as file:
            json.dump(result, file)
    environment.process_exit_code = 0 if passed else 1
