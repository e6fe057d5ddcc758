"""The shipped simulator in a process of its own: provider.py PORT SETTINGS, these as JSON."""

import sys

import msgspec

from farthing.upstream.simulator import SimulatorSettings, serve

if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[2], type=SimulatorSettings), port=int(sys.argv[1]))
