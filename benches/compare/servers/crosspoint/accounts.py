#!/usr/bin/env python3
"""accounts.py URL ADMIN_PASSWORD N: waits for the server, then makes the accounts u0000… with the password "secret"."""
import json
import sys
import time
import urllib.error
import urllib.request

URL, PASSWORD, N = sys.argv[1], sys.argv[2], int(sys.argv[3])


def post(path, body, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    return json.load(urllib.request.urlopen(urllib.request.Request(URL + path, json.dumps(body).encode(), headers)))


def wait():
    for _ in range(100):
        try:
            return urllib.request.urlopen(URL + "/health/ready").status
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the server did not become ready in 10 s")


wait()
token = post("/api/auth/login", {"username": "admin", "password": PASSWORD})["sip_admin_token"]
for start in range(0, N, 500):
    # "secret" is too weak for a real account: the accounts of the comparison are marked as development only.
    users = [{"username": "u%04d" % i, "password": "secret", "development_only": True} for i in range(start, min(start + 500, N))]
    post("/api/sip-users/bulk-create", {"users": users}, token)
