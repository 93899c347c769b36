"""Evaluates SPF with pyspf: a list of cases as JSON on stdin, their results on stdout."""
import json
import socket
import sys

import spf

zones = {}


def lookup(name, qtype, strict=True, timeout=None, level=0):
    records = zones.get(name.rstrip('.').lower())
    if records is None:
        return
    if qtype in records.get('failing', []):
        raise spf.TempError('DNS')
    for value in records.get(qtype, []):
        if qtype == 'TXT':
            value = (value.encode('latin-1'),)
        elif qtype == 'AAAA':
            value = socket.inet_pton(socket.AF_INET6, value)
        elif qtype == 'MX':
            value = (value['preference'], value['exchange'])
        yield ((name, qtype), value)


spf.DNSLookup = lookup
results = []
for case in json.load(sys.stdin):
    zones = case['zones']
    query = spf.query(i=case['ip'], s=case['from'], h=case['helo'], strict=True)
    results.append([str(part) for part in query.check()])
json.dump(results, sys.stdout)
