"""Sends what collectd measures to proxies of Wavefront: `name value seconds source=... tag="..."`, once a second.

    <Module metrics>
      Proxies "10.0.0.5:2878 10.0.0.6:2878"        a proxy that is away misses it
      Tag "deployment" "tito-7"
      Types "apache_connections" "load"            what is sent; all others are left out
    </Module>
"""

import queue
import threading
import urllib.request

import collectd

proxies = []
tags = []
types = set()
waiting = queue.Queue(maxsize=10_000)


def configure(config):
    for child in config.children:
        if child.key == "Proxies":
            proxies.extend(child.values[0].split())
        elif child.key == "Tag":
            name, value = child.values
            tags.append(f'{name}="{value}"')
        elif child.key == "Types":
            types.update(child.values)


def write(values):
    """One of collectd's: a plugin, its instance, a type and one value for each of the type's data sources."""
    if values.type not in types:
        return
    names = [source[0] for source in collectd.get_dataset(values.type)]
    kind = values.type.removeprefix(f"{values.plugin}_")
    for source, value in zip(names, values.values):
        if value != value:
            continue
        parts = [values.plugin, values.plugin_instance, kind, values.type_instance, source if len(names) > 1 else ""]
        name = ".".join(part for part in dict.fromkeys(parts) if part)
        line = f"tito.web.{name} {value:.6g} {int(values.time)} source={values.host} {' '.join(tags)}"
        try:
            waiting.put_nowait(line)
        except queue.Full:
            pass


def send():
    while True:
        lines = [waiting.get()]
        while not waiting.empty() and len(lines) < 500:
            lines.append(waiting.get())
        body = ("\n".join(lines) + "\n").encode()
        for proxy in proxies:
            try:
                urllib.request.urlopen(f"http://{proxy}/", body, timeout=2).close()
            except OSError:
                pass


collectd.register_config(configure)
collectd.register_write(write)
collectd.register_init(lambda: threading.Thread(target=send, daemon=True).start())
